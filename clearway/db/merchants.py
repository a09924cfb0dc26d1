"""Merchants and their API keys, as stored. Secrets come in hashed; this module never sees one in the clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import api_keys, merchants


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key with what decides whether it opens anything."""

    id: str
    merchant_id: str
    secret_hash: bytes
    usable: bool
    """Neither revoked nor of a merchant that is switched off."""


FIND_KEY: Final = (
    select(
        api_keys.c.id,
        api_keys.c.merchant_id,
        api_keys.c.secret_hash,
        (api_keys.c.revoked_at.is_(None) & merchants.c.active).label("usable"),
    )
    .join(merchants, merchants.c.id == api_keys.c.merchant_id)
    .where(api_keys.c.id == bindparam("key_id"))
)


async def find_key(connection: AsyncConnection, key_id: str) -> StoredKey | None:
    """Return the key with this public half, or None."""
    row = (await connection.execute(FIND_KEY, {"key_id": key_id})).one_or_none()
    return StoredKey(row.id, row.merchant_id, bytes(row.secret_hash), row.usable) if row else None


async def merchant_name(connection: AsyncConnection, merchant_id: str) -> str | None:
    """Return the name a customer may see, or None when there is no such merchant."""
    name: str | None = await connection.scalar(select(merchants.c.name).where(merchants.c.id == merchant_id))
    return name


async def add_merchant(connection: AsyncConnection, *, merchant_id: str, name: str) -> bool:
    """Add a merchant unless it is there; tell whether it was added."""
    statement = insert(merchants).values(id=merchant_id, name=name).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def put_key(connection: AsyncConnection, *, key_id: str, merchant_id: str, secret_hash: bytes) -> None:
    """Add an API key, or give the one that is there this secret."""
    statement = insert(api_keys).values(id=key_id, merchant_id=merchant_id, secret_hash=secret_hash)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"secret_hash": statement.excluded.secret_hash})
    )
