"""Merchants' own rows over the error table, as stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import error_overrides
from clearway.domain.gateway_error import Elsewhere
from clearway.gateways.errors.overrides import REPLACED, Override

NAMED = ("merchant_id", "gateway", "operation", "code", "network_code")


def override_of(row: Row[Any]) -> Override:
    """Read a row."""
    named = {name: getattr(row, name) for name in (*NAMED[1:], *REPLACED)}
    return Override(**named | {"elsewhere": None if row.elsewhere is None else Elsewhere(row.elsewhere)})


async def of_merchant(connection: AsyncConnection, merchant_id: str) -> Sequence[Row[Any]]:
    """Return the merchant's rows, in the order of the table."""
    column = error_overrides.c
    query = select(error_overrides).where(column.merchant_id == merchant_id)
    ordered = query.order_by(column.gateway, column.operation, column.code, column.network_code)
    return (await connection.execute(ordered)).all()


async def put(
    connection: AsyncConnection, merchant_id: str, override_id: str, override: Override, now: datetime
) -> Row[Any]:
    """Store a row in the place of the one with the same key, whose id stays."""
    replaced = {name: getattr(override, name) for name in REPLACED}
    replaced["elsewhere"] = None if override.elsewhere is None else override.elsewhere.value
    named = {name: getattr(override, name) for name in NAMED[1:]}
    values = {"id": override_id, "merchant_id": merchant_id, **named, **replaced, "created_at": now, "updated_at": now}
    statement = (
        insert(error_overrides)
        .values(values)
        .on_conflict_do_update(index_elements=NAMED, set_={**replaced, "updated_at": now})
        .returning(error_overrides)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def remove(connection: AsyncConnection, merchant_id: str, override_id: str) -> Row[Any] | None:
    """Remove a row of the merchant and return it; None: there is none."""
    column = error_overrides.c
    statement = delete(error_overrides).where(column.id == override_id, column.merchant_id == merchant_id)
    return (await connection.execute(statement.returning(error_overrides))).one_or_none()
