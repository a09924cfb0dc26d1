"""Programs that act for a person: a short access token, and a refresh token that is replaced at each use (RFC 9700).

All refresh tokens since one sign-in are a family: the session. A token that was replaced counts for a few seconds more,
only the direct predecessor of the newest, and gets the same successor again: so a lost answer ends nothing. Any other
use of a replaced token means that two parties have it. Then the family ends, and the person gets a mail.

The successor is derived from its predecessor by a key of the installation, so nothing but hashes is stored.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.access_tokens import Claims, TokenKind
from clearway.crypto.api_secrets import SecretHash
from clearway.db import audit
from clearway.db.users import refresh_tokens, users
from clearway.db.users import sessions as rows
from clearway.db.users.sessions import NewSession
from clearway.domain.errors import AuthenticationError
from clearway.domain.ids import SESSION, is_id, new_id
from clearway.domain.user import DEVICE_LENGTH_MAX, SessionEnd, SessionKind
from clearway.mail import letters, outbox
from clearway.services import Services
from clearway.users import devices, sessions, throttling
from clearway.users.visitor import Visitor

SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a program gets."""

    session_id: str
    access_token: str
    expires_in_s: int
    refresh_token: str
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Reused:
    """A replaced token was used: the session is ended, and this mail waits."""

    mail_id: str


async def begin(services: Services, visitor: Visitor, user_id: str, device: str | None) -> Tokens:
    """Begin a program's session for a user who has been authenticated."""
    now = datetime.now(UTC)
    session_id, secret = new_id(SESSION), secrets.token_urlsafe(SECRET_BYTES)
    name = (device or visitor.device)[:DEVICE_LENGTH_MAX]
    new = NewSession(
        id=session_id,
        user_id=user_id,
        kind=SessionKind.PROGRAM,
        secret=None,
        device=name,
        sealed_address=visitor.sealed_for(services.cipher, session_id),
        network_hash=throttling.network_hashes(services.peppers, visitor)[0],
        expires_at=now + timedelta(seconds=services.settings.refresh_token_life_s),
    )
    async with services.engine.begin() as connection:
        user = await users.lock_for_sign_in(connection, user_id)
        if user is None:
            raise AuthenticationError("credentials_invalid", "The user may not sign in any more. Nothing was done.")
        posted = await devices.report_new(connection, services, visitor, user, name)
        await rows.add(connection, new, now)
        await refresh_tokens.add(connection, session_id, 0, services.peppers.hash(secret), now)
        detail = {"session_id": session_id, "device": name}
        await audit.record(connection, visitor.actor(services.cipher, user_id), "user.sign_in", user_id, detail)
    await outbox.start(services.temporal, *posted)
    return _tokens(services, new, secret, now)


async def refresh(services: Services, visitor: Visitor, token: str) -> Tokens:
    """Replace a refresh token. Raises AuthenticationError; a reused token has ended the session then."""
    session_id, _, secret = token.partition(".")
    async with services.engine.begin() as connection:
        answer = await _refresh(connection, services, visitor, session_id, secret)
    if isinstance(answer, _Reused):
        await outbox.start(services.temporal, answer.mail_id)
    if not isinstance(answer, Tokens):
        detail = "The refresh token is wrong, too old or was used already. Nothing was done. Sign in again."
        raise AuthenticationError("session_ended", detail)
    return answer


async def _refresh(
    connection: AsyncConnection, services: Services, visitor: Visitor, session_id: str, secret: str
) -> Tokens | _Reused | None:
    now = datetime.now(UTC)
    session = await rows.lock(connection, session_id) if is_id(SESSION, session_id) else None
    if session is None or session.kind != SessionKind.PROGRAM.value:
        return None
    hashed = services.peppers.fingerprints(secret.encode("utf-8", "surrogatepass"))
    token = await refresh_tokens.find(connection, session_id, hashed)
    if token is None or not sessions.is_open(services.settings, session, now):
        return None
    if token.generation == session.generation:
        successor = _successors(services, secret)[0]
        await refresh_tokens.replace(connection, session_id, token.generation, services.peppers.hash(successor), now)
        await rows.note_use(connection, session_id, visitor.sealed_for(services.cipher, session_id), now)
        return _tokens(services, session, successor, now)
    grace_ends_at = token.used_at + timedelta(seconds=services.settings.refresh_token_grace_s)
    if token.generation == session.generation - 1 and now < grace_ends_at:
        newest = await refresh_tokens.newest(connection, session_id)
        for successor in _successors(services, secret):
            if services.peppers.matches(successor, SecretHash(newest.pepper_id, bytes(newest.token_hash))):
                return _tokens(services, session, successor, now)
    return _Reused(await _end_family(connection, services, visitor, session, now))


async def _end_family(
    connection: AsyncConnection, services: Services, visitor: Visitor, session: Row[Any], now: datetime
) -> str:
    actor = visitor.actor(services.cipher, session.user_id)
    await sessions.end(connection, actor, session.user_id, session.id, SessionEnd.TOKEN_REUSED)
    user = await users.find(connection, session.user_id)
    assert user is not None, "a deleted user has no open session"
    page = f"{services.settings.dashboard_url.rstrip('/')}/account?tab=sessions"
    letter = letters.refresh_token_reused(user.email, at=now, device=session.device, sessions_link=page)
    return await outbox.record(connection, services.cipher, letter, user_id=user.id)


def _successors(services: Services, secret: str) -> list[str]:
    """Return the successor of a token under each pepper, the first of which is used for new ones."""
    derived = services.peppers.fingerprints(b"successor of " + secret.encode("utf-8", "surrogatepass"))
    return [base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in derived]


def _tokens(services: Services, session: NewSession | Row[Any], secret: str, now: datetime) -> Tokens:
    life_s = min(services.settings.access_token_life_s, (session.expires_at - now).total_seconds())
    access = services.signed_tokens.sign(TokenKind.ACCESS, Claims(session.user_id, session.id), life_s, now)
    return Tokens(session.id, access, int(life_s), f"{session.id}.{secret}", session.expires_at)
