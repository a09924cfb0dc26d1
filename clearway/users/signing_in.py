"""Sign in with an e-mail address and a password.

An unknown address and a wrong password get the same answer after the same work, so nobody learns who has an account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.access_tokens import Claims, TokenInvalidError, TokenKind
from clearway.db import audit
from clearway.db.users import sessions, users
from clearway.db.users.sessions import NewSession
from clearway.domain.errors import AuthenticationError
from clearway.domain.ids import SESSION, new_id
from clearway.domain.user import SessionKind
from clearway.mail import outbox
from clearway.services import Services
from clearway.users import devices, throttling, totp
from clearway.users.sessions import end_replaced
from clearway.users.totp import SecondFactor
from clearway.users.visitor import Visitor

SECRET_BYTES: Final = 32
CHALLENGE_LIFE_S: Final = 300


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A session of a browser, with the value of its cookie: `<session id>.<secret>`."""

    session_id: str
    user_id: str
    cookie: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Challenge:
    """The password was right, and a code is needed too: `token` proves the first half for CHALLENGE_LIFE_S."""

    token: str


async def sign_in(services: Services, visitor: Visitor, email: str, password: str) -> BrowserSession | Challenge:
    """Begin a browser's session, or ask for the second factor. Raises AuthenticationError and RateLimitedError."""
    user = await authenticate(services, visitor, email, password)
    if user.totp_enabled_at is not None:
        claims = Claims(user.id, _of_password(user))
        now = datetime.now(UTC)
        return Challenge(services.signed_tokens.sign(TokenKind.CHALLENGE, claims, CHALLENGE_LIFE_S, now))
    return await _begin(services, visitor, user.id)


async def answer(services: Services, visitor: Visitor, challenge: str, given: SecondFactor) -> BrowserSession:
    """Begin a browser's session with the second factor. Raises AuthenticationError and RateLimitedError."""
    try:
        claims = services.signed_tokens.verify(TokenKind.CHALLENGE, challenge)
    except TokenInvalidError:
        raise _challenge_over() from None
    async with services.reader.connect() as connection:
        user = await users.find(connection, claims.user_id)
    if user is None or user.disabled_at is not None or claims.bound_to != _of_password(user):
        raise _challenge_over()
    await totp.check(services, visitor, user.id, given)
    return await _begin(services, visitor, user.id)


async def _begin(services: Services, visitor: Visitor, user_id: str) -> BrowserSession:
    async with services.engine.begin() as connection:
        user = await users.find(connection, user_id)
        posted = [] if user is None else await devices.report_new(connection, services, visitor, user, visitor.device)
        session = await begin_session(connection, services, visitor, user_id)
    await outbox.start(services.temporal, *posted)
    return session


def _of_password(user: Row[Any]) -> str:
    """Return what binds a challenge to the password that was given."""
    changed_at: datetime = user.password_changed_at
    return changed_at.isoformat()


def _credentials_invalid() -> AuthenticationError:
    """Return one answer for an unknown address, a wrong password and a disabled user."""
    detail = "The e-mail address or the password is wrong. Nothing was done. Check both, or reset the password."
    return AuthenticationError("credentials_invalid", detail)


def _challenge_over() -> AuthenticationError:
    detail = "The sign-in took too long, or the password was changed. Nothing was done. Sign in again."
    return AuthenticationError("session_ended", detail)


async def authenticate(services: Services, visitor: Visitor, email: str, password: str) -> Row[Any]:
    """Return the user with this address and password. Raises AuthenticationError and RateLimitedError."""
    guarded = throttling.password_of(services, visitor, email)
    await throttling.count_attempt(services, guarded)
    everywhere = await throttling.count_everywhere(services, visitor, email)
    async with services.reader.connect() as connection:
        user = await users.find_by_email(connection, email)
    matches = await services.passwords.matches(password, user.password_hash if user else None)
    if not matches or user is None or user.disabled_at is not None:
        raise _credentials_invalid()
    await throttling.succeeded(services, [*guarded, *everywhere])
    return user


async def begin_session(
    connection: AsyncConnection, services: Services, visitor: Visitor, user_id: str
) -> BrowserSession:
    """Begin a browser's session for a user who has been authenticated. Its id and secret are always new ones.

    It replaces the session that the browser has already. Whoever used that one, maybe on a shared machine, is out.
    Raises AuthenticationError when the user was disabled or deleted meanwhile.
    """
    now = datetime.now(UTC)
    session_id, secret = new_id(SESSION), secrets.token_urlsafe(SECRET_BYTES)
    expires_at = now + timedelta(seconds=services.settings.session_life_s)
    new = NewSession(
        id=session_id,
        user_id=user_id,
        kind=SessionKind.BROWSER,
        secret=services.peppers.hash(secret),
        device=visitor.device,
        sealed_address=visitor.sealed_for(services.cipher, session_id),
        network_hash=throttling.network_hashes(services.peppers, visitor)[0],
        expires_at=expires_at,
    )
    if await users.lock_for_sign_in(connection, user_id) is None:
        raise _credentials_invalid()
    await sessions.add(connection, new, now)
    actor = visitor.actor(services.cipher, user_id)
    detail = {"session_id": session_id, "device": visitor.device}
    await audit.record(connection, actor, "user.sign_in", user_id, detail)
    await end_replaced(connection, services.peppers, actor, visitor.cookie)
    return BrowserSession(session_id, user_id, f"{session_id}.{secret}", expires_at)
