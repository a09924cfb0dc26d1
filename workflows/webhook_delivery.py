"""The delivery of one event to one endpoint: attempts by a schedule, until the endpoint takes it or the schedule ends.

A run makes an attempt and waits (one timer), in turn. The first attempt is a local activity in the first workflow task,
unless its endpoint is known to be slow. Every other is a normal activity. Deliveries are on a task queue of their own,
so a slow endpoint may delay other deliveries, but never a payment.

A retry by hand is an update: one more attempt, which does not change the schedule. The row in the database decides what
remains to be done; a new run continues from there.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

from activities.webhook_delivery import (
    AttemptInput,
    AttemptResult,
    GivenUp,
    RetryAttemptInput,
    WebhookDeliveryActivities,
)
from clearway.domain.delivery import DeliveryStatus
from clearway.durable.messages import DeliveryInput, DeliveryResult, RetryOutcome, TimelineEntry
from workflows import policies
from workflows.lasting import uncancelled
from workflows.refusal import refusal_of, refused_for_good, until_recorded
from workflows.timeline import Timeline


@workflow.defn
class WebhookDeliveryWorkflow:
    """`delivery/<event_id>/<endpoint_id>`: signs, sends, waits, sends again."""

    @workflow.init
    def __init__(self, started: DeliveryInput) -> None:
        self._started = started
        self._timeline = Timeline(f"{started.event_type} to {started.endpoint_id} ({started.delivery_id})")
        self._result = DeliveryResult(DeliveryStatus.PENDING, 0)
        self._sending = asyncio.Lock()
        self._retries = 0
        self._recovery: DeliveryInput | None = None
        self._called_off = False

    @workflow.run
    async def run(self, started: DeliveryInput) -> DeliveryResult:
        """Attempt until the endpoint accepts, refuses for good, or the schedule ends; then answer waiting retries.

        A cancellation that is requested in Temporal ends it after the attempt under way: the delivery is cancelled.
        """
        return await uncancelled(self._live(started), self._call_off)

    async def _live(self, started: DeliveryInput) -> DeliveryResult:
        result = await self._deliver(started)
        if not (self._called_off and self._is_pending):
            return result
        await workflow.execute_local_activity_method(
            WebhookDeliveryActivities.cancel,
            started.delivery_id,
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary="cancel the delivery",
        )
        return DeliveryResult(DeliveryStatus.CANCELLED, result.attempts)

    def _call_off(self) -> None:
        self._timeline.note("cancellation requested in Temporal: no further attempt is made")
        self._called_off = True

    async def _deliver(self, started: DeliveryInput) -> DeliveryResult:
        if started.scheduled:
            await self._keep_schedule()
        else:
            await self._wait_for_retry()
        await workflow.wait_condition(workflow.all_handlers_finished)
        while self._recovery is not None and not self._called_off:
            self._started, self._recovery = self._recovery, None
            self._result = DeliveryResult(DeliveryStatus.PENDING, self._result.attempts)
            await self._keep_schedule()
            await workflow.wait_condition(workflow.all_handlers_finished)
        return self._result

    @workflow.update(description="Make one attempt now, beside the schedule")
    async def retry(self, retry_id: str) -> RetryOutcome:
        """Return the attempt's outcome. retry_id: also the update id; each id makes one attempt."""
        self._retries += 1
        async with self._sending:
            outcome = await workflow.execute_activity_method(
                WebhookDeliveryActivities.attempt_by_hand,
                RetryAttemptInput(self._started.delivery_id, retry_id),
                start_to_close_timeout=policies.DELIVERY_ATTEMPT_TIMEOUT,
                heartbeat_timeout=policies.DELIVERY_HEARTBEAT_TIMEOUT,
                retry_policy=policies.DELIVERY_ATTEMPT_RETRY,
                summary=f"attempt by hand, {retry_id}",
            )
        self._result = DeliveryResult(outcome.status, outcome.attempts)
        what = f"HTTP {outcome.response_status}" if outcome.response_status else outcome.error
        self._timeline.note(f"attempt by hand: {outcome.refused or what}; {outcome.status}")
        return outcome

    @workflow.signal(description="Begin the schedule of a recovery once the present one has ended")
    def recover(self, recovery: DeliveryInput) -> None:
        """Switch to this recovery's schedule, unless it is the current one."""
        if recovery.recovery_id != self._started.recovery_id:
            self._recovery = recovery

    @workflow.signal(description="Make no further attempt: the endpoint is deleted")
    def close(self) -> None:
        """End the wait. The delivery's row is cancelled already."""
        if self._is_pending:
            self._result = DeliveryResult(DeliveryStatus.CANCELLED, self._result.attempts)
            self._timeline.note("the endpoint is deleted; cancelled")

    @workflow.query(description="What happened so far")
    def timeline(self) -> list[TimelineEntry]:
        """Return what happened, oldest first."""
        return self._timeline.entries

    @property
    def _is_pending(self) -> bool:
        return self._result.status == DeliveryStatus.PENDING

    async def _keep_schedule(self) -> None:
        started = self._started
        number = started.first_attempt
        await self._wait(started.first_wait_s)
        while self._is_pending and not self._called_off:
            wait_s = await self._take_turn(number)
            if wait_s is None:
                return
            await self._wait(wait_s)
            number += 1

    async def _take_turn(self, number: int) -> float | None:
        """Make attempt `number` of the schedule; return the wait until the next, None if there is none."""
        async with self._sending:
            if not self._is_pending:  # a retry by hand was quicker, and was accepted
                return None
            try:
                result = await self._attempt(number)
            except ActivityError as error:
                await self._give_up(refusal_of(error).message)
                return None
        self._result = DeliveryResult(result.status, result.attempts)
        self._timeline.note(f"attempt {number}: {result.what}; {result.status}")
        return result.wait_s

    async def _attempt(self, number: int) -> AttemptResult:
        intervals = self._started.retry_intervals_s
        asked = AttemptInput(
            delivery_id=self._started.delivery_id,
            number=number,
            next_interval_s=intervals[number - 1] if number <= len(intervals) else None,
            jitter=workflow.random().uniform(0, policies.DELIVERY_JITTER),
            endpoint_id=self._started.endpoint_id,
            recovery_id=self._started.recovery_id,
        )
        result = None
        if self._started.at_once and number == self._started.first_attempt:
            result = await self._attempt_at_once(asked)
        return result or await self._attempt_apart(asked)

    async def _attempt_at_once(self, asked: AttemptInput) -> AttemptResult | None:
        """Attempt within the workflow task; None if that is not possible and a repeat loses nothing."""
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
        """Attempt as a normal activity, which operators see while it runs and while Temporal retries it."""
        return await workflow.execute_activity_method(
            WebhookDeliveryActivities.attempt,
            asked,
            start_to_close_timeout=policies.DELIVERY_ATTEMPT_TIMEOUT,
            heartbeat_timeout=policies.DELIVERY_HEARTBEAT_TIMEOUT,
            retry_policy=policies.DELIVERY_ATTEMPT_RETRY,
            summary=f"attempt {asked.number}",
        )

    async def _give_up(self, why: str) -> None:
        """End the delivery as failed: the database refuses to record its attempts."""
        given_up = GivenUp(self._started.delivery_id, f"attempts cannot be recorded: {why}")

        async def record() -> None:
            with refused_for_good(given_up):
                await workflow.execute_local_activity_method(
                    WebhookDeliveryActivities.give_up,
                    given_up,
                    start_to_close_timeout=policies.RECORD_TIMEOUT,
                    retry_policy=policies.RECORD_RETRY,
                    summary="give the delivery up",
                )

        await until_recorded(record, self._timeline.note)
        self._result = DeliveryResult(DeliveryStatus.FAILED, self._result.attempts)
        self._timeline.note(f"failed: {given_up.why}")

    async def _wait(self, wait_s: float) -> None:
        """Wait for the next attempt; or until none is due, after a retry by hand or a deleted endpoint."""
        if wait_s <= 0:
            return
        try:
            await workflow.wait_condition(
                lambda: self._called_off or not self._is_pending,
                timeout=timedelta(seconds=wait_s),
                timeout_summary="until the next attempt",
            )
        except TimeoutError:
            return

    async def _wait_for_retry(self) -> None:
        """Wait for the update that this run was started with; it may come a task later."""
        try:
            await workflow.wait_condition(lambda: self._retries > 0, timeout=policies.RETRY_PATIENCE)
        except TimeoutError:
            return
