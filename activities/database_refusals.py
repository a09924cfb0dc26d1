"""Ends an activity whose statement the database refuses permanently, so that Temporal does not retry it for ever.

An interceptor of every activity. While the database is away, an activity fails as usual and Temporal retries it.

Postgres repeats the refused row in its error, with the customer's data. So no refusal reaches Temporal with its cause:
failures are kept in clear there.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from clearway.db.refusal import refusal_of
from clearway.domain.refusals import DATABASE_REFUSED

TRIES: Final = 3
"""An activity reads before it writes. Another writer may have come in between, so a refusal counts when it repeats."""


class DatabaseRefusals(Interceptor):
    """Ends activities that the database refuses with DATABASE_REFUSED; see the module."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's
        """Wrap the activities of a worker."""
        return _Classifying(next)


class _Classifying(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        try:
            return await super().execute_activity(input)
        except SQLAlchemyError as error:
            reason = refusal_of(error)
            if reason is None:
                raise
            raise _refused(reason) from None


def _refused(reason: str) -> ApplicationError:
    info = activity.info()
    message = f"the database refused {info.activity_type}: {reason}"
    if info.attempt < TRIES:
        return ApplicationError(message, type=DATABASE_REFUSED)
    counter = activity.metric_meter().create_counter(
        "clearway_database_refused", "Steps that the database refused for good."
    )
    counter.add(1, {"activity": info.activity_type})
    activity.logger.error("the database refused %s for good: %s", info.activity_type, reason)
    return ApplicationError(message, type=DATABASE_REFUSED, non_retryable=True)
