"""One mail, until the mail server takes or refuses it, or it is too old. A new run continues from the row."""

from __future__ import annotations

from temporalio import workflow

from activities.mail import MailActivities
from clearway.durable.messages import MAIL_WORKFLOW, MailInput
from workflows import policies


@workflow.defn(name=MAIL_WORKFLOW)
class MailWorkflow:
    """`mail/<mail_id>`: tries with growing waits. Messages have the mail's id only: address and links are sealed."""

    @workflow.run
    async def run(self, started: MailInput) -> str:
        """Return what became of the mail."""
        return await workflow.execute_activity_method(
            MailActivities.send,
            started.mail_id,
            start_to_close_timeout=policies.MAIL_TIMEOUT,
            retry_policy=policies.MAIL_RETRY,
        )
