"""Starting delivery workflows: used by the activities that record events, and by the API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from clearway.db.events import DueDelivery
from clearway.durable.messages import (
    DELIVERY_WORKFLOW,
    QUEUE_DELIVERIES,
    RETRY_NOW,
    DeliveryInput,
    delivery_workflow_id,
)
from clearway.durable.search_attributes import MERCHANT_ID, PAYMENT_ID


class TemporalDeliveries:
    """Starts deliveries at Temporal, with the installation's schedule for endpoints that have none of their own."""

    def __init__(self, client: Client, retry_intervals_s: Sequence[int]) -> None:
        self._client = client
        self._retry_intervals_s = tuple(retry_intervals_s)

    async def start(self, due: Iterable[DueDelivery]) -> None:
        """Start a workflow for each; one that was ever started is left alone."""
        await asyncio.gather(*(self._start(delivery) for delivery in due))

    async def retry(self, delivery: DueDelivery, *, attempts_made: int, waiting: bool) -> None:
        """Attempt now: a waiting delivery goes on at once, an ended one gets one further attempt.

        waiting: the delivery has not ended. Its workflow, which gets the signal, may not have been started yet; the
        one that is started then has the rest of the schedule before it.
        """
        start = DeliveryInput(
            delivery_id=delivery.delivery_id,
            event_id=delivery.event_id,
            endpoint_id=delivery.endpoint_id,
            event_type=delivery.event_type,
            retry_intervals_s=self._schedule(delivery)[attempts_made:] if waiting else (),
            first_attempt=attempts_made + 1,
        )
        await self._client.start_workflow(
            DELIVERY_WORKFLOW,
            start,
            id=delivery_workflow_id(delivery.event_id, delivery.endpoint_id),
            task_queue=QUEUE_DELIVERIES,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=RETRY_NOW,
            search_attributes=_search_attributes(delivery),
            static_summary=f"{delivery.event_type} to {delivery.endpoint_id}, retried by hand",
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
            await self._client.start_workflow(
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
