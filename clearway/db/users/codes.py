"""One-time tokens of links in mails, and recovery codes. Both are stored as keyed hashes and count once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.tables import one_time_tokens, recovery_codes
from clearway.domain.user import TokenPurpose


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token of a link. user_id None: somebody who registers. sealed_data: what the link is for, encrypted."""

    id: str
    purpose: TokenPurpose
    secret: SecretHash
    user_id: str | None
    sealed_data: str | None
    expires_at: datetime


def data_context(token_id: str) -> str:
    """Return the context that binds the encrypted data of a token to its row."""
    return f"one_time_tokens/{token_id}/data"


async def add_token(connection: AsyncConnection, new: NewToken) -> None:
    """Record a token."""
    values = {
        "id": new.id,
        "purpose": new.purpose.value,
        "token_hash": new.secret.digest,
        "pepper_id": new.secret.pepper_id,
        "user_id": new.user_id,
        "sealed_data": new.sealed_data,
        "expires_at": new.expires_at,
    }
    await connection.execute(insert(one_time_tokens).values(values))


async def lock_token(connection: AsyncConnection, token_id: str, purpose: TokenPurpose) -> Row[Any] | None:
    """Return a token that was not used, locked until this transaction ends."""
    query = select(one_time_tokens).where(
        one_time_tokens.c.id == token_id,
        one_time_tokens.c.purpose == purpose.value,
        one_time_tokens.c.used_at.is_(None),
        one_time_tokens.c.expires_at > func.now(),
    )
    return (await connection.execute(query.with_for_update())).one_or_none()


async def use_token(connection: AsyncConnection, row: Row[Any]) -> None:
    """Mark a token as used, and with it the user's others of this purpose."""
    same = (one_time_tokens.c.user_id == row.user_id) & (one_time_tokens.c.purpose == row.purpose)
    statement = update(one_time_tokens).where(
        or_(one_time_tokens.c.id == row.id, same), one_time_tokens.c.used_at.is_(None)
    )
    await connection.execute(statement.values(used_at=func.now(), sealed_data=None))


async def replace_recovery_codes(connection: AsyncConnection, user_id: str, codes: Iterable[SecretHash]) -> None:
    """Replace all recovery codes of a user."""
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": code.digest, "pepper_id": code.pepper_id} for code in codes]
    if rows:
        await connection.execute(insert(recovery_codes), rows)


async def use_recovery_code(connection: AsyncConnection, user_id: str, digests: Iterable[bytes]) -> bool:
    """Use up a code, given as its hash under each pepper. Return whether the user had it."""
    mine = (recovery_codes.c.user_id == user_id) & recovery_codes.c.code_hash.in_(list(digests))
    return bool((await connection.execute(delete(recovery_codes).where(mine))).rowcount)


async def recovery_codes_left(connection: AsyncConnection, user_id: str) -> int:
    """Return how many codes a user has."""
    query = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == user_id)
    return int(await connection.scalar(query) or 0)


async def delete_of(connection: AsyncConnection, user_id: str) -> None:
    """Delete the tokens and codes of a user."""
    await connection.execute(delete(one_time_tokens).where(one_time_tokens.c.user_id == user_id))
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))


async def forget_old(connection: AsyncConnection, now: datetime) -> int:
    """Delete tokens that nobody can use any more. Return how many."""
    gone = or_(one_time_tokens.c.used_at.is_not(None), one_time_tokens.c.expires_at <= now)
    return (await connection.execute(delete(one_time_tokens).where(gone))).rowcount
