"""Start deliveries in Temporal: test events, and retries by hand.

Payments and refunds start their deliveries in `activities/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from temporalio.client import RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from clearway.db.events import DueDelivery, due_of
from clearway.deliveries import finding
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.errors import ConflictError, UnavailableError
from clearway.domain.limits import WEBHOOK_ATTEMPTS_IN_ALL_MAX
from clearway.durable import calls
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import RetryOutcome, delivery_workflow_id
from clearway.services import Services


async def start(services: Services, due: Sequence[DueDelivery]) -> None:
    """Start these deliveries. Raises UnavailableError; the deliveries are stored, so housekeeping starts them later."""
    async with answered(delivery_workflow_id(due[0].event_id, due[0].endpoint_id)):
        await _deliveries(services).start(due)


@dataclass(frozen=True, slots=True)
class Retried:
    """A delivery (as `finding.find` returns it) after a retry by hand. outcome None: the attempt is still running."""

    delivery: Row[Any]
    outcome: RetryOutcome | None


async def retry(services: Services, merchant_id: str, delivery_id: str, retry_id: str) -> Retried:
    """Make one delivery attempt now, once for each retry_id, and return its outcome.

    Raises NotFoundError, ConflictError and UnavailableError.
    """
    row = await finding.find(services, merchant_id, delivery_id)
    if not row.endpoint_open:
        raise closed(row.endpoint_id)
    if row.attempt_count >= WEBHOOK_ATTEMPTS_IN_ALL_MAX:
        detail = f"Delivery {row.id} has had {row.attempt_count} attempts, the maximum. Nothing was sent."
        raise ConflictError("webhook_retry_limit", detail)
    due = due_of(row)
    pending = row.status == DeliveryStatus.PENDING.value
    async with answered(delivery_workflow_id(due.event_id, due.endpoint_id)):
        outcome = await _deliveries(services).retry(due, retry_id, pending=pending)
    if outcome is not None and outcome.refused is not None:
        raise closed(row.endpoint_id)
    return Retried(await finding.find(services, merchant_id, delivery_id), outcome)


def closed(endpoint_id: str) -> ConflictError:
    """Return the error for a disabled or deleted endpoint."""
    detail = f"Endpoint {endpoint_id} is disabled or deleted, so nothing was sent. Enable it first."
    return ConflictError("webhook_endpoint_closed", detail)


def _deliveries(services: Services) -> TemporalDeliveries:
    return TemporalDeliveries(services.temporal, services.settings.webhook_retry_intervals_s)


@asynccontextmanager
async def answered(workflow_id: str) -> AsyncIterator[None]:
    """Limit the time of a call to Temporal, and turn its failures into UnavailableError."""
    try:
        async with asyncio.timeout(calls.ANSWER_TIMEOUT_S):
            yield
    except calls.WorkflowEndedError as error:
        detail = (
            "Another attempt ended at the same moment. Repeat with the same Idempotency-Key: it is made at most once."
        )
        raise UnavailableError("temporal_unavailable", detail) from error
    except WorkflowUpdateFailedError as error:
        detail = (
            "The attempt was sent, and the database refused to record its result. The endpoint may have the event; "
            "a repeat has the same webhook id."
        )
        raise UnavailableError("database_unavailable", detail) from error
    except (RPCError, RPCTimeoutOrCancelledError, TimeoutError, RuntimeError) as error:
        raise calls.classify(error, workflow_id) from error
