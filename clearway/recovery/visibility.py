"""Which workflows Temporal shows as running. A hint only: visibility lags behind, so a start is what proves it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from clearway.durable.search_attributes import PAYMENT_STATUS

log = structlog.get_logger(__name__)

ASKED_AT_ONCE: Final = 200
"""Ids in one query."""
PAUSE_S: Final = 0.2
"""Between queries: a server allows ten of them a second to a namespace, and people use the UI beside us."""


async def seen_running(client: Client, workflow_ids: Sequence[str]) -> Mapping[str, str | None]:
    """Return the running ones of these workflows, each with its last visible status."""
    seen: dict[str, str | None] = {}
    try:
        await _look(client, workflow_ids, seen)
    except RPCError as error:
        log.warning("visibility_not_asked", reason=str(error))  # each one not seen costs a start
    return seen


async def _look(client: Client, workflow_ids: Sequence[str], seen: dict[str, str | None]) -> None:
    for first in range(0, len(workflow_ids), ASKED_AT_ONCE):
        quoted = ", ".join(f"'{each}'" for each in workflow_ids[first : first + ASKED_AT_ONCE])
        query = f"ExecutionStatus = 'Running' AND WorkflowId IN ({quoted})"
        if first:
            await asyncio.sleep(PAUSE_S)
        async for found in client.list_workflows(query, page_size=ASKED_AT_ONCE):
            seen[found.id] = found.typed_search_attributes.get(PAYMENT_STATUS)
