"""Saying no: a refusal of an activity, handed on to whoever waits for the workflow's answer."""

from __future__ import annotations

from temporalio.exceptions import ActivityError, ApplicationError


def refusal_of(error: ActivityError) -> ApplicationError:
    """Return the refusal in which a recording activity ended; its type is one of `clearway.domain.refusals`."""
    cause = error.cause
    assert isinstance(cause, ApplicationError), "recording is repeated until it is done or refused"
    return ApplicationError(cause.message, type=cause.type, non_retryable=True)
