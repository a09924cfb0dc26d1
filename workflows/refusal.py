"""Refusals: pass the refusal of an activity on to the caller who waits for the workflow's answer."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from workflows import policies


def refusal_of(error: FailureError) -> ApplicationError:
    """Return the refusal of a recording activity; its type is one of `clearway.domain.refusals`.

    A local activity's failure comes bare, an activity's is wrapped in an ActivityError.
    """
    cause = error.cause if isinstance(error, ActivityError) else error
    assert isinstance(cause, ApplicationError), "recording is repeated until it is done or refused"
    return ApplicationError(cause.message, type=cause.type, non_retryable=True)


class RecordingRefusedError(Exception):
    """A step is refused permanently: nothing was recorded, and a retry would be refused too.

    str(error) says why, in storable text; `step` is what was to be recorded. The caller catches it and begins a review
    (`needs_review`).
    """

    def __init__(self, why: str, step: object) -> None:
        super().__init__(why)
        self.step = step


@contextlib.contextmanager
def refused_for_good(step: object) -> Iterator[None]:
    """Turn the refusal of a recording activity into RecordingRefusedError."""
    try:
        yield
    except FailureError as error:
        raise RecordingRefusedError(refusal_of(error).message, step) from error


async def until_recorded(record: Callable[[], Awaitable[None]], note: Callable[[str], None]) -> None:
    """Record a step that has only a status, and retry now and then while even that is refused."""
    while True:
        try:
            return await record()
        except RecordingRefusedError as refused:
            note(f"not recorded, tried again in {policies.REFUSED_AGAIN}: {refused}")
            await workflow.sleep(policies.REFUSED_AGAIN, summary="before it is recorded again")


async def signal_refusal(asked: Callable[[], bool]) -> None:
    """Keep running until an update has received the refusal: it may arrive after the workflow has started.

    Without one within `REFUSAL_PATIENCE` the caller is gone; a repeat of its request gets the refusal.
    """
    with contextlib.suppress(TimeoutError):
        await workflow.wait_condition(asked, timeout=policies.REFUSAL_PATIENCE)
    await workflow.wait_condition(workflow.all_handlers_finished)
