"""The delivery of one event to one endpoint: attempts by a schedule until one is taken or the schedule ends.

A run makes an attempt and waits (one timer), in turn. The first attempt is made within the first workflow task (a local
activity), unless its endpoint is known to be slow; every other is an activity of its own. Deliveries are on a task
queue of their own, so a merchant who hangs holds up other deliveries at worst, never a payment.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.webhook_delivery import AttemptInput, AttemptResult, WebhookDeliveryActivities
from clearway.durable.messages import DeliveryInput, DeliveryResult, TimelineEntry
from workflows import policies
from workflows.timeline import Timeline


@workflow.defn
class WebhookDeliveryWorkflow:
    """`delivery/<event_id>/<endpoint_id>`: signs, sends, waits, sends again."""

    @workflow.init
    def __init__(self, started: DeliveryInput) -> None:
        self._started = started
        self._timeline = Timeline(f"{started.event_type} to {started.endpoint_id} ({started.delivery_id})")
        self._hurry = False

    @workflow.run
    async def run(self, started: DeliveryInput) -> DeliveryResult:
        """Attempt until it is taken, refused for good, or the schedule ends."""
        number = started.first_attempt
        for interval_s in (*started.retry_intervals_s, None):
            result = await self._attempt(number, interval_s)
            if result.wait_s is None:
                break
            await self._wait(result.wait_s)
            number += 1
        return DeliveryResult(status=result.status, attempts=number)

    @workflow.signal(description="Make the next attempt now instead of waiting for the timer")
    def retry_now(self) -> None:
        """Cut the present wait short; the schedule goes on from there."""
        self._hurry = True

    @workflow.query(description="The story so far")
    def timeline(self) -> list[TimelineEntry]:
        """Tell what happened, oldest first."""
        return self._timeline.entries

    async def _attempt(self, number: int, next_interval_s: float | None) -> AttemptResult:
        # Forgotten here and not when the wait begins: who asks while an attempt is under way, or when it is on record
        # and this workflow has not heard of it yet, wants the one after it.
        self._hurry = False
        asked = AttemptInput(
            delivery_id=self._started.delivery_id,
            number=number,
            next_interval_s=next_interval_s,
            jitter=workflow.random().uniform(0, policies.DELIVERY_JITTER),
            endpoint_id=self._started.endpoint_id,
        )
        result = None
        if self._started.at_once and number == self._started.first_attempt:
            result = await self._attempt_at_once(asked)
        result = result or await self._attempt_apart(asked)
        self._timeline.note(f"attempt {number}: {result.what}; {result.status}")
        return result

    async def _attempt_at_once(self, asked: AttemptInput) -> AttemptResult | None:
        """Attempt within the workflow task; None when that is not to be had, and nothing is lost by trying again."""
        try:
            result: AttemptResult | None = await workflow.execute_local_activity_method(
                WebhookDeliveryActivities.attempt_at_once,
                asked,
                start_to_close_timeout=policies.DELIVERY_ATTEMPT_TIMEOUT,
                retry_policy=policies.DELIVERY_AT_ONCE_RETRY,
                summary=f"attempt {asked.number}, at once",
            )
        except FailureError:
            return None
        return result

    async def _attempt_apart(self, asked: AttemptInput) -> AttemptResult:
        """Attempt as an activity of its own, which operators see while it runs and while it is repeated."""
        return await workflow.execute_activity_method(
            WebhookDeliveryActivities.attempt,
            asked,
            start_to_close_timeout=policies.DELIVERY_ATTEMPT_TIMEOUT,
            heartbeat_timeout=policies.DELIVERY_HEARTBEAT_TIMEOUT,
            retry_policy=policies.DELIVERY_ATTEMPT_RETRY,
            summary=f"attempt {asked.number}",
        )

    async def _wait(self, wait_s: float) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._hurry, timeout=timedelta(seconds=wait_s), timeout_summary="until the next attempt"
            )
        except TimeoutError:
            return
        self._timeline.note("next attempt asked for at once")
