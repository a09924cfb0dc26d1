"""The Temporal Schedules of the installation: housekeeping, and the start of reconciliations.

Each gateway has one more, for its health (`clearway.durable.schedules`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

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

from clearway.durable.messages import QUEUE_OPERATIONS


async def ensure(client: Client, schedule_id: str, run: Callable[..., Any], every_s: float) -> bool:
    """Create the schedule if it is missing; return whether it was. The ids of its workflows begin with its id."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(run, id=schedule_id, task_queue=QUEUE_OPERATIONS),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=every_s))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(schedule_id, schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True
