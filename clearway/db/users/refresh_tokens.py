"""Refresh tokens of programs' sessions: every one since the sign-in, so that a replaced one is recognised."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.tables import refresh_tokens, sessions


async def add(connection: AsyncConnection, session_id: str, generation: int, token: SecretHash, now: datetime) -> None:
    """Record the newest token of a session."""
    values = {
        "session_id": session_id,
        "generation": generation,
        "token_hash": token.digest,
        "pepper_id": token.pepper_id,
        "created_at": now,
    }
    await connection.execute(insert(refresh_tokens).values(values))


async def replace(
    connection: AsyncConnection, session_id: str, generation: int, successor: SecretHash, now: datetime
) -> None:
    """Note that the newest token was used, and record its successor. The session's row is locked."""
    used = (refresh_tokens.c.session_id == session_id) & (refresh_tokens.c.generation == generation)
    await connection.execute(update(refresh_tokens).where(used).values(used_at=now))
    await add(connection, session_id, generation + 1, successor, now)
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(generation=generation + 1))


async def find(connection: AsyncConnection, session_id: str, hashes: Iterable[bytes]) -> Row[Any] | None:
    """Return the session's token with one of these hashes (of one token, under each pepper)."""
    query = select(refresh_tokens).where(
        refresh_tokens.c.session_id == session_id, refresh_tokens.c.token_hash.in_(list(hashes))
    )
    return (await connection.execute(query)).one_or_none()


async def newest(connection: AsyncConnection, session_id: str) -> Row[Any]:
    """Return the newest token of a session."""
    mine = refresh_tokens.c.session_id == session_id
    query = select(refresh_tokens).where(mine).order_by(refresh_tokens.c.generation.desc()).limit(1)
    return (await connection.execute(query)).one()
