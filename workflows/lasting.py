"""Handle a cancellation requested by an operator, and a row that differs from the run's state.

A payment or refund has money at a gateway, so its run cannot just stop. "Request Cancellation" in the Temporal UI is
only a request: the run decides what follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from activities.gateway_events import GatewayEventActivities
from clearway.domain.refusals import RECORD_MOVED
from clearway.durable.messages import GatewayEvent
from workflows import policies

T = TypeVar("T")


class RecordMovedError(Exception):
    """The row differs from this run's state. A new run must continue from the row and ask the gateway first."""


def refuse_behind(step: str, version: int) -> None:
    """Raise RecordMovedError when a row has more steps than the one that was just recorded: another run took them."""
    if int(step) != version:
        raise RecordMovedError(f"the row has taken {version} steps, and this run has recorded step {step}")


def began_by_reset() -> bool:
    """Whether an operator's reset began this run. A run before it may have answered a request already."""
    info = workflow.info()
    return info.run_id != info.original_execution_run_id


async def uncancelled(life: Coroutine[Any, Any, T], requested: Callable[[], None]) -> T:
    """Run `life` to its end. requested: called when the cancellation of the workflow is requested."""
    living = asyncio.create_task(life)
    while not living.done():
        try:
            await asyncio.shield(living)
        except asyncio.CancelledError:
            if living.done() or workflow.cancellation_reason() is None:
                raise
            requested()
    return living.result()


async def compare(event: GatewayEvent, note: Callable[[str], None]) -> None:
    """Compare an event with the ended row: what contradicts it becomes a review."""
    contradicts = await recorded(GatewayEventActivities.compare, event, f"compare {event.event_id} with the row")
    said = "contradicts the row: a review is open" if contradicts else "changes nothing"
    note(f"gateway event {event.event_id} about {event.key} {said}")


async def recorded(method: Callable[..., Any], argument: Any, summary: str) -> Any:
    """Carry out one recording activity, as a local activity. Raises RecordMovedError, or the activity's failure."""
    try:
        return await workflow.execute_local_activity_method(
            method,
            argument,
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary=summary,
        )
    except FailureError as error:
        cause = error.cause if isinstance(error, ActivityError) else error
        if isinstance(cause, ApplicationError) and cause.type == RECORD_MOVED:
            raise RecordMovedError(cause.message) from error
        raise
