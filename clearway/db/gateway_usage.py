"""What is used of a gateway's limits, over all processes.

There is a row for each gateway that has limits, or that once asked us to wait.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import gateway_usage
from clearway.domain.gateway_limits import Usage


async def lock(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Usage:
    """Return what is used, and let nobody else take any of it until this transaction ends."""
    key = {"gateway_id": gateway_id, "merchant_id": merchant_id}
    query = select(gateway_usage).where(*_of(merchant_id, gateway_id)).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        await connection.execute(insert(gateway_usage).values(**key).on_conflict_do_nothing())
        row = (await connection.execute(query)).one()
    under_way = {name: datetime.fromisoformat(end) for name, end in row.under_way.items()}
    return Usage(row.free_at, row.line_at, row.held_until, under_way)


async def put(connection: AsyncConnection, merchant_id: str, gateway_id: str, usage: Usage) -> None:
    """Write what is used, in the transaction that has locked it."""
    under_way = {name: end.isoformat() for name, end in usage.under_way.items()}
    values = {"free_at": usage.free_at, "line_at": usage.line_at, "under_way": under_way}
    await connection.execute(update(gateway_usage).where(*_of(merchant_id, gateway_id)).values(**values))


async def release(connection: AsyncConnection, merchant_id: str, gateway_id: str, request_id: str) -> None:
    """End a request that was under way."""
    statement = update(gateway_usage).where(*_of(merchant_id, gateway_id))
    await connection.execute(statement.values(under_way=gateway_usage.c.under_way.op("-")(request_id)))


async def hold(connection: AsyncConnection, merchant_id: str, gateway_id: str, until: datetime) -> None:
    """Let no request go to the gateway until then; a longer hold stays."""
    statement = insert(gateway_usage).values(gateway_id=gateway_id, merchant_id=merchant_id, held_until=until)
    longer = func.greatest(gateway_usage.c.held_until, statement.excluded.held_until)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["gateway_id"], set_={"held_until": longer})
    )


def _of(merchant_id: str, gateway_id: str) -> tuple[Any, ...]:
    return (gateway_usage.c.merchant_id == merchant_id, gateway_usage.c.gateway_id == gateway_id)
