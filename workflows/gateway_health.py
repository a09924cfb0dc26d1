"""One check of one gateway, started by the gateway's own schedule."""

from __future__ import annotations

from temporalio import workflow

from activities.health import HealthActivities
from clearway.durable.messages import HEALTH_WORKFLOW, HealthFound, HealthInput
from workflows import policies


@workflow.defn(name=HEALTH_WORKFLOW)
class GatewayHealthWorkflow:
    """`gateway-health/<gateway_id>-…`: check and record. Events and mails of a change have workflows of their own."""

    @workflow.run
    async def run(self, asked: HealthInput) -> HealthFound:
        """Check the gateway."""
        return await workflow.execute_activity_method(
            HealthActivities.check_gateway,
            asked.gateway_id,
            start_to_close_timeout=policies.HEALTH_CHECK_TIMEOUT,
            retry_policy=policies.HEALTH_CHECK_RETRY,
        )
