"""The Temporal Schedules of health checks: one for each gateway that new payments may use.

A schedule that an operator paused by hand stays paused: only a pause with the note `DISABLED` is lifted here.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleListDescription,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from clearway.durable.messages import HEALTH_WORKFLOW, QUEUE_OPERATIONS, HealthInput

MAINTENANCE: Final = "maintenance"
RECONCILIATION: Final = "reconciliation"
"""The schedules of the installation (`workflows.schedules`); each gateway has one more, for its health."""
PREFIX: Final = "gateway-health/"
DISABLED: Final = "the gateway is disabled"
JITTER_SHARE: Final = 0.2
"""Of the interval: so that the checks of many gateways do not all begin in the same second."""
CATCH_UP: Final = timedelta(minutes=1)
"""Checks that were missed while Temporal was away are not made up for."""


@dataclass(frozen=True, slots=True)
class HealthSchedule:
    """A schedule as Temporal lists it. every_s None: it is not one of Clearway's."""

    gateway_id: str
    paused: bool
    note: str | None
    every_s: float | None


def health_schedule_id(gateway_id: str) -> str:
    """Return the id of a gateway's schedule, with which the ids of its workflows begin."""
    return f"{PREFIX}{gateway_id}"


async def create(client: Client, gateway_id: str, every_s: float) -> bool:
    """Create a gateway's schedule and check the gateway now; return False if it is there already."""
    try:
        await client.create_schedule(
            health_schedule_id(gateway_id), _schedule(gateway_id, every_s), trigger_immediately=True
        )
    except ScheduleAlreadyRunningError:
        return False
    return True


async def pause(client: Client, gateway_id: str) -> None:
    """Pause the schedule of a disabled gateway. A missing one needs no pause."""
    with _missing_is_fine():
        await client.get_schedule_handle(health_schedule_id(gateway_id)).pause(note=DISABLED)


async def resume(client: Client, gateway_id: str, every_s: float) -> None:
    """Let a gateway be checked again, from now on. A missing schedule is created."""
    if await create(client, gateway_id, every_s):
        return
    handle = client.get_schedule_handle(health_schedule_id(gateway_id))
    await handle.unpause(note="the gateway is enabled")
    await handle.trigger()


async def change_interval(client: Client, gateway_id: str, every_s: float) -> None:
    """Set another interval."""

    def changed(asked: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = asked.description.schedule
        schedule.spec = _schedule(gateway_id, every_s).spec
        return ScheduleUpdate(schedule=schedule)

    with _missing_is_fine():
        await client.get_schedule_handle(health_schedule_id(gateway_id)).update(changed)


async def delete(client: Client, gateway_id: str) -> None:
    """Delete the schedule of a deleted gateway."""
    with _missing_is_fine():
        await client.get_schedule_handle(health_schedule_id(gateway_id)).delete()


async def every(client: Client) -> AsyncIterator[HealthSchedule]:
    """Return the schedules of all gateways. Temporal's list may be some seconds behind."""
    async for listed in await client.list_schedules():
        if listed.id.startswith(PREFIX):
            yield _listed(listed)


def _listed(listed: ScheduleListDescription) -> HealthSchedule:
    schedule = listed.schedule
    intervals = schedule.spec.intervals if schedule else []
    return HealthSchedule(
        gateway_id=listed.id.removeprefix(PREFIX),
        paused=bool(schedule and schedule.state.paused),
        note=schedule.state.note if schedule else None,
        every_s=intervals[0].every.total_seconds() if intervals else None,
    )


def _schedule(gateway_id: str, every_s: float) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            HEALTH_WORKFLOW,
            HealthInput(gateway_id),
            id=health_schedule_id(gateway_id),
            task_queue=QUEUE_OPERATIONS,
            static_summary=f"check of {gateway_id}",
        ),
        spec=ScheduleSpec(
            intervals=[ScheduleIntervalSpec(every=timedelta(seconds=every_s))],
            jitter=timedelta(seconds=every_s * JITTER_SHARE),
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
        state=ScheduleState(),
    )


@contextlib.contextmanager
def _missing_is_fine() -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
