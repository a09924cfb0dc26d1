"""Imports of files: each file once for a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import settlement_imports


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> Row[Any] | None:
    """Insert an import and return None, or return the earlier import of the same file."""
    column = settlement_imports.c
    statement = insert(settlement_imports).values(**values).on_conflict_do_nothing().returning(column.id)
    if (await connection.execute(statement)).first() is not None:
        return None
    query = select(settlement_imports).where(
        column.merchant_id == values["merchant_id"],
        column.gateway_id == values["gateway_id"],
        column.target == values["target"],
        column.digest == values["digest"],
    )
    earlier: Row[Any] = (await connection.execute(query)).one()
    return earlier


async def set_added(connection: AsyncConnection, merchant_id: str, import_id: str, added: int) -> None:
    """Note how many rows were not there before."""
    statement = (
        update(settlement_imports)
        .where(settlement_imports.c.id == import_id, settlement_imports.c.merchant_id == merchant_id)
        .values(added=added)
    )
    await connection.execute(statement)
