"""The shape of a webhook delivery."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Row

from clearway.db.tables import DeliveryStatus
from clearway.domain.resources import Moment


class DeliveryResource(BaseModel):
    """One event on its way to one endpoint."""

    id: str
    object: Literal["webhook_delivery"] = "webhook_delivery"
    event_id: str
    event_type: str
    endpoint_id: str
    payment_id: str | None
    status: DeliveryStatus
    attempts: Annotated[int, Field(description="How many attempts were made so far.")]
    next_attempt_at: Moment | None
    last_response_status: int | None
    created_at: Moment
    updated_at: Moment


def delivery_resource(row: Row[Any]) -> DeliveryResource:
    """Render a row of `webhook_deliveries`."""
    return DeliveryResource(
        id=row.id,
        event_id=row.event_id,
        event_type=row.event_type,
        endpoint_id=row.endpoint_id,
        payment_id=row.payment_id,
        status=row.status,
        attempts=row.attempt_count,
        next_attempt_at=row.next_attempt_at,
        last_response_status=row.last_response_status,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
