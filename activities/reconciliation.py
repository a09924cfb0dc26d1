"""Reconciliation: a page of a run, the end of one that cannot go on, and the start of those that are due.

Each may run at any time and any number of times: the row says what is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from clearway.db import across_merchants
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.errors import ConflictError, UnavailableError
from clearway.domain.ids import RECONCILIATION, new_id
from clearway.domain.reconciliation import RunStatus
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import ReconciliationInput, ReconciliationProgress
from clearway.durable.reconciliation import start_reconciliation
from clearway.gateways.connections import GatewayUnusableError
from clearway.gateways.contract import GatewayUnavailableError
from clearway.reconciliation import commands, days
from clearway.reconciliation.running import Progress, Reconciler, advance
from clearway.reconciliation.steps import STEPS

RUNNING_MAX: Final = 10
"""Runs that the schedule keeps under way at once, so that one morning's reconciliations do not fill the queue."""
STALE: Final = timedelta(hours=1)
"""A run without progress for so long has lost its workflow."""
GATEWAYS_AT_ONCE: Final = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StartedRuns:
    """What the schedule started, and the runs that it took up again."""

    started: int
    taken_up: int


class ReconciliationActivities:
    """Carries runs on."""

    def __init__(self, reconciler: Reconciler, deliveries: TemporalDeliveries) -> None:
        self._reconciler = reconciler
        self._deliveries = deliveries

    @activity.defn(name="reconcile_page")
    async def advance(self, run: ReconciliationInput) -> ReconciliationProgress:
        """Carry a run on by one page. An error of the gateway is retried; a missing configuration is not."""
        try:
            progress = await advance(self._reconciler, run.merchant_id, run.run_id, STEPS)
        except GatewayUnusableError as error:
            raise ApplicationError(str(error), type="gateway_unusable", non_retryable=True) from None
        except GatewayUnavailableError as error:
            raise ApplicationError(str(error), type="gateway_unavailable") from None
        await self._announce(progress)
        return ReconciliationProgress(progress.status, progress.step, progress.pages, dict(progress.opened))

    @activity.defn(name="fail_reconciliation")
    async def fail(self, run: ReconciliationInput, reason: str) -> None:
        """End a run that cannot continue."""
        async with self._reconciler.engine.begin() as connection:
            now = self._reconciler.now()
            due = await commands.fail(connection, run.merchant_id, run.run_id, reason, now)
        log.error("reconciliation_failed", run_id=run.run_id, reason=reason)
        _count_run(RunStatus.FAILED)
        await self._deliveries.start(due)

    @activity.defn(name="start_due_reconciliations")
    async def start_due(self) -> StartedRuns:
        """Start the run of each gateway whose last whole day is not compared, and take up those without progress."""
        now = self._reconciler.now()
        async with self._reconciler.reader.connect() as connection:
            running = await across_merchants.running_reconciliations(connection)
        stale = [run for run in running if run.updated_at < now - STALE]
        for run in stale:
            await start_reconciliation(self._deliveries.client, ReconciliationInput(run.id, run.merchant_id))
        started = 0
        async for gateway_id, merchant_id, period in days.due(self._reconciler, now, GATEWAYS_AT_ONCE):
            if len(running) + started >= RUNNING_MAX:
                break
            started += await self._start(gateway_id, merchant_id, period)
        return StartedRuns(started, len(stale))

    async def _start(self, gateway_id: str, merchant_id: str, period: commands.Period) -> bool:
        run_id, actor = new_id(RECONCILIATION), Actor(SYSTEM, merchant_id)
        try:
            async with self._reconciler.engine.begin() as connection:
                await commands.start(connection, actor, gateway_id, run_id, period, now=self._reconciler.now())
            await start_reconciliation(self._deliveries.client, ReconciliationInput(run_id, merchant_id))
        except (ConflictError, UnavailableError) as error:
            log.warning("reconciliation_not_started", gateway_id=gateway_id, reason=error.code)
            return False
        return True

    async def _announce(self, progress: Progress) -> None:
        meter = activity.metric_meter()
        items = meter.create_counter("clearway_reconciliation_items", "Differences that reconciliation found.")
        for kind, count in progress.opened.items():
            items.add(count, {"kind": kind})
        if progress.due or progress.status is RunStatus.COMPLETED:
            _count_run(progress.status)
        await self._deliveries.start(list(progress.due))


def _count_run(status: RunStatus) -> None:
    runs = activity.metric_meter().create_counter("clearway_reconciliations", "Reconciliations that ended.")
    runs.add(1, {"status": status.value})
