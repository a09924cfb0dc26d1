"""A user's sessions: which one a cookie belongs to, the list of them, and ending them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import Peppers, SecretHash
from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.db import audit
from clearway.db.users import sessions as rows
from clearway.domain.actor import Actor
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import SESSION, is_id
from clearway.domain.roles import Role
from clearway.domain.user import SessionEnd, SessionKind, SignedIn
from clearway.settings import Settings

USE_NOTED_EACH_S: Final = 60
"""How long after it was noted a session's use is not noted again."""


def has_secret(peppers: Peppers, row: Row[Any] | None, secret: str) -> bool:
    """Return whether the secret of a cookie is that of the session, in the same time whether or not there is one."""
    has_hash = row is not None and row.secret_hash is not None
    return peppers.matches(secret, SecretHash(row.pepper_id, bytes(row.secret_hash)) if has_hash and row else None)


def idle_until(settings: Settings, row: Row[Any]) -> datetime | None:
    """Return when a browser's session ends unless it is used; programs' sessions have no such end."""
    if row.kind != SessionKind.BROWSER.value:
        return None
    idle_until: datetime = row.last_used_at + timedelta(seconds=settings.session_idle_s)
    return idle_until


def is_open(settings: Settings, row: Row[Any], now: datetime) -> bool:
    """Return whether a session has neither been ended nor come to one of its ends."""
    idle_end = idle_until(settings, row)
    return row.ended_at is None and row.expires_at > now and (idle_end is None or idle_end > now)


def signed_in(row: Row[Any]) -> SignedIn:
    """Return the person of a row of `rows.find`."""
    return SignedIn(
        user_id=row.user_id,
        session_id=row.id,
        kind=SessionKind(row.kind),
        is_operator=row.is_operator,
        totp_enabled=row.totp_enabled_at is not None,
        stepped_up_at=row.stepped_up_at,
        account_id=row.account_id,
        role=row.role and Role(row.role),
    )


async def list_open(
    connection: AsyncConnection, cipher: Cipher, settings: Settings, user_id: str
) -> Sequence[tuple[Row[Any], str | None]]:
    """Return the user's open sessions, each with its network address."""
    now = datetime.now(UTC)
    found = await rows.list_open(connection, user_id, now)
    return [(row, _address(cipher, row)) for row in found if is_open(settings, row, now)]


async def end(connection: AsyncConnection, actor: Actor, user_id: str, session_id: str, reason: SessionEnd) -> None:
    """End a session of the user. Raises NotFoundError."""
    if not await rows.end(connection, user_id, session_id, reason):
        detail = f"You have no open session {session_id!r}. Nothing was changed."
        raise NotFoundError("session_not_found", detail)
    await audit.record(connection, actor, "session.end", session_id, {"reason": reason.value})


async def end_others(
    connection: AsyncConnection, actor: Actor, user_id: str, reason: SessionEnd, *, but: str | None = None
) -> None:
    """End the user's sessions, but this one if named."""
    ended = await rows.end_all(connection, user_id, reason, but=but)
    if ended:
        await audit.record(connection, actor, "user.end_sessions", user_id, {"reason": reason.value, "ended": ended})


async def end_replaced(connection: AsyncConnection, peppers: Peppers, actor: Actor, cookie: str | None) -> None:
    """End the session whose cookie a browser loses by another sign-in. A cookie that opens nothing ends nothing."""
    session_id, _, secret = (cookie or "").partition(".")
    row = await rows.lock(connection, session_id) if is_id(SESSION, session_id) else None
    if row is None or not has_secret(peppers, row, secret):
        return
    if await rows.end(connection, row.user_id, row.id, SessionEnd.REPLACED):
        await audit.record(connection, actor, "session.end", row.id, {"reason": SessionEnd.REPLACED.value})


def _address(cipher: Cipher, row: Row[Any]) -> str | None:
    try:
        return cipher.decrypt(row.sealed_address, rows.address_context(row.id)) if row.sealed_address else None
    except DecryptionError:
        return None
