"""The breakers that are not closed and the gateways that asked us to wait, so that no payment reads them.

They are kept in memory and read each second: every process knows an open breaker within `READ_EACH_S`. While the
database is away, the last state read counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import across_merchants, breakers
from clearway.db.engine import each_for_itself
from clearway.domain.breaker import PROBE_S, Breaker, BreakerState, with_probe
from clearway.domain.routing import BreakerSays

READ_EACH_S: Final = 1.0
AUTHORISE: Final = "authorise"
"""The operation that new payments begin with: only its breaker routes."""

log = structlog.get_logger(__name__)


class BreakerBoard:
    """The breakers that are not closed. `run` reads them until it is cancelled."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._reader = each_for_itself(engine)
        self._known: Mapping[tuple[str, str], Breaker] = {}
        self._held: Mapping[str, datetime] = {}

    async def run(self) -> None:
        """Read the breakers each second."""
        while True:
            await self.read()
            await asyncio.sleep(READ_EACH_S)

    async def read(self) -> None:
        """Read the breakers now."""
        try:
            async with self._reader.connect() as connection:
                found = await across_merchants.troubled(connection)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("breakers_not_read", error=type(error).__name__)
            return
        self._known, self._held = found.breakers, found.held

    def is_troubled(self, gateway_id: str, operation: str) -> bool:
        """Return whether a breaker of the gateway is not closed: then successes are counted too."""
        return (gateway_id, operation) in self._known

    def held_until(self, gateway_id: str, now: datetime) -> datetime | None:
        """Return until when a gateway has asked for no request; None: it may be asked."""
        until = self._held.get(gateway_id)
        return until if until is not None and until > now else None

    def note_hold(self, gateway_id: str, until: datetime) -> None:
        """Remember a hold until the next reading finds it in the database."""
        self._held = {**self._held, gateway_id: until}

    def says(self, gateway_id: str, now: datetime) -> BreakerSays:
        """Return what routing should do with a gateway."""
        breaker = self._known.get((gateway_id, AUTHORISE))
        if breaker is None or breaker.at(now).state is BreakerState.CLOSED:
            return BreakerSays.PASS if self.held_until(gateway_id, now) is None else BreakerSays.HELD
        match breaker.at(now).state:
            case BreakerState.OPEN:
                return BreakerSays.OPEN
            case BreakerState.HALF_OPEN if not breaker.is_free(now):
                return BreakerSays.PROBED
            case _:
                return BreakerSays.PROBE_BY_ANY if breaker.is_untried(now) else BreakerSays.PROBE

    async def take_probe(self, merchant_id: str, gateway_id: str) -> bool:
        """Take the right to probe a gateway with a payment; False: another payment has it."""
        now = datetime.now(UTC)
        async with self._reader.connect() as connection:
            taken = await breakers.take_probe(
                connection, merchant_id, gateway_id, AUTHORISE, now=now, until=now + timedelta(seconds=PROBE_S)
            )
        breaker = self._known.get((gateway_id, AUTHORISE))
        if breaker is not None:
            self._known = {**self._known, (gateway_id, AUTHORISE): with_probe(breaker, now)}
        return taken

    def open_by_operation(self) -> dict[str, int]:
        """Return the number of breakers that are not closed, for the metrics."""
        counts: dict[str, int] = {}
        for _, operation in self._known:
            counts[operation] = counts.get(operation, 0) + 1
        return counts
