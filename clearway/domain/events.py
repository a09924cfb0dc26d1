"""The events that merchants receive, and the exact bytes of a delivery body.

Events are append-only and kept permanently, so they hold no personal data: `kept_body` leaves the places empty, and
`delivery_body` fills them from the payment's row. The kept body says which fields there are and in which order, so
every delivery attempt sends the same bytes, also by a later version of Clearway, until the payment is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

NOTES: Final = "notes"
PERSONAL: Final = ("vpa", "card", "bank", "wallet", "customer", NOTES, "forgotten_at")
"""The fields of a payment that may identify a person, and when they were forgotten. Notes are the merchant's text."""
CREATED_STEP: Final = "created"
"""The first step of a payment or refund: it was recorded."""


class EventType(StrEnum):
    """All event types. A status change of a payment has exactly one; `payment.captured` reports a requested capture."""

    ORDER_CANCELLED = "order.cancelled"
    ORDER_EXPIRED = "order.expired"
    PAYMENT_CREATED = "payment.created"
    PAYMENT_ATTEMPT_FAILED = "payment.attempt_failed"
    """An attempt failed and another follows at another gateway. `payment.failed` reports the last attempt."""
    PAYMENT_RETRYING = "payment.retrying"
    PAYMENT_RETRIED = "payment.retried"
    """Another attempt of a payment that was retrying has begun."""
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
    GATEWAY_UNHEALTHY = "gateway.unhealthy"
    GATEWAY_HEALTHY = "gateway.healthy"
    """The gateway passes its checks again. The first good check of a new gateway sends no event."""
    GATEWAY_DEGRADED = "gateway.degraded"
    """The figures of a gateway pass a threshold that the merchant has set."""
    GATEWAY_RESTORED = "gateway.restored"
    RECONCILIATION_COMPLETED = "reconciliation.completed"
    RECONCILIATION_FAILED = "reconciliation.failed"
    ENDPOINT_TEST = "endpoint.test"
    """Sent only when a merchant requests it, and only to the endpoint they name."""


def timestamp(moment: datetime) -> str:
    """Render a moment as the API does: RFC 3339, UTC, microseconds, `Z`."""
    assert moment.tzinfo is not None, "a moment without a zone is ambiguous"
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def kept_body(event_id: str, event_type: EventType, occurred_at: datetime, data: dict[str, Any]) -> str:
    """Return the body of an event as it is kept: `{id, type, timestamp, data}`, with nothing personal in it."""
    if _is_payment(data):
        data = emptied(data)
    body = {"id": event_id, "type": event_type.value, "timestamp": timestamp(occurred_at), "data": data}
    return orjson.dumps(body).decode()


def emptied(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource in its JSON form with empty places for what is personal."""
    return {name: _emptied(name, value) if name in PERSONAL else value for name, value in data.items()}


def instrument_at(
    step: str, instrument: Mapping[str, Any], former: Sequence[tuple[str, Mapping[str, Any]]]
) -> Mapping[str, Any]:
    """Return the instrument of a payment when a step was recorded: an event is always sent with the same bytes.

    former: each instrument that a retry replaced, with the step that replaced it, oldest first.
    """
    number = int(step) if step.isdecimal() else 0
    return next((shown for replaced_at, shown in former if number < int(replaced_at)), instrument)


def personal_fields(
    instrument: Mapping[str, Any], customer: Any, notes: Any, forgotten_at: datetime | None
) -> dict[str, Any]:
    """Return the personal fields of a payment from the columns of its row, for `delivery_body`."""
    forgotten = None if forgotten_at is None else timestamp(forgotten_at)
    return {"customer": customer, NOTES: notes, "forgotten_at": forgotten, **instrument}


def delivery_body(kept: str, personal: Mapping[str, Any]) -> str:
    """Return the body that every attempt to every endpoint sends: a kept one with these personal fields of its payment.

    Of a payment that is forgotten there are none: its fields are null, and notes are empty.
    """
    body = orjson.loads(kept)
    data = body["data"]
    if not _is_payment(data):
        return kept
    data |= {name: _filled(data[name], personal.get(name)) for name in PERSONAL if name in data}
    return orjson.dumps(body).decode()


def without_person(data: dict[str, Any], forgotten_at: str) -> dict[str, Any]:
    """Return a payment or order in its JSON form as it is shown once it is forgotten; all else as it is."""
    if _is_payment(data):
        return data | dict.fromkeys(PERSONAL) | {NOTES: {}, "forgotten_at": forgotten_at}
    return data | {NOTES: {}} if NOTES in data else data


def _is_payment(data: Mapping[str, Any]) -> bool:
    return data.get("object") == "payment"


def _emptied(name: str, value: Any) -> Any:
    """Keep the names of fields, which are Clearway's. The names of notes are the merchant's, and may be personal."""
    if name == NOTES:
        return {}
    return dict.fromkeys(value) if isinstance(value, dict) else None


def _filled(place: Any, value: Any) -> Any:
    """Return the value with the fields that its place names, in that order."""
    if place == {}:
        return value or {}
    if isinstance(place, dict) and value is not None:
        return {name: value.get(name) for name in place}
    return value
