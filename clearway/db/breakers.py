"""Circuit breakers of a merchant's gateways, as stored: one row for each gateway and operation that has failed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import gateway_breakers
from clearway.domain.breaker import Breaker, BreakerState


async def lock(connection: AsyncConnection, merchant_id: str, gateway_id: str, operation: str) -> Row[Any]:
    """Return the row, inserted if missing, and lock it until this transaction ends."""
    key = {"gateway_id": gateway_id, "operation": operation, "merchant_id": merchant_id}
    closed = insert(gateway_breakers).values(**key, state=BreakerState.CLOSED.value).on_conflict_do_nothing()
    await connection.execute(closed)
    query = select(gateway_breakers).where(*_of(merchant_id, gateway_id, operation)).with_for_update()
    row: Row[Any] = (await connection.execute(query)).one()
    return row


async def put(
    connection: AsyncConnection, row: Row[Any], breaker: Breaker, last_failure: str | None, now: datetime
) -> None:
    """Write the new state of a breaker that this transaction has locked."""
    values = asdict(breaker) | {"state": breaker.state.value, "updated_at": now}
    if last_failure is not None:
        values["last_failure"] = last_failure
    moved = int(breaker.state.value != row.state)
    statement = (
        update(gateway_breakers)
        .where(*_of(row.merchant_id, row.gateway_id, row.operation))
        .values(**values, version=gateway_breakers.c.version + moved)
    )
    await connection.execute(statement)


async def take_probe(
    connection: AsyncConnection, merchant_id: str, gateway_id: str, operation: str, *, now: datetime, until: datetime
) -> bool:
    """Take the right to probe a gateway of a half-open breaker; False: another payment has it."""
    breaker = gateway_breakers.c
    statement = (
        update(gateway_breakers)
        .where(
            *_of(merchant_id, gateway_id, operation),
            breaker.state != BreakerState.CLOSED.value,
            breaker.open_until <= now,
            or_(breaker.probe_until.is_(None), breaker.probe_until <= now),
        )
        .values(probe_until=until)
        .returning(breaker.gateway_id)
    )
    return (await connection.execute(statement)).first() is not None


async def of_gateway(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Sequence[Row[Any]]:
    """Return the breakers of a gateway that have ever counted a failure."""
    query = (
        select(gateway_breakers)
        .where(gateway_breakers.c.merchant_id == merchant_id, gateway_breakers.c.gateway_id == gateway_id)
        .order_by(gateway_breakers.c.operation)
    )
    return (await connection.execute(query)).all()


def _of(merchant_id: str, gateway_id: str, operation: str) -> tuple[Any, ...]:
    breaker = gateway_breakers.c
    return (
        breaker.merchant_id == merchant_id,
        breaker.gateway_id == gateway_id,
        breaker.operation == operation,
    )
