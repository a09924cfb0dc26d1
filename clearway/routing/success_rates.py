"""The success rates of merchants' gateways, kept in the process: a payment waits for no query, except the first.

A rate means what it means in `clearway.monitoring.performance`. A reading that is old is renewed beside the payments.
A merchant with many payments is read less often, so that reading never takes more than 1 % of the time.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db import performance
from clearway.db.engine import each_for_itself
from clearway.db.performance import Scope
from clearway.domain.success_rate import NO_RATES, Counted, Rates, SuccessRate, judged
from clearway.monitoring.performance import ISSUER_CODES

FRESH_S: Final = 5.0
REST: Final = 100
"""A reading that took a second is used for this many seconds, up to `FRESH_MAX_S`."""
FRESH_MAX_S: Final = 60.0
KEPT_MAX: Final = 1_000
PAYMENTS_MAX: Final = 20_000
"""How many of the newest payments count, whatever the window."""

log = structlog.get_logger(__name__)


async def read_rates(connection: AsyncConnection, merchant_id: str, terms: SuccessRate, now: datetime) -> Rates:
    """Return the success rates of a merchant's gateways, from one query."""
    scope = Scope(merchant_id, now - timedelta(seconds=2 * terms.window_s), now + timedelta(seconds=1))
    rows = await performance.of_recent_payments(connection, scope, terms.slot_s, PAYMENTS_MAX, ISSUER_CODES)
    return judged(terms, map(_counted, rows), terms.slot_of(now.timestamp()))


def _counted(row: Row[Any]) -> Counted:
    return Counted(row.gateway_id, row.method, row.currency, row.slot, row.approved, row.declined)


@dataclass(frozen=True, slots=True)
class _Kept:
    rates: Rates
    until: float


class SuccessRates:
    """The cached success rates, by merchant."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._reader = each_for_itself(engine)
        self._known: OrderedDict[str, _Kept] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Rates]] = {}

    async def of_merchant(self, merchant_id: str, terms: SuccessRate | None) -> Rates:
        """Return the rates by these terms; without terms, none."""
        if terms is None:
            self._known.pop(merchant_id, None)
            return NO_RATES
        known = self._known.get(merchant_id)
        if known is None or known.rates.terms != terms:
            # Many payments may wait for one reading: a cancelled one must not cancel it for the others.
            return await asyncio.shield(self._read_once(merchant_id, terms))
        if time.monotonic() >= known.until:
            self._read_once(merchant_id, terms)
        return known.rates

    def put_last(self) -> int:
        """Return how many gateways are put last, for the metrics."""
        return sum(each.rates.put_last() for each in self._known.values())

    def _read_once(self, merchant_id: str, terms: SuccessRate) -> asyncio.Task[Rates]:
        reading = self._reading.get(merchant_id)
        if reading is None:
            reading = self._reading[merchant_id] = asyncio.create_task(self._read(merchant_id, terms))
            reading.add_done_callback(lambda _: self._reading.pop(merchant_id, None))
        return reading

    async def _read(self, merchant_id: str, terms: SuccessRate) -> Rates:
        began = time.monotonic()
        try:
            async with self._reader.connect() as connection:
                rates = await read_rates(connection, merchant_id, terms, datetime.now(UTC))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("success_rates_not_read", merchant_id=merchant_id, error=type(error).__name__)
            known = self._known.get(merchant_id)
            rates = known.rates if known is not None and known.rates.terms == terms else Rates(terms)
        took_s = time.monotonic() - began
        self._known[merchant_id] = _Kept(rates, began + took_s + min(max(FRESH_S, REST * took_s), FRESH_MAX_S))
        self._known.move_to_end(merchant_id)
        if len(self._known) > KEPT_MAX:
            self._known.popitem(last=False)
        return rates
