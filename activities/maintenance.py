"""Housekeeping that the operations schedule asks for: each method may run at any time and any number of times."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.service import RPCError

from clearway.db import across_merchants
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.endpoints import start_recovery
from clearway.durable.messages import RecoveryInput
from clearway.monitoring import schedules
from clearway.settings import Settings

OVERDUE_PAGE: Final = 200
OVERDUE_PAGES_MAX: Final = 20
"""A round is bounded: the next round takes the rest."""


class MaintenanceActivities:
    """Housekeeping of the database."""

    def __init__(self, engine: AsyncEngine, deliveries: TemporalDeliveries, settings: Settings) -> None:
        """A delivery is overdue when its next attempt was due `recovery_after_s` ago."""
        self._engine = engine
        self._deliveries = deliveries
        self._overdue = timedelta(seconds=settings.recovery_after_s)
        self._check_every_s = settings.gateway_check_every_s

    @activity.defn(name="forget_idempotency_keys")
    async def forget_idempotency_keys(self) -> int:
        """Delete expired idempotency keys, their stored secrets and old declines of cards; return how many keys."""
        async with self._engine.begin() as connection:
            await across_merchants.forget_card_declines(connection)
            await across_merchants.forget_sealed_secrets(connection)
            return await across_merchants.forget_idempotency_keys(connection)

    @activity.defn(name="ensure_partitions")
    async def ensure_partitions(self) -> int:
        """Create the partitions of the coming months; return how many were created.

        A row that no month takes is safe in the default partition; the log and a metric say that it is there.
        """
        async with self._engine.begin() as connection:
            states = await across_merchants.ensure_partitions(connection)
        outside = activity.metric_meter().create_gauge(
            "clearway_rows_outside_partitions", "Rows of a table that no monthly partition takes.", "1"
        )
        for state in states:
            outside.set(state.outside, {"table": state.table})
            if state.outside or state.missing:
                activity.logger.warning("rows or months without a partition", extra={"state": asdict(state)})
        return sum(state.made for state in states)

    @activity.defn(name="take_up_deliveries")
    async def take_up_deliveries(self) -> int:
        """Start a workflow for each overdue delivery that has none running; return how many were examined.

        The workflow continues from the row. A delivery has none when a process died before starting it, or when
        Temporal lost or ended it.
        """
        before, seen, last = datetime.now(UTC) - self._overdue, 0, None
        for _ in range(OVERDUE_PAGES_MAX):
            async with self._engine.connect() as connection:
                due = await across_merchants.overdue_deliveries(connection, before, OVERDUE_PAGE, last)
            await self._deliveries.resume(due)
            seen += len(due)
            if len(due) < OVERDUE_PAGE:
                break
            last = due[-1]
        return seen

    @activity.defn(name="take_up_recoveries")
    async def take_up_recoveries(self) -> int:
        """Start the workflow of each recovery without progress for long; return how many."""
        async with self._engine.connect() as connection:
            before = datetime.now(UTC) - self._overdue
            stale = await across_merchants.stale_recoveries(connection, before, OVERDUE_PAGE)
        for recovery in stale:
            await start_recovery(self._deliveries.client, RecoveryInput(recovery.recovery_id, recovery.merchant_id))
        return len(stale)

    @activity.defn(name="reconcile_health_checks")
    async def reconcile_health_checks(self) -> int:
        """Let each enabled gateway have its schedule of health checks, and no other; return how many were changed.

        What cannot be done now is left to the next round: nothing else waits for it.
        """
        try:
            done = await schedules.reconcile(self._deliveries.client, self._engine, self._check_every_s)
        except RPCError as error:
            activity.logger.warning("schedules of health checks not compared: %s", error)
            return 0
        if done.created or done.changed or done.deleted:
            activity.logger.warning("schedules of health checks mended", extra={"done": asdict(done)})
        return done.created + done.changed + done.deleted
