"""Reconciliation of one gateway over one period, page by page; and the schedule that starts those that are due."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.reconciliation import ReconciliationActivities, StartedRuns
from clearway.domain.reconciliation import RunStatus
from clearway.durable.messages import ReconciliationInput, ReconciliationProgress
from workflows import policies


@workflow.defn
class ReconciliationWorkflow:
    """`reconciliation/<id>`: compares a period with a gateway. The row has the progress, so any run continues."""

    @workflow.run
    async def run(self, started: ReconciliationInput) -> ReconciliationProgress:
        """Carry the row on until it has ended."""
        while True:
            progress = await self._page(started)
            if progress.status != RunStatus.RUNNING:
                return progress
            workflow.set_current_details(f"**{progress.step}**: {progress.pages} pages")
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(started)

    async def _page(self, started: ReconciliationInput) -> ReconciliationProgress:
        try:
            return await workflow.execute_activity_method(
                ReconciliationActivities.advance,
                started,
                start_to_close_timeout=policies.PAGE_TIMEOUT,
                schedule_to_close_timeout=policies.RECONCILIATION_PATIENCE,
                retry_policy=policies.RECONCILIATION_RETRY,
            )
        except ActivityError as error:
            reason = str(error.cause or error)
            await workflow.execute_activity_method(
                ReconciliationActivities.fail,
                args=[started, reason],
                start_to_close_timeout=policies.PAGE_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
            )
            return ReconciliationProgress(RunStatus.FAILED)


@workflow.defn
class DueReconciliationsWorkflow:
    """`reconciliation-…`: starts the reconciliations that are due."""

    @workflow.run
    async def run(self) -> StartedRuns:
        """Start them."""
        return await workflow.execute_activity_method(
            ReconciliationActivities.start_due,
            start_to_close_timeout=policies.SWEEP_TIMEOUT,
            retry_policy=policies.SWEEP_RETRY,
        )
