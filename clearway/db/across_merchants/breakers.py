"""Breakers that are not closed and gateways that are held, of all merchants. Every process reads them each second."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import gateway_breakers, gateway_usage
from clearway.domain.breaker import Breaker, BreakerState

NOT_CLOSED: Final[Select[Any]] = select(gateway_breakers).where(gateway_breakers.c.state != BreakerState.CLOSED.value)


def breaker_of(row: Row[Any]) -> Breaker:
    """Read a row of `gateway_breakers`."""
    return Breaker(
        state=BreakerState(row.state),
        successes=row.successes,
        failures=row.failures,
        window_started_at=row.window_started_at,
        openings=row.openings,
        opened_at=row.opened_at,
        open_until=row.open_until,
        probe_until=row.probe_until,
    )


async def breakers_not_closed(connection: AsyncConnection) -> dict[tuple[str, str], Breaker]:
    """Return them by gateway and operation."""
    rows = await connection.execute(NOT_CLOSED)
    return {(row.gateway_id, row.operation): breaker_of(row) for row in rows}


HELD: Final = select(gateway_usage.c.gateway_id, gateway_usage.c.held_until).where(
    gateway_usage.c.held_until > func.now()
)


async def gateways_held(connection: AsyncConnection) -> dict[str, datetime]:
    """Return until when gateways asked for no request."""
    return {row.gateway_id: row.held_until for row in await connection.execute(HELD)}
