"""Workflows that failed, timed out or were terminated, and that no later run continues."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from clearway.durable.calls import classify
from clearway.durable.search_attributes import MERCHANT_ID, PAYMENT_ID
from clearway.monitoring.jobs import ASK_TIMEOUT, AT_ONCE, run_of

LOOKED_AT_MAX: Final = 100
QUERY: Final = "ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated')"


@dataclass(frozen=True, slots=True)
class EndedBadly:
    """A workflow that ended without finishing its work. error: why."""

    workflow_id: str
    run_id: str
    type: str
    status: str
    merchant_id: str | None
    payment_id: str | None
    ended_at: datetime
    error: str | None


async def ended_badly(client: Client, limit: int) -> tuple[list[EndedBadly], bool]:
    """Return the newest of them, and whether there may be more. Raises UnavailableError."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(found: WorkflowExecution) -> EndedBadly | None:
        async with room:
            return await _stuck(client, found)

    try:
        listed = [each async for each in client.list_workflows(QUERY, limit=LOOKED_AT_MAX, rpc_timeout=ASK_TIMEOUT)]
        found = [each for each in await asyncio.gather(*map(one, listed)) if each is not None]
    except (RPCError, RuntimeError) as error:
        raise classify(error, "visibility") from error
    return found[:limit], len(found) > limit or len(listed) == LOOKED_AT_MAX


async def _stuck(client: Client, found: WorkflowExecution) -> EndedBadly | None:
    """Return None when a later run of the same workflow goes on, or ended."""
    newest = await client.get_workflow_handle(found.id).describe(rpc_timeout=ASK_TIMEOUT)
    if newest.run_id != found.run_id:
        return None
    run = await run_of(client, found.id, found.run_id, found.start_time)
    return EndedBadly(
        workflow_id=found.id,
        run_id=found.run_id,
        type=found.workflow_type,
        status=run.status,
        merchant_id=found.typed_search_attributes.get(MERCHANT_ID),
        payment_id=found.typed_search_attributes.get(PAYMENT_ID),
        ended_at=found.close_time or datetime.now(UTC),
        error=run.error,
    )
