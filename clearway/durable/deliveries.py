"""Starting delivery workflows: used by the activities that record events, and by the API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from clearway.db.events import DueDelivery
from clearway.durable.calls import ENDED_STATES, SIGNAL_TIMEOUT, UPDATE_LOST_TO_END, WorkflowEndedError
from clearway.durable.messages import (
    CLOSE,
    DELIVERY_WORKFLOW,
    QUEUE_DELIVERIES,
    RECOVER,
    RETRY,
    DeliveryInput,
    RetryOutcome,
    delivery_workflow_id,
)
from clearway.durable.search_attributes import MERCHANT_ID, PAYMENT_ID

RETRY_WAIT_S: Final = 20.0
"""How long a request waits for its attempt; above the usual deadline of an attempt (`WEBHOOK_TIMEOUT_S`, 15 s)."""
RETRY_TRIES: Final = 3
"""A retry can meet a run in the moment of its end, and hardly twice in a row."""


class TemporalDeliveries:
    """Starts deliveries in Temporal, with the installation's schedule for endpoints without their own."""

    def __init__(self, client: Client, retry_intervals_s: Sequence[int]) -> None:
        self.client = client
        self._retry_intervals_s = tuple(retry_intervals_s)

    async def start(self, due: Iterable[DueDelivery]) -> None:
        """Start a workflow for each delivery. A delivery whose workflow was started before is left alone."""
        await asyncio.gather(*(self._start(delivery) for delivery in due))

    async def resume(self, due: Iterable[DueDelivery]) -> None:
        """Start a workflow that continues from the row, for each delivery without a running one."""
        await asyncio.gather(*(self._resume(delivery) for delivery in due))

    async def recover(self, due: Iterable[DueDelivery]) -> None:
        """Begin the recovery's schedule for each delivery. A workflow that is about to end takes it over."""
        await asyncio.gather(*(self._resume(delivery, signal=RECOVER) for delivery in due))

    async def close(self, ended: Iterable[DueDelivery]) -> None:
        """End the workflows of these cancelled deliveries. A missing workflow has ended already."""
        await asyncio.gather(*(self._close(delivery) for delivery in ended))

    async def retry(self, delivery: DueDelivery, retry_id: str, *, pending: bool) -> RetryOutcome | None:
        """Make one attempt now and return its outcome. None: it still runs after `RETRY_WAIT_S`.

        Safe to repeat with the same retry_id: one attempt is recorded. pending: the delivery has attempts of its
        schedule left. A newly started workflow continues with them.
        """
        for _ in range(RETRY_TRIES):
            try:
                return await self._retry(delivery, retry_id, pending=pending)
            except WorkflowUpdateFailedError as error:
                # The run ended under the update; the next one finds the attempt, if it was made.
                if getattr(error.cause, "type", None) != UPDATE_LOST_TO_END:
                    raise
        raise WorkflowEndedError(retry_id)

    async def _retry(self, delivery: DueDelivery, retry_id: str, *, pending: bool) -> RetryOutcome | None:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            DELIVERY_WORKFLOW,
            self._goes_on(delivery, scheduled=pending),
            id=delivery_workflow_id(delivery.event_id, delivery.endpoint_id),
            task_queue=QUEUE_DELIVERIES,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=_search_attributes(delivery),
            static_summary=f"{delivery.event_type} to {delivery.endpoint_id}, retried by hand",
        )
        update = await self.client.start_update_with_start_workflow(
            RETRY,
            retry_id,
            start_workflow_operation=start,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            id=retry_id,
            result_type=RetryOutcome,
        )
        try:
            async with asyncio.timeout(RETRY_WAIT_S):
                outcome: RetryOutcome = await update.result()
        except (TimeoutError, RPCTimeoutOrCancelledError):
            return None
        return outcome

    async def _resume(self, delivery: DueDelivery, signal: str | None = None) -> None:
        goes_on = self._goes_on(delivery)
        await self.client.start_workflow(
            DELIVERY_WORKFLOW,
            goes_on,
            id=delivery_workflow_id(delivery.event_id, delivery.endpoint_id),
            task_queue=QUEUE_DELIVERIES,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=signal,
            start_signal_args=[goes_on] if signal else [],
            search_attributes=_search_attributes(delivery),
            static_summary=f"{delivery.event_type} to {delivery.endpoint_id}, taken up again",
        )

    async def _close(self, delivery: DueDelivery) -> None:
        handle = self.client.get_workflow_handle(delivery_workflow_id(delivery.event_id, delivery.endpoint_id))
        try:
            await handle.signal(CLOSE, rpc_timeout=SIGNAL_TIMEOUT)
        except RPCError as error:
            if error.status not in ENDED_STATES:
                raise

    def _goes_on(self, delivery: DueDelivery, *, scheduled: bool = True) -> DeliveryInput:
        wait_s = 0.0
        if delivery.next_attempt_at is not None:
            wait_s = max((delivery.next_attempt_at - datetime.now(UTC)).total_seconds(), 0.0)
        return DeliveryInput(
            delivery_id=delivery.delivery_id,
            event_id=delivery.event_id,
            endpoint_id=delivery.endpoint_id,
            event_type=delivery.event_type,
            retry_intervals_s=self._schedule(delivery),
            first_attempt=delivery.schedule_attempts + 1,
            first_wait_s=wait_s,
            recovery_id=delivery.recovery_id,
            scheduled=scheduled,
        )

    def _schedule(self, delivery: DueDelivery) -> tuple[int, ...]:
        return self._retry_intervals_s if delivery.retry_intervals_s is None else delivery.retry_intervals_s

    async def _start(self, delivery: DueDelivery) -> None:
        start = DeliveryInput(
            delivery_id=delivery.delivery_id,
            event_id=delivery.event_id,
            endpoint_id=delivery.endpoint_id,
            event_type=delivery.event_type,
            retry_intervals_s=self._schedule(delivery),
            at_once=True,
        )
        try:
            await self.client.start_workflow(
                DELIVERY_WORKFLOW,
                start,
                id=delivery_workflow_id(delivery.event_id, delivery.endpoint_id),
                task_queue=QUEUE_DELIVERIES,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                # Where this process works on deliveries too, it gets the first task with the answer.
                request_eager_start=True,
                search_attributes=_search_attributes(delivery),
                static_summary=f"{delivery.event_type} to {delivery.endpoint_id}",
            )
        except WorkflowAlreadyStartedError:
            return


def _search_attributes(delivery: DueDelivery) -> TypedSearchAttributes:
    pairs = [SearchAttributePair(MERCHANT_ID, delivery.merchant_id)]
    if delivery.payment_id is not None:
        pairs.append(SearchAttributePair(PAYMENT_ID, delivery.payment_id))
    return TypedSearchAttributes(pairs)
