"""Talking to workflows: the one place that calls Temporal on behalf of a request and reads its failures.

    a workflow's refusal      -> RefusedError        nothing was recorded or changed; `type` says why
    the workflow has ended    -> WorkflowEndedError  its result is in the database
    no answer in time         -> UnavailableError    it may still happen; a repeat with the same key finds out
    the gateway is silent     -> OutcomeUnknownError

Workflows are named here by strings where the API would otherwise import their code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
)
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from clearway.domain.errors import OutcomeUnknownError, UnavailableError
from clearway.domain.refusals import OUTCOME_UNKNOWN, RECORD_MOVED
from clearway.durable.messages import GATEWAY_EVENT, QUEUE_PAYMENTS, GatewayEvent

ANSWER_TIMEOUT_S: Final = 25.0
"""How long a request waits for a workflow: over a gateway's own timeout, under what load balancers usually allow."""
SIGNAL_TIMEOUT: Final = timedelta(seconds=5)
ENDED_STATES: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.ALREADY_EXISTS})
AWAY_STATES: Final = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
        # A connection that broke under the call: "transport error".
        RPCStatusCode.UNKNOWN,
        RPCStatusCode.INTERNAL,
        # The first workflow task failed because its worker died: another worker will take it.
        RPCStatusCode.FAILED_PRECONDITION,
    }
)
UPDATE_LOST_TO_END: Final = "AcceptedUpdateCompletedWorkflow"
"""The server's error type of an update that its workflow ended under."""

log = structlog.get_logger(__name__)


class RefusedError(Exception):
    """The workflow refused: type is one of `clearway.durable.messages`, str(error) is for the merchant."""

    def __init__(self, refusal_type: str, message: str) -> None:
        super().__init__(message)
        self.type = refusal_type


class WorkflowEndedError(Exception):
    """The workflow has ended, or there never was one under this id."""


async def start_and_update(
    client: Client,
    workflow: str,
    workflow_input: object,
    *,
    workflow_id: str,
    update: str,
    attributes: TypedSearchAttributes,
    summary: str,
) -> dict[str, Any]:
    """Start the workflow unless it runs, and return the result of its update. Safe to repeat."""
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        workflow,
        workflow_input,
        id=workflow_id,
        task_queue=QUEUE_PAYMENTS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=attributes,
        static_summary=summary,
    )
    asked = client.execute_update_with_start_workflow(
        update, start_workflow_operation=start, id=update, result_type=dict
    )
    return await _answer(asked, workflow_id)


async def start_and_signal(
    client: Client,
    workflow: str,
    workflow_input: object,
    *,
    workflow_id: str,
    event: GatewayEvent,
    attributes: TypedSearchAttributes,
    summary: str,
) -> None:
    """Pass an event on to the running workflow, or to a further run that starts with it. Raises UnavailableError."""
    try:
        await client.start_workflow(
            workflow,
            workflow_input,
            id=workflow_id,
            task_queue=QUEUE_PAYMENTS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=GATEWAY_EVENT,
            start_signal_args=[event],
            search_attributes=attributes,
            static_summary=summary,
        )
    except (RPCError, RPCTimeoutOrCancelledError, RuntimeError) as error:
        raise classify(error, workflow_id) from error


async def update_running(
    client: Client, workflow_id: str, update: str, argument: object, *, update_id: str
) -> dict[str, Any]:
    """Return the result of an update of a running workflow. An update id is executed once."""
    handle = client.get_workflow_handle(workflow_id)
    return await _answer(handle.execute_update(update, argument, id=update_id, result_type=dict), workflow_id)


async def signal(client: Client, workflow_id: str, name: str, argument: object) -> None:
    """Send a signal. Raises WorkflowEndedError or UnavailableError."""
    try:
        await client.get_workflow_handle(workflow_id).signal(name, argument, rpc_timeout=SIGNAL_TIMEOUT)
    except (RPCError, RPCTimeoutOrCancelledError, RuntimeError) as error:
        raise classify(error, workflow_id) from error


async def _answer(asked: Awaitable[dict[str, Any]], workflow_id: str) -> dict[str, Any]:
    try:
        # Not rpc_timeout: the client asks again for as long as no worker has taken the update.
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await asked
    except WorkflowUpdateFailedError as error:
        raise _refusal(error) from error
    except WorkflowAlreadyStartedError as error:
        raise WorkflowEndedError(workflow_id) from error
    except (RPCError, RPCTimeoutOrCancelledError, TimeoutError, RuntimeError) as error:
        raise classify(error, workflow_id) from error


def _refusal(error: WorkflowUpdateFailedError) -> Exception:
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type is None:
        return error
    if cause.type == UPDATE_LOST_TO_END:
        return WorkflowEndedError(cause.message)
    if cause.type == RECORD_MOVED:
        detail = f"{cause.message} A new run asks the gateway. Try again with the same Idempotency-Key: that is safe."
        return UnavailableError("temporal_unavailable", detail)
    if cause.type == OUTCOME_UNKNOWN:
        detail = (
            f"{cause.message} Do not repeat this with another Idempotency-Key: the payment shows the outcome once it "
            "is known, and a webhook reports it."
        )
        return OutcomeUnknownError("gateway_outcome_unknown", detail)
    return RefusedError(cause.type, cause.message)


def classify(error: Exception, workflow_id: str) -> Exception:
    """Turn an RPC failure into an ended workflow, an unavailable service or a bug."""
    if isinstance(error, RPCError) and error.status in ENDED_STATES:
        return WorkflowEndedError(workflow_id)
    if isinstance(error, RPCError) and error.status not in AWAY_STATES:
        return error
    if isinstance(error, RuntimeError) and not str(error).startswith("Failed client connect"):
        return error
    log.error("temporal_unavailable", workflow_id=workflow_id, error=type(error).__name__)
    detail = (
        "The workflow service did not answer in time. The request may still be recorded. Repeat it with the same "
        f"Idempotency-Key: that is safe, and returns the result. (Workflow {workflow_id}.)"
    )
    return UnavailableError("temporal_unavailable", detail)
