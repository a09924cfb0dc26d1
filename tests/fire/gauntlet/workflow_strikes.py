"""Strikes on the workflows themselves, as an operator who presses the wrong button in the Temporal UI makes them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from tests.fire.gauntlet.plan import Terms
from tests.fire.gauntlet.site import Site

MONEY: Final = "WorkflowType IN ('PaymentWorkflow', 'RefundWorkflow')"
ALL: Final = "WorkflowType IN ('PaymentWorkflow', 'RefundWorkflow', 'WebhookDeliveryWorkflow')"
LOOKS_MAX: Final = 60
LOOK_S: Final = 0.5
CANDIDATES: Final = 200

Handle = WorkflowHandle[Any, Any]


async def cancel(site: Site, terms: Terms) -> None:
    """Request the cancellation of running payments and refunds: one click in the Temporal UI."""
    await _strike(site, terms, f"ExecutionStatus = 'Running' AND {MONEY}", lambda handle: handle.cancel())


async def terminate(site: Site, terms: Terms) -> None:
    """Terminate running workflows of every kind."""

    async def end(handle: Handle) -> None:
        site.ended_runs.add(handle.id)  # before the call: its answer may be lost with a server that goes down
        await handle.terminate("the nemesis")

    await _strike(site, terms, f"ExecutionStatus = 'Running' AND {ALL}", end)


async def reset(site: Site, terms: Terms) -> None:
    """Reset payments and refunds to one of their earlier workflow tasks, whether they run or have ended."""
    chance = random.Random(terms["draw"])  # noqa: S311 - chance that repeats itself

    async def again(handle: Handle) -> None:
        site.ended_runs.add(handle.id)  # the run that is reset ends as terminated
        await reset_to(site.stack.temporal, handle.id, chance)

    await _strike(site, terms, MONEY, again)


async def reset_to(client: Client, workflow_id: str, chance: random.Random) -> None:
    """Reset a workflow to the end of one of its workflow tasks."""
    ends = [
        event.event_id
        async for event in client.get_workflow_handle(workflow_id).fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    if not ends:
        return
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            reason="the nemesis",
            request_id=str(uuid.UUID(int=chance.getrandbits(128))),
            workflow_task_finish_event_id=chance.choice(ends),
        )
    )


async def _strike(site: Site, terms: Terms, query: str, act: Callable[[Handle], Awaitable[None]]) -> None:
    """Act on some of the workflows that the query finds; a server that is being struck itself is asked again."""
    chance = random.Random(terms["draw"])  # noqa: S311 - chance that repeats itself
    struck = 0
    for _ in range(LOOKS_MAX):
        with contextlib.suppress(RPCError, RuntimeError):
            struck += await _act(site, query, terms["count"] - struck, chance, act)
        if struck >= terms["count"]:
            return
        await asyncio.sleep(LOOK_S)


async def _act(
    site: Site, query: str, count: int, chance: random.Random, act: Callable[[Handle], Awaitable[None]]
) -> int:
    client = site.stack.temporal
    found = sorted([each.id async for each in client.list_workflows(query, limit=CANDIDATES)])
    struck = 0
    for workflow_id in chance.sample(found, min(count, len(found))):
        try:
            await act(client.get_workflow_handle(workflow_id))
        except RPCError:
            continue  # it has ended, or the server went down
        struck += 1
    return struck


def some(chance: random.Random) -> Mapping[str, Any]:
    """Draw how many workflows are struck, and which."""
    return {"count": chance.randint(3, 8), "draw": chance.randrange(10**6)}
