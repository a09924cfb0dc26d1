"""Temporal for commands: the connection, the state of a workflow, and its link in the Temporal UI."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from clearway.cli.problems import CommandError
from clearway.cli.running import running_stack, settings_in_use
from clearway.durable.client import connect
from clearway.durable.messages import TIMELINE
from clearway.durable.search_attributes import PAYMENT_STATUS

CONNECT_TIMEOUT_S: Final = 5.0
QUERY_TIMEOUT_S: Final = 5.0
UI_VARIABLE: Final = "TEMPORAL_UI_URL"


class TemporalAwayError(CommandError):
    """Temporal can't be reached."""


class WorkflowUnknownError(CommandError):
    """There is no such workflow, or its history is past its retention."""


@dataclass(frozen=True)
class WorkflowState:
    """The current state of a workflow. timeline: None when no worker could answer."""

    id: str
    run_id: str
    type: str
    status: str
    payment_status: str | None
    events: int
    timeline: list[dict[str, str]] | None
    link: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def workflow_state(workflow_id: str) -> WorkflowState:
    """Return the state of a workflow. Raises TemporalAwayError or WorkflowUnknownError."""

    async def ask() -> WorkflowState:
        async with connected() as client:
            return await _state(client, workflow_id)

    return asyncio.run(ask())


def ui_link(workflow_id: str, run_id: str | None = None) -> str | None:
    """Return the URL of a workflow in the Temporal UI, or None when the address of the UI is not known."""
    stack = running_stack()
    settings = settings_in_use()
    of_stack = stack.temporal_ui_url if stack and stack.temporal_address == settings.temporal_address else None
    base = os.environ.get(UI_VARIABLE) or of_stack
    if not base:
        return None
    place = f"{base.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/{quote(workflow_id, safe='')}"
    return f"{place}/{run_id}/history" if run_id else place


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    """Connect for one command. Raises TemporalAwayError, and CommandError when Temporal refuses a call."""
    settings = settings_in_use()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            client = await connect(settings)
    except (RuntimeError, RPCError, TimeoutError) as error:
        reason = str(error).splitlines()[0] if str(error) else "no answer in time"
        message = f"Temporal at {settings.temporal_address} can't be reached ({reason[:160]}). Check TEMPORAL_ADDRESS."
        raise TemporalAwayError(message) from None
    try:
        yield client
    except RPCError as error:
        raise CommandError(f"Temporal refused: {error.message}.") from None


async def _state(client: Client, workflow_id: str) -> WorkflowState:
    handle = client.get_workflow_handle(workflow_id)
    try:
        found = await handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        message = f"Temporal has no workflow {workflow_id}: the id is wrong, or its history is past its retention."
        raise WorkflowUnknownError(message) from None
    return WorkflowState(
        id=workflow_id,
        run_id=found.run_id,
        type=found.workflow_type,
        status=found.status.name if found.status else "UNKNOWN",
        payment_status=found.typed_search_attributes.get(PAYMENT_STATUS),
        events=found.history_length,
        timeline=await _timeline(handle),
        link=ui_link(workflow_id, found.run_id),
    )


async def _timeline(handle: WorkflowHandle[Any, Any]) -> list[dict[str, str]] | None:
    try:
        async with asyncio.timeout(QUERY_TIMEOUT_S):
            steps: list[dict[str, str]] = await handle.query(TIMELINE, result_type=list[dict[str, str]])
            return steps
    except (RPCError, WorkflowQueryFailedError, TimeoutError):
        return None
