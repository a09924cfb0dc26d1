"""The schedules of the installation as Temporal knows them: when each ran, what came of it, when it runs again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.service import RPCError, RPCStatusCode

from clearway.db import audit
from clearway.domain.actor import Actor
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import GATEWAY, INSTALLATION, is_id
from clearway.durable.calls import classify
from clearway.durable.messages import (
    CLOSING_WORKFLOW,
    HEALTH_WORKFLOW,
    RECONCILIATION_WORKFLOW,
    RECOVERY_WORKFLOW,
)
from clearway.durable.schedules import MAINTENANCE, PREFIX, RECONCILIATION, health_schedule_id

ASK_TIMEOUT: Final = timedelta(seconds=10)
AT_ONCE: Final = 10
RUNNING_MAX: Final = 50
BACKGROUND: Final = (RECONCILIATION_WORKFLOW, RECOVERY_WORKFLOW, CLOSING_WORKFLOW, HEALTH_WORKFLOW)
"""Workflows that work in the background, beside those of payments, refunds, deliveries and mails."""


class JobKind(StrEnum):
    """What a schedule is for."""

    HOUSEKEEPING = "housekeeping"
    RECONCILIATION = "reconciliation"
    HEALTH_CHECK = "health_check"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a schedule. result: what its workflow returned. error: why it did not end well."""

    workflow_id: str
    run_id: str
    started_at: datetime
    status: str
    result: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A schedule. next_at None: it is paused. note: why, as whoever paused it wrote."""

    id: str
    kind: JobKind
    gateway_id: str | None
    every_s: float | None
    paused: bool
    note: str | None
    running: bool
    next_at: datetime | None
    last: Run | None


@dataclass(frozen=True, slots=True)
class Background:
    """A background workflow that is running."""

    workflow_id: str
    run_id: str
    type: str
    started_at: datetime


def kind_of(job_id: str) -> JobKind | None:
    """Return what a schedule is for; None: it is not one of Clearway's."""
    if job_id.startswith(PREFIX):
        return JobKind.HEALTH_CHECK if is_id(GATEWAY, job_id.removeprefix(PREFIX)) else None
    return {MAINTENANCE: JobKind.HOUSEKEEPING, RECONCILIATION: JobKind.RECONCILIATION}.get(job_id)


async def of_installation(client: Client) -> list[Job]:
    """Return housekeeping and reconciliation. Raises UnavailableError."""
    return await _jobs(client, [MAINTENANCE, RECONCILIATION])


async def of_gateways(client: Client, gateway_ids: Sequence[str]) -> list[Job]:
    """Return the health checks of these gateways. Raises UnavailableError."""
    return await _jobs(client, list(map(health_schedule_id, gateway_ids)))


async def _jobs(client: Client, wanted: Sequence[str]) -> list[Job]:
    """Return these schedules. One that is missing is left out: housekeeping and the workers create it again."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(job_id: str) -> Job | None:
        async with room:
            return await _job(client, job_id)

    try:
        found = await asyncio.gather(*map(one, wanted))
    except (RPCError, RuntimeError) as error:
        raise classify(error, MAINTENANCE) from error
    return [job for job in found if job is not None]


async def in_background(client: Client) -> list[Background]:
    """Return what works in the background now, at most RUNNING_MAX. Raises UnavailableError."""
    named = ", ".join(f"'{each}'" for each in BACKGROUND)
    query = f"ExecutionStatus = 'Running' AND WorkflowType IN ({named})"
    try:
        listed = [each async for each in client.list_workflows(query, limit=RUNNING_MAX, rpc_timeout=ASK_TIMEOUT)]
    except (RPCError, RuntimeError) as error:
        raise classify(error, MAINTENANCE) from error
    return [Background(each.id, each.run_id, each.workflow_type, each.start_time) for each in listed]


async def run_now(client: Client, engine: AsyncEngine, actor: Actor, job_id: str) -> None:
    """Have a schedule run once, now; while a run is under way, nothing is started. Raises NotFoundError."""
    if kind_of(job_id) is None:
        raise _not_found(job_id)
    try:
        await client.get_schedule_handle(job_id).trigger(rpc_timeout=ASK_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise _not_found(job_id) from error
        raise classify(error, job_id) from error
    except RuntimeError as error:
        raise classify(error, job_id) from error
    async with engine.begin() as connection:
        await audit.record(connection, actor, "job.run", INSTALLATION, {"job": job_id})


def _not_found(job_id: str) -> NotFoundError:
    return NotFoundError("job_not_found", f"There is no job {job_id!r}. Nothing was started.")


async def _job(client: Client, job_id: str) -> Job | None:
    try:
        found = await client.get_schedule_handle(job_id).describe(rpc_timeout=ASK_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    kind = kind_of(job_id)
    assert kind is not None, "only Clearway's own schedules are asked for"
    state, info, intervals = found.schedule.state, found.info, found.schedule.spec.intervals
    return Job(
        id=job_id,
        kind=kind,
        gateway_id=job_id.removeprefix(PREFIX) if kind is JobKind.HEALTH_CHECK else None,
        every_s=intervals[0].every.total_seconds() if intervals else None,
        paused=state.paused,
        note=state.note,
        running=bool(info.running_actions),
        next_at=None if state.paused or not info.next_action_times else info.next_action_times[0],
        last=await _last_run(client, found),
    )


async def _last_run(client: Client, found: ScheduleDescription) -> Run | None:
    """Return the newest run that has ended; else the one under way."""
    recent = [
        (each.started_at, each.action)
        for each in found.info.recent_actions
        if isinstance(each.action, ScheduleActionExecutionStartWorkflow)
    ]
    under_way = {
        each.first_execution_run_id
        for each in found.info.running_actions
        if isinstance(each, ScheduleActionExecutionStartWorkflow)
    }
    ended = [each for each in recent if each[1].first_execution_run_id not in under_way] or recent
    if not ended:
        return None
    started_at, action = ended[-1]
    return await run_of(client, action.workflow_id, action.first_execution_run_id, started_at)


async def run_of(client: Client, workflow_id: str, run_id: str, started_at: datetime) -> Run:
    """Return how a run ended. Temporal forgets runs after the namespace's retention."""
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    try:
        status = (await handle.describe(rpc_timeout=ASK_TIMEOUT)).status
        named = status.name.lower() if status else "unknown"
        if status is WorkflowExecutionStatus.RUNNING:
            return Run(workflow_id, run_id, started_at, named)
        result = await handle.result(follow_runs=False, rpc_timeout=ASK_TIMEOUT)
    except WorkflowFailureError as error:
        return Run(workflow_id, run_id, started_at, named, error=reason_of(error))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return Run(workflow_id, run_id, started_at, "forgotten")
        raise
    return Run(workflow_id, run_id, started_at, named, result if isinstance(result, dict) else {})


def reason_of(error: WorkflowFailureError) -> str:
    """Return why a workflow did not end well: the innermost cause says it."""
    cause: BaseException = error.cause
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return str(cause) or type(cause).__name__
