"""Saying no: a refusal of an activity, handed on to whoever waits for the workflow's answer."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator

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


class RecordingRefusedError(Exception):
    """A step is refused for good: nothing of it is recorded, and recording it again would be refused again.

    str(error) says why, in storable text; `step` is what was to be recorded. Whoever takes steps catches it: a person
    must look (`needs_review`).
    """

    def __init__(self, why: str, step: object) -> None:
        super().__init__(why)
        self.step = step


@contextlib.contextmanager
def refused_for_good(step: object) -> Iterator[None]:
    """Turn the refusal in which a recording activity ended into RecordingRefusedError."""
    try:
        yield
    except FailureError as error:
        raise RecordingRefusedError(refusal_of(error).message, step) from error


async def until_recorded(record: Callable[[], Awaitable[None]], note: Callable[[str], None]) -> None:
    """Record a step that has nothing in it but a status, and try again now and then while even that is refused."""
    while True:
        try:
            return await record()
        except RecordingRefusedError as refused:
            note(f"not recorded, tried again in {policies.REFUSED_AGAIN}: {refused}")
            await workflow.sleep(policies.REFUSED_AGAIN, summary="before it is recorded again")


async def tell_refusal(asked: Callable[[], bool]) -> None:
    """Stay until the refusal is told: the update that asks may arrive after the workflow has started.

    Nobody asking for `REFUSAL_PATIENCE` means that the caller is gone; it learns of the refusal when it tries again.
    """
    with contextlib.suppress(TimeoutError):
        await workflow.wait_condition(asked, timeout=policies.REFUSAL_PATIENCE)
    await workflow.wait_condition(workflow.all_handlers_finished)
