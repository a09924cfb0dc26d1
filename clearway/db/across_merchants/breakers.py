"""Breakers that are not closed and gateways that are held, of all merchants. Every process reads them each second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, func, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import gateway_breakers, gateway_usage
from clearway.domain.breaker import Breaker, BreakerState

_OF_BREAKER: Final = gateway_breakers.c
_OF_HOLD: Final = gateway_usage.c
HELD: Final = _OF_HOLD.held_until > func.now()
NOT_CLOSED: Final[Select[Any]] = select(gateway_breakers).where(_OF_BREAKER.state != BreakerState.CLOSED.value)
TROUBLED: Final = union_all(
    NOT_CLOSED.add_columns(null().cast(_OF_HOLD.held_until.type).label("held_until")),
    select(
        *(
            _OF_HOLD.gateway_id if column.name == "gateway_id" else null().cast(column.type).label(column.name)
            for column in gateway_breakers.columns
        ),
        _OF_HOLD.held_until,
    ).where(HELD),
)


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


@dataclass(frozen=True, slots=True)
class Troubled:
    """The breakers that are not closed, by gateway and operation, and until when gateways asked for no request."""

    breakers: Mapping[tuple[str, str], Breaker]
    held: Mapping[str, datetime]


async def troubled(connection: AsyncConnection) -> Troubled:
    """Read both in one statement, because it is so frequent."""
    rows = (await connection.execute(TROUBLED)).all()
    return Troubled(
        {(row.gateway_id, row.operation): breaker_of(row) for row in rows if row.state is not None},
        {row.gateway_id: row.held_until for row in rows if row.held_until is not None},
    )
