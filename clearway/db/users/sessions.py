"""Sessions of users, of browsers and of programs alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, and_, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.tables import accounts, memberships, merchants, sessions, users
from clearway.db.tables.base import search_key
from clearway.domain.user import SessionEnd, SessionKind


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that begins now. secret: of a browser's cookie."""

    id: str
    user_id: str
    kind: SessionKind
    secret: SecretHash | None
    device: str
    sealed_address: str
    network_hash: bytes
    expires_at: datetime


def address_context(session_id: str) -> str:
    """Return the context that binds an encrypted network address to its session."""
    return f"sessions/{session_id}/address"


FIND_SESSION: Final = (
    select(
        sessions,
        users.c.is_operator,
        users.c.totp_enabled_at,
        merchants.c.id.label("merchant_id"),
        merchants.c.mode,
        merchants.c.account_id,
        memberships.c.role,
        accounts.c.totp_required,
    )
    .join(users, users.c.id == sessions.c.user_id)
    .outerjoin(merchants, and_(merchants.c.id == bindparam("merchant_id"), merchants.c.active))
    .outerjoin(accounts, accounts.c.id == merchants.c.account_id)
    .outerjoin(
        memberships, and_(memberships.c.account_id == merchants.c.account_id, memberships.c.user_id == users.c.id)
    )
    .where(sessions.c.id == bindparam("session_id"))
)


async def find(connection: AsyncConnection, session_id: str, merchant_id: str | None) -> Row[Any] | None:
    """Return the session, ended or not, with its user, and with the merchant and the user's role there if any."""
    parameters = {"session_id": session_id, "merchant_id": merchant_id}
    return (await connection.execute(FIND_SESSION, parameters)).one_or_none()


async def lock(connection: AsyncConnection, session_id: str) -> Row[Any] | None:
    """Return the session, ended or not; nobody else changes it until this transaction ends."""
    query = select(sessions).where(sessions.c.id == session_id)
    return (await connection.execute(query.with_for_update())).one_or_none()


async def device_is_known(connection: AsyncConnection, user_id: str, device: str) -> bool:
    """Return whether the user has signed in with such a device before, or never with any."""
    mine = sessions.c.user_id == user_id
    known = await connection.scalar(select(sessions.c.id).where(mine, sessions.c.device == device).limit(1))
    return known is not None or await connection.scalar(select(sessions.c.id).where(mine).limit(1)) is None


async def network_is_known(connection: AsyncConnection, email: str, hashes: Iterable[bytes]) -> bool:
    """Return whether the user with this address signed in from this network before (its hash under each pepper)."""
    query = (
        select(sessions.c.id)
        .join(users, users.c.id == sessions.c.user_id)
        .where(search_key(users.c.email) == search_key(literal(email)), sessions.c.network_hash.in_(list(hashes)))
    )
    return (await connection.execute(query.limit(1))).first() is not None


async def forget_old(connection: AsyncConnection, before: datetime) -> int:
    """Delete sessions whose time was over before then, with their refresh tokens. Return how many."""
    return (await connection.execute(delete(sessions).where(sessions.c.expires_at < before))).rowcount


async def add(connection: AsyncConnection, new: NewSession, now: datetime) -> None:
    """Record a session. Its user has just been authenticated, which counts as a step-up."""
    values = {
        "id": new.id,
        "user_id": new.user_id,
        "kind": new.kind.value,
        "secret_hash": new.secret and new.secret.digest,
        "pepper_id": new.secret and new.secret.pepper_id,
        "device": new.device,
        "sealed_address": new.sealed_address,
        "network_hash": new.network_hash,
        "created_at": now,
        "last_used_at": now,
        "expires_at": new.expires_at,
        "stepped_up_at": now,
    }
    await connection.execute(insert(sessions).values(values))


async def note_use(connection: AsyncConnection, session_id: str, sealed_address: str, now: datetime) -> None:
    """Note that a session was used now, from this address."""
    statement = update(sessions).where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    await connection.execute(statement.values(last_used_at=now, sealed_address=sealed_address))


async def note_step_up(connection: AsyncConnection, session_id: str, now: datetime) -> None:
    """Note that the user proved who they are again."""
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(stepped_up_at=now))


async def list_open(connection: AsyncConnection, user_id: str, now: datetime) -> Sequence[Row[Any]]:
    """Return the user's sessions that have not ended, the last used one first."""
    query = (
        select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None), sessions.c.expires_at > now)
        .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc())
    )
    return (await connection.execute(query)).all()


async def end(connection: AsyncConnection, user_id: str, session_id: str, reason: SessionEnd) -> bool:
    """End one session of the user. Return whether it was open."""
    return bool(await _end(connection, reason, sessions.c.user_id == user_id, sessions.c.id == session_id))


async def end_all(connection: AsyncConnection, user_id: str, reason: SessionEnd, *, but: str | None = None) -> int:
    """End the user's sessions, but this one if named. Return how many were open."""
    others = [] if but is None else [sessions.c.id != but]
    return await _end(connection, reason, sessions.c.user_id == user_id, *others)


async def _end(connection: AsyncConnection, reason: SessionEnd, *these: Any) -> int:
    statement = update(sessions).where(*these, sessions.c.ended_at.is_(None))
    return (await connection.execute(statement.values(ended_at=func.now(), end_reason=reason.value))).rowcount
