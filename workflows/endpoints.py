"""Long tasks for one webhook endpoint: a recovery, and cancelling its pending deliveries after a delete.

Both work through pages and store their progress in the database, so a new run continues after a lost one.
"""

from __future__ import annotations

from temporalio import workflow

from activities.endpoints import EndpointActivities
from clearway.domain.delivery import RecoveryStatus
from clearway.durable.messages import ClosingInput, RecoveryInput, RecoveryProgress
from workflows import policies


@workflow.defn
class WebhookRecoveryWorkflow:
    """`recovery/<id>`: starts the deliveries that an endpoint has missed, a page at a time."""

    @workflow.init
    def __init__(self, started: RecoveryInput) -> None:
        self._started = started
        self._progress = RecoveryProgress(RecoveryStatus.RUNNING)

    @workflow.run
    async def run(self, started: RecoveryInput) -> RecoveryProgress:
        """Begin pages until there are no more or the endpoint is closed."""
        while True:
            self._progress = await workflow.execute_activity_method(
                EndpointActivities.recover_page,
                started,
                start_to_close_timeout=policies.PAGE_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
            )
            workflow.set_current_details(
                f"**{self._progress.status}**: {self._progress.recovered} deliveries begun, "
                f"{self._progress.waiting} wait for their first attempt"
            )
            if self._progress.status != RecoveryStatus.RUNNING:
                return self._progress
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(started)
            await workflow.sleep(policies.RECOVERY_PAUSE, summary="until the next page")

    @workflow.query(description="How far it has come")
    def progress(self) -> RecoveryProgress:
        """Return how many deliveries were started, and how many of them wait."""
        return self._progress


@workflow.defn
class EndpointClosingWorkflow:
    """`closing/<endpoint_id>`: cancels the pending deliveries of a deleted endpoint."""

    @workflow.run
    async def run(self, started: ClosingInput) -> int:
        """Cancel page after page; return the number of deliveries."""
        cancelled, after = 0, started.after
        while True:
            page = await workflow.execute_activity_method(
                EndpointActivities.cancel_deliveries,
                ClosingInput(started.endpoint_id, started.merchant_id, after),
                start_to_close_timeout=policies.PAGE_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
            )
            cancelled += page.cancelled
            if page.after is None:
                return cancelled
            after = page.after
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ClosingInput(started.endpoint_id, started.merchant_id, after))
