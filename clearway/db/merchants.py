"""Merchants and their API keys, as stored. Secrets come in hashed; this module never sees one in the clear."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import api_keys, merchants


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
