"""The durable side as operators see it: the state of a workflow, a link to it, and a person's decision about a review.

The ids of workflows and the names of updates are the contract of `clearway.durable.messages` and `docs/operations.md`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from clearway.cli.problems import CommandError
from clearway.cli.running import running_stack, settings_in_use
from clearway.cli.transaction import explained
from clearway.db import across_merchants, audit
from clearway.db.engine import create_engine
from clearway.domain.actor import Actor, operator
from clearway.domain.errors import ClearwayError
from clearway.domain.ids import noun_of
from clearway.durable import calls
from clearway.durable.client import connect
from clearway.durable.messages import RESOLVE, TIMELINE, Resolution
from clearway.durable.search_attributes import PAYMENT_STATUS

CONNECT_TIMEOUT_S: Final = 5.0
QUERY_TIMEOUT_S: Final = 5.0
NEEDS_REVIEW: Final = "needs_review"
UI_VARIABLE: Final = "TEMPORAL_UI_URL"


class TemporalAwayError(CommandError):
    """Temporal can't be reached."""


class WorkflowUnknownError(CommandError):
    """There is no such workflow, or its history is past its retention."""


@dataclass(frozen=True)
class WorkflowState:
    """One workflow as it stands. timeline: what it tells of itself; None when no worker could answer."""

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


def resolve_review(workflow_id: str, subject_id: str, resolution: Resolution) -> WorkflowState:
    """Write the decision into the audit log, have the workflow take it, and return the state it led to.

    Raises CommandError when the workflow refuses it or does not answer.
    """

    async def resolve() -> WorkflowState:
        async with connected() as client:
            before = await _state(client, workflow_id)
            if before.payment_status != NEEDS_REVIEW:
                raise CommandError(
                    f"{workflow_id} is {before.payment_status}: only what is in {NEEDS_REVIEW} can be resolved."
                )
            await _audit(subject_id, resolution)
            answer = await _decide(client, workflow_id, resolution)
            return replace(await _state(client, workflow_id), payment_status=answer["status"])

    with explained():
        return asyncio.run(resolve())


async def _audit(subject_id: str, resolution: Resolution) -> None:
    engine = create_engine(settings_in_use(), application_name="clearway-cli")
    detail = {"outcome": resolution.outcome, "amount": resolution.amount, "reason": resolution.reason}
    try:
        async with engine.begin() as connection:
            merchant_id = await across_merchants.merchant_of(connection, subject_id)
            actor = Actor(operator(resolution.operator), merchant_id)
            await audit.record(connection, actor, f"{noun_of(subject_id)}.resolve", subject_id, detail)
    finally:
        await engine.dispose()


async def _decide(client: Client, workflow_id: str, resolution: Resolution) -> dict[str, Any]:
    try:
        return await calls.update_running(
            client, workflow_id, RESOLVE, resolution, update_id=f"cli-{secrets.token_hex(12)}"
        )
    except calls.RefusedError as refusal:
        raise CommandError(f"{workflow_id} refused: {refusal}") from None
    except calls.WorkflowEndedError:
        raise CommandError(f"{workflow_id} does not run. Run `clearway recover`, then decide again.") from None
    except ClearwayError:
        raise CommandError(
            f"{workflow_id} has not answered in time; it may still take the decision. Is a worker running? Read the "
            "payment or refund before you decide again; see `clearway doctor`."
        ) from None


def ui_link(workflow_id: str, run_id: str | None = None) -> str | None:
    """Return where the Temporal UI shows a workflow, or None when it is not known where the UI is."""
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
    """Connect for one command. Raises TemporalAwayError; what Temporal refuses becomes a CommandError."""
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
            told: list[dict[str, str]] = await handle.query(TIMELINE, result_type=list[dict[str, str]])
            return told
    except (RPCError, WorkflowQueryFailedError, TimeoutError):
        return None
