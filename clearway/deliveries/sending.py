"""Asking Temporal to deliver: first deliveries of test events, and retries by hand.

Payments and refunds start their own deliveries (`activities/`); nothing of theirs passes through here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError

from clearway.db.events import DueDelivery
from clearway.domain.delivery import DeliveryStatus
from clearway.durable import calls
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import delivery_workflow_id
from clearway.services import Services


async def start(services: Services, due: Sequence[DueDelivery]) -> None:
    """Start these deliveries. Raises UnavailableError; they are recorded, and housekeeping starts them then."""
    async with _answered(due[0]):
        await _deliveries(services).start(due)


async def retry(services: Services, row: Row[Any]) -> None:
    """Attempt a delivery (a row of `clearway.db.deliveries.reading.find_delivery`) now. Raises UnavailableError."""
    intervals = None if row.retry_intervals_s is None else tuple(row.retry_intervals_s)
    due = DueDelivery(
        merchant_id=row.merchant_id,
        payment_id=row.payment_id,
        delivery_id=row.id,
        event_id=row.event_id,
        endpoint_id=row.endpoint_id,
        event_type=row.event_type,
        retry_intervals_s=intervals,
    )
    waiting = row.status == DeliveryStatus.PENDING.value
    async with _answered(due):
        await _deliveries(services).retry(due, attempts_made=row.attempt_count, waiting=waiting)


def _deliveries(services: Services) -> TemporalDeliveries:
    return TemporalDeliveries(services.temporal, services.settings.webhook_retry_intervals_s)


@asynccontextmanager
async def _answered(delivery: DueDelivery) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(calls.ANSWER_TIMEOUT_S):
            yield
    except (RPCError, RPCTimeoutOrCancelledError, TimeoutError, RuntimeError) as error:
        workflow_id = delivery_workflow_id(delivery.event_id, delivery.endpoint_id)
        raise calls.classify(error, workflow_id) from error
