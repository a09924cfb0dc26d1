"""Count successful and failed gateway calls. A successful call at a working gateway costs no statement.

Successes are kept in memory and written with the next failure: they only give the share of failed calls. A failure is
written at once; further failures of the same second are written together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError

from clearway.breakers.board import BreakerBoard
from clearway.breakers.events import happening_of
from clearway.db import breakers
from clearway.db.across_merchants import breaker_of
from clearway.db.events import DueDelivery, record_events
from clearway.domain.breaker import SLOW_S, WINDOW_S, counted
from clearway.gateways.contract import GatewayOutcome, OutcomeKind

WRITTEN_EACH_S: Final = 1.0
REFUSED_CODE: Final = "gateway_unavailable"
"""The unified code of a gateway that takes no request of this merchant: a wrong key, an account that is closed."""

Start = Callable[[Sequence[DueDelivery]], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CalledGateway:
    """An operation at a gateway of a merchant."""

    merchant_id: str
    gateway_id: str
    operation: str


@dataclass
class _Counts:
    """Counts not written yet. began_at: start of the count; written_at: the last write; task: the write in progress."""

    successes: int = 0
    failures: int = 0
    last_failure: str | None = None
    began_at: float = field(default_factory=time.monotonic)
    written_at: float = float("-inf")
    task: asyncio.Task[None] | None = None


def failure_of(outcome: GatewayOutcome, took_s: float) -> str | None:
    """Return the kind of technical failure of a call, or None. A decline is an answer, not a failure."""
    if outcome.kind in {OutcomeKind.UNKNOWN, OutcomeKind.RETRYABLE}:
        return outcome.kind.value
    if outcome.kind is OutcomeKind.DECLINED and outcome.error_code == REFUSED_CODE:
        return "refused"
    return "slow" if took_s >= SLOW_S else None


class BreakerCounts:
    """The counts of one process. start: starts the deliveries of events that were written."""

    def __init__(self, engine: AsyncEngine, board: BreakerBoard, start: Start) -> None:
        self._engine = engine
        self.board = board
        self._start = start
        self._counts: dict[CalledGateway, _Counts] = {}

    def note(self, called: CalledGateway, outcome: GatewayOutcome, took_s: float) -> None:
        """Count a call by its outcome. A separate task writes the counts, at most each second."""
        counts = self._counts.setdefault(called, _Counts())
        failure = failure_of(outcome, took_s)
        if failure is None:
            self._forget_old(counts)
            counts.successes += 1
        else:
            counts.failures += 1
            counts.last_failure = failure
        is_due = failure is not None or self.board.is_troubled(called.gateway_id, called.operation)
        if is_due and counts.task is None:
            counts.task = asyncio.create_task(self._write_soon(called, counts))

    async def settle(self) -> None:
        """Wait until all due counts are written, such as before a process ends."""
        tasks = [counts.task for counts in self._counts.values() if counts.task is not None]
        await asyncio.gather(*tasks)

    def _forget_old(self, counts: _Counts) -> None:
        now = time.monotonic()
        if not counts.failures and now - counts.began_at >= WINDOW_S:
            counts.successes, counts.began_at = 0, now

    async def _write_soon(self, called: CalledGateway, counts: _Counts) -> None:
        try:
            await asyncio.sleep(counts.written_at + WRITTEN_EACH_S - time.monotonic())
            counts.written_at = time.monotonic()
            await self._write(called, counts)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("breaker_not_written", gateway_id=called.gateway_id, error=type(error).__name__)
        finally:
            counts.task = None

    async def _write(self, called: CalledGateway, counts: _Counts) -> None:
        successes, failures, now = counts.successes, counts.failures, datetime.now(UTC)
        async with self._engine.begin() as connection:
            row = await breakers.lock(connection, called.merchant_id, called.gateway_id, called.operation)
            before = breaker_of(row)
            after = counted(before, successes, failures, now)
            await breakers.put(connection, row, after, counts.last_failure, now)
            happening = happening_of(row, before, after, counts.last_failure)
            due = await record_events(connection, [happening], now=now) if happening else []
        counts.successes, counts.failures = counts.successes - successes, counts.failures - failures
        counts.began_at = time.monotonic()
        if after.state is not before.state:
            log.warning(
                "breaker_moved", gateway_id=called.gateway_id, operation=called.operation, state=after.state.value
            )
            await self.board.read()
        try:
            await self._start(due)
        except RPCError as error:  # the event is recorded, and housekeeping delivers it
            log.warning("breaker_event_not_sent_at_once", gateway_id=called.gateway_id, error=type(error).__name__)
