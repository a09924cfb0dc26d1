"""Housekeeping, started every few minutes by a Temporal schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.types import MethodAsyncNoParam

from activities.fx import FxActivities
from activities.maintenance import MaintenanceActivities
from activities.recovery import RecoveryActivities
from workflows import policies

ROUNDS_MAX: Final = 20
"""Rounds of the sweep in one run, when all of Temporal's store was lost: each starts some hundreds of runs."""


@dataclass(frozen=True)
class MaintenanceResult:
    """The result of one round."""

    idempotency_keys_forgotten: int
    deliveries_looked_at: int
    recoveries_taken_up: int
    partitions_made: int
    taken_up: dict[str, int] = field(default_factory=dict)
    schedules_mended: int = 0
    rates_fetched: int = 0
    mails_looked_at: int = 0
    mails_forgotten: int = 0
    request_months_forgotten: int = 0
    notices_sent: int = 0
    orders_expired: int = 0


@workflow.defn
class MaintenanceWorkflow:
    """`maintenance-…`: one round of housekeeping."""

    @workflow.run
    async def run(self) -> MaintenanceResult:
        """Delete expired rows, and start lost workflows."""
        expired = await _step(MaintenanceActivities.expire_orders)
        started = await _step(MaintenanceActivities.take_up_deliveries)
        recoveries = await _step(MaintenanceActivities.take_up_recoveries)
        forgotten = await _step(MaintenanceActivities.forget_idempotency_keys)
        made = await _step(MaintenanceActivities.ensure_partitions)
        mended = await _step(MaintenanceActivities.reconcile_health_checks, retry=policies.SWEEP_RETRY)
        fetched = await _step(FxActivities.refresh, retry=policies.SWEEP_RETRY, limit=timedelta(minutes=1))
        mails = await _step(MaintenanceActivities.take_up_mails)
        old_mails = await _step(MaintenanceActivities.forget_mails)
        months = await _step(MaintenanceActivities.forget_request_log)
        notices = await _step(MaintenanceActivities.send_notices)
        swept = await self._sweep()
        return MaintenanceResult(
            forgotten, started, recoveries, made, swept, mended, fetched, mails, old_mails, months, notices, expired
        )

    async def _sweep(self) -> dict[str, int]:
        """Start a run where none is running; return how many by kind."""
        taken_up: dict[str, int] = {}
        for _ in range(ROUNDS_MAX):
            swept = await workflow.execute_activity_method(
                RecoveryActivities.sweep,
                start_to_close_timeout=policies.SWEEP_TIMEOUT,
                heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
                retry_policy=policies.SWEEP_RETRY,
                summary="take up what has no running workflow",
            )
            for kind, count in swept.taken_up.items():
                taken_up[kind] = taken_up.get(kind, 0) + count
            if not swept.more:
                break
        return taken_up


async def _step(
    method: MethodAsyncNoParam[Any, int],
    *,
    retry: RetryPolicy = policies.RECORD_RETRY,
    limit: timedelta = timedelta(minutes=2),
) -> int:
    """Carry out one part of the housekeeping."""
    return await workflow.execute_activity_method(
        method,
        start_to_close_timeout=limit,
        heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
        retry_policy=retry,
    )
