"""One check of one gateway, started by the gateway's own schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.health import HealthActivities
from clearway.durable.messages import HEALTH_WORKFLOW, HealthFound, HealthInput
from workflows import policies

MAILS_AT_MOST_FOR: Final = timedelta(hours=2)


@workflow.defn(name=HEALTH_WORKFLOW)
class GatewayHealthWorkflow:
    """`gateway-health/<gateway_id>-…`: check, record, and send mail about a change."""

    @workflow.run
    async def run(self, asked: HealthInput) -> HealthFound:
        """Check the gateway. A mail that cannot be sent does not fail the check: the event is recorded."""
        found = await workflow.execute_activity_method(
            HealthActivities.check_gateway,
            asked.gateway_id,
            start_to_close_timeout=policies.HEALTH_CHECK_TIMEOUT,
            retry_policy=policies.HEALTH_CHECK_RETRY,
        )
        for mail in found.mails:
            try:
                await workflow.execute_activity_method(
                    HealthActivities.send_mail,
                    mail,
                    start_to_close_timeout=policies.MAIL_TIMEOUT,
                    schedule_to_close_timeout=MAILS_AT_MOST_FOR,
                    retry_policy=policies.MAIL_RETRY,
                    summary=mail.subject,
                )
            except ActivityError as error:
                workflow.logger.error("an alert was not sent by mail: %s", error.cause)
        return found
