"""Saying no: a refusal of an activity, handed on to whoever waits for the workflow's answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from workflows import policies


def refusal_of(error: FailureError) -> ApplicationError:
    """Return the refusal in which a recording activity ended; its type is one of `clearway.domain.refusals`.

    A local activity's failure comes bare, an activity's is wrapped in an ActivityError.
    """
    cause = error.cause if isinstance(error, ActivityError) else error
    assert isinstance(cause, ApplicationError), "recording is repeated until it is done or refused"
    return ApplicationError(cause.message, type=cause.type, non_retryable=True)


async def tell_refusal(asked: Callable[[], bool]) -> None:
    """Stay until the refusal is told: the update that asks may arrive after the workflow has started.

    Nobody asking for `REFUSAL_PATIENCE` means that the caller is gone; it learns of the refusal when it tries again.
    """
    with contextlib.suppress(TimeoutError):
        await workflow.wait_condition(asked, timeout=policies.REFUSAL_PATIENCE)
    await workflow.wait_condition(workflow.all_handlers_finished)
