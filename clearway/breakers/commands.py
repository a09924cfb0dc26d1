"""Read the breakers of a gateway, and close them: by hand, or after a good health check if no payment tries them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.breakers.events import breaker_resource, happening_of
from clearway.db import audit, breakers
from clearway.db.across_merchants import breaker_of
from clearway.db.events import DueDelivery, record_events
from clearway.domain.actor import Actor, in_history
from clearway.domain.breaker import Breaker, BreakerState, reset
from clearway.domain.resources import BreakerResource

OPERATIONS: Final = ("authorise", "capture", "refund", "void")
CHECKED: Final = "no payment tried it for 10 minutes, and the health check found nothing wrong"


async def of_gateway(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> list[BreakerResource]:
    """Return the breaker of each operation as it is now; one that never counted a failure is closed."""
    rows = {row.operation: row for row in await breakers.of_gateway(connection, merchant_id, gateway_id)}
    now = datetime.now(UTC)
    return [_shown(gateway_id, operation, rows.get(operation), now) for operation in OPERATIONS]


async def close(connection: AsyncConnection, actor: Actor, gateway_id: str) -> Sequence[DueDelivery]:
    """Close every breaker of a gateway and return the deliveries that are due for it."""
    now, due = datetime.now(UTC), []
    rows = await breakers.of_gateway(connection, actor.merchant_id, gateway_id)
    for row in rows:
        held = await breakers.lock(connection, actor.merchant_id, gateway_id, row.operation)
        before = breaker_of(held)
        await breakers.put(connection, held, reset(before), None, now)
        happening = happening_of(held, before, reset(before), None, actor=in_history(actor))
        if happening is not None:
            due += await record_events(connection, [happening], now=now)
    opened = [row.operation for row in rows if row.state != BreakerState.CLOSED.value]
    await audit.record(connection, actor, "gateway.reset_breaker", gateway_id, {"closed": opened})
    return due


async def close_idle(
    connection: AsyncConnection, merchant_id: str, gateway_id: str, now: datetime
) -> Sequence[DueDelivery]:
    """Close the breakers that no payment tries, because a health check found nothing wrong; return what is due."""
    due: list[DueDelivery] = []
    for row in await breakers.of_gateway(connection, merchant_id, gateway_id):
        if not breaker_of(row).is_idle(now):
            continue
        held = await breakers.lock(connection, merchant_id, gateway_id, row.operation)
        before = breaker_of(held)
        if not before.is_idle(now):
            continue  # a payment came in between
        await breakers.put(connection, held, reset(before), None, now)
        happening = happening_of(held, before, reset(before), None, closed_by=CHECKED)
        due += await record_events(connection, [happening], now=now) if happening else []
    return due


def _shown(gateway_id: str, operation: str, row: Row[Any] | None, now: datetime) -> BreakerResource:
    if row is None:
        return BreakerResource(
            gateway_id=gateway_id,
            operation=operation,
            state=BreakerState.CLOSED,
            successes=0,
            failures=0,
            last_failure=None,
            opened_at=None,
            open_until=None,
        )
    standing: Breaker = breaker_of(row).at(now)
    return breaker_resource(row, standing, None)
