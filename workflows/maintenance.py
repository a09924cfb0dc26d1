"""Housekeeping, started every few minutes by a Temporal schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from activities.fx import FxActivities
from activities.maintenance import MaintenanceActivities
from activities.recovery import RecoveryActivities
from clearway.durable.messages import QUEUE_OPERATIONS
from workflows import policies

SCHEDULE_ID: Final = "maintenance"
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


@workflow.defn
class MaintenanceWorkflow:
    """`maintenance-…`: one round of housekeeping."""

    @workflow.run
    async def run(self) -> MaintenanceResult:
        """Delete expired rows, and start lost workflows."""
        started = await workflow.execute_activity_method(
            MaintenanceActivities.take_up_deliveries,
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
        )
        recoveries = await workflow.execute_activity_method(
            MaintenanceActivities.take_up_recoveries,
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
        )
        forgotten = await workflow.execute_activity_method(
            MaintenanceActivities.forget_idempotency_keys,
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
        )
        made = await workflow.execute_activity_method(
            MaintenanceActivities.ensure_partitions,
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
        )
        mended = await workflow.execute_activity_method(
            MaintenanceActivities.reconcile_health_checks,
            start_to_close_timeout=timedelta(minutes=2),
            heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
            retry_policy=policies.SWEEP_RETRY,
        )
        fetched = await workflow.execute_activity_method(
            FxActivities.refresh,
            start_to_close_timeout=timedelta(minutes=1),
            heartbeat_timeout=policies.MAINTENANCE_HEARTBEAT_TIMEOUT,
            retry_policy=policies.SWEEP_RETRY,
        )
        return MaintenanceResult(forgotten, started, recoveries, made, await self._sweep(), mended, fetched)

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


async def ensure_schedule(client: Client, every_s: float) -> bool:
    """Create the schedule if it is missing; return whether it was missing."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(MaintenanceWorkflow.run, id="maintenance", task_queue=QUEUE_OPERATIONS),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=every_s))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(SCHEDULE_ID, schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True
