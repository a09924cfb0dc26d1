"""The event types that merchants can receive, and the exact bytes of a delivery body."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

CREATED_STEP: Final = "created"
"""The first step of a payment or refund: it was recorded."""


class EventType(StrEnum):
    """All event types. A status change has exactly one; `payment.captured` reports a requested capture."""

    PAYMENT_CREATED = "payment.created"
    PAYMENT_REQUIRES_ACTION = "payment.requires_action"
    PAYMENT_PROCESSING = "payment.processing"
    PAYMENT_AUTHORIZED = "payment.authorized"
    PAYMENT_CAPTURED = "payment.captured"
    PAYMENT_SUCCESS = "payment.success"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CANCELLED = "payment.cancelled"
    PAYMENT_EXPIRED = "payment.expired"
    PAYMENT_NEEDS_REVIEW = "payment.needs_review"
    PAYMENT_CONTRADICTED = "payment.contradicted"
    REFUND_CREATED = "refund.created"
    REFUND_PROCESSED = "refund.processed"
    REFUND_FAILED = "refund.failed"
    REFUND_REVERSED = "refund.reversed"
    REFUND_NEEDS_REVIEW = "refund.needs_review"
    REFUND_CONTRADICTED = "refund.contradicted"
    GATEWAY_BREAKER_OPENED = "gateway.breaker_opened"
    GATEWAY_BREAKER_CLOSED = "gateway.breaker_closed"
    ENDPOINT_TEST = "endpoint.test"
    """Sent only when a merchant requests it, and only to the endpoint they name."""


def timestamp(moment: datetime) -> str:
    """Render a moment as the API does: RFC 3339, UTC, microseconds, `Z`."""
    assert moment.tzinfo is not None, "a moment without a zone is ambiguous"
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def delivery_body(event_id: str, event_type: EventType, occurred_at: datetime, data: dict[str, Any]) -> str:
    """Return the body that every attempt to every endpoint sends, byte for byte: `{id, type, timestamp, data}`."""
    body = {"id": event_id, "type": event_type.value, "timestamp": timestamp(occurred_at), "data": data}
    return orjson.dumps(body).decode()
