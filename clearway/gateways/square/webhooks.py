"""Square's webhooks: verified over the configured URL and the raw bytes; only events about our operations are read.

The signature has no time in it. An event is told apart by its id, which is the same when it is sent again, and by the
time in its signed body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clearway.gateways.contract import (
    AnswerUnreadableError,
    EventUnreadableError,
    Inbound,
    InboundEvent,
    InboundRequest,
    OperationKind,
    SignatureInvalidError,
    Trust,
)
from clearway.gateways.square import identifiers, mapping

HEADER: Final = "x-square-hmacsha256-signature"
PAST: Final = timedelta(hours=25)
"""Square sends an event again for 24 hours."""
FUTURE: Final = timedelta(minutes=5)


def signature(key: str, url: str, body: bytes) -> str:
    """Return the signature of a webhook."""
    return base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


def read(request: InboundRequest, key: str | None, url: str | None) -> Inbound:
    """Verify and read one webhook. Events about nothing of Clearway's are accepted and dropped.

    url: as it was entered at Square, if it is not the address of the gateway's webhooks. Raises SignatureInvalidError
    or EventUnreadableError.
    """
    if not key:
        raise SignatureInvalidError("no webhook signature key is configured for this gateway")
    expected = signature(key, url or request.url, request.body)
    if not hmac.compare_digest(expected.encode(), request.headers.get(HEADER, "").encode()):
        raise SignatureInvalidError("the signature is not that of this URL and body")
    try:
        event = json.loads(request.body)
        created_at = datetime.fromisoformat(event["created_at"]).astimezone(UTC)
        inbound = Inbound(_events(event, created_at))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, AnswerUnreadableError) as error:
        raise EventUnreadableError(f"not an event of Square: {type(error).__name__}") from error
    if not request.received_at - PAST <= created_at <= request.received_at + FUTURE:
        raise SignatureInvalidError("the event is too old, or of the future")
    return inbound


def _events(event: Any, created_at: datetime) -> tuple[InboundEvent, ...]:
    kind, thing = event["data"]["type"], event["data"]["object"]
    named: dict[str, Any] = {"event_id": event["event_id"], "occurred_at": created_at.isoformat()}
    if kind == "payment":
        return _about_payment(mapping.part(thing, "payment"), named)
    return _about_refund(mapping.part(thing, "refund"), named) if kind == "refund" else ()


def _about_payment(payment: Mapping[str, Any], named: dict[str, Any]) -> tuple[InboundEvent, ...]:
    key = identifiers.authorisation_of(payment.get("reference_id"))
    if key is None:
        return ()
    outcome = mapping.outcome_of_payment(payment)
    return (InboundEvent(key=key, outcome=outcome, trust=Trust.PROVEN, references=outcome.references, **named),)


def _about_refund(refund: Mapping[str, Any], named: dict[str, Any]) -> tuple[InboundEvent, ...]:
    key, _ = identifiers.refund_of(refund.get("reason")) or (None, None)
    if key is None:
        return ()
    outcome = mapping.outcome_of_refund(refund)
    return (InboundEvent(key=key, outcome=outcome, trust=Trust.PROVEN, operation=OperationKind.REFUND, **named),)
