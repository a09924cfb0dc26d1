"""Reach the workflow of an open payment or refund. If it is lost, start a new run at once.

Without this, a capture or a gateway event would be refused until the next sweep.
"""

from __future__ import annotations

from typing import Any, Final

from temporalio.service import RPCError

from clearway.domain.errors import UnavailableError
from clearway.domain.ids import REFUND, is_id
from clearway.durable import calls
from clearway.durable.calls import WorkflowEndedError
from clearway.durable.messages import payment_workflow_id, refund_workflow_id
from clearway.recovery.rebuilding import Rebuilt, rebuild
from clearway.recovery.taking_up import Recovery, Taken

RECORDED_AGAIN: Final = (
    "The database was restored to a moment before this request, and the request is being recorded again. No money is "
    "moved twice. Repeat the request with the same Idempotency-Key."
)


async def update(recovery: Recovery, subject_id: str, name: str, argument: object, *, update_id: str) -> dict[str, Any]:
    """Return what the workflow answers to an update. Raises as `calls.update_running` does."""
    workflow_id = _workflow_id(subject_id)
    try:
        return await calls.update_running(recovery.client, workflow_id, name, argument, update_id=update_id)
    except WorkflowEndedError:
        await take_up(recovery, subject_id)
    return await calls.update_running(recovery.client, workflow_id, name, argument, update_id=update_id)


async def take_up(recovery: Recovery, subject_id: str) -> None:
    """Start a run unless one runs. Raises WorkflowEndedError when the row has ended too, or does not exist."""
    workflow_id = _workflow_id(subject_id)
    try:
        taken = await recovery.take_up(subject_id)
    except (RPCError, RuntimeError) as error:
        raise calls.classify(error, workflow_id) from error
    if taken in {Taken.ENDED, Taken.NO_ROW}:
        raise WorkflowEndedError(workflow_id)


async def bring_back(recovery: Recovery, subject_id: str) -> None:
    """Record a row again that a restored database lost, while its workflow still runs.

    Raises UnavailableError, so that the caller repeats its request. Returns if the row can never be recorded.
    """
    try:
        rebuilt = await rebuild(recovery, subject_id)
    except (RPCError, RuntimeError) as error:
        raise calls.classify(error, _workflow_id(subject_id)) from error
    if rebuilt not in {Rebuilt.IMPOSSIBLE, Rebuilt.REFUSED}:
        raise UnavailableError("temporal_unavailable", RECORDED_AGAIN)


def _workflow_id(subject_id: str) -> str:
    return refund_workflow_id(subject_id) if is_id(REFUND, subject_id) else payment_workflow_id(subject_id)
