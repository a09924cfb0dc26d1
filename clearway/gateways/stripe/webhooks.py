"""Stripe's webhooks: verified over the raw bytes; only events about our operations are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import stripe

from clearway.gateways.contract import (
    AnswerUnreadableError,
    EventUnreadableError,
    Inbound,
    InboundEvent,
    InboundRequest,
    OperationKind,
    OutcomeKind,
    SignatureInvalidError,
    Trust,
)
from clearway.gateways.stripe import mapping

TOLERANCE_S: Final = 300.0
"""How old, or how far in the future, a signature may be. The SDK looks at the past alone."""
API_VERSION: Final = stripe.api_version
"""The version that the SDK is made for, in which objects are believed. The endpoint should have it too."""


def read(request: InboundRequest, secret: str | None, *, live: bool) -> Inbound:
    """Verify and read one webhook. Events about nothing of Clearway's are accepted and dropped.

    Raises SignatureInvalidError or EventUnreadableError.
    """
    _verify(request, secret)
    event = _json(request.body)
    try:
        return Inbound(_events(event, live=live))
    except (KeyError, TypeError, ValueError, AnswerUnreadableError) as error:
        raise EventUnreadableError(f"not an event of Stripe: {error}") from error


def _verify(request: InboundRequest, secret: str | None) -> None:
    if not secret:
        raise SignatureInvalidError("no webhook signing secret is configured for this gateway")
    header = request.headers.get("stripe-signature", "")
    try:
        stripe.WebhookSignature.verify_header(request.body, header, secret)
    except (stripe.SignatureVerificationError, ValueError, TypeError) as error:
        # The SDK's message repeats nothing of the body, but its exception holds it.
        raise SignatureInvalidError(f"the Stripe-Signature header does not fit: {type(error).__name__}") from None
    signed_at = next(int(part[2:]) for part in header.split(",") if part.startswith("t="))
    if abs(request.received_at.timestamp() - signed_at) > TOLERANCE_S:
        raise SignatureInvalidError("the signature is too old, or of the future")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EventUnreadableError("not JSON") from error


def _events(event: Any, *, live: bool) -> tuple[InboundEvent, ...]:
    if not isinstance(event, Mapping) or event.get("object") != "event":
        raise AnswerUnreadableError("it is no event object")
    if event["livemode"] is not live:
        raise AnswerUnreadableError("it is of the other mode, live or test")
    thing = event["data"]["object"]
    occurred_at = datetime.fromtimestamp(int(event["created"]), UTC).isoformat()
    trust = Trust.PROVEN if event.get("api_version") == API_VERSION else Trust.HINT
    named: dict[str, Any] = {"event_id": event["id"], "occurred_at": occurred_at}
    name = event["type"].partition(".")[0]
    key = (thing.get("metadata") or {}).get(mapping.KEY_MARK) if isinstance(thing, Mapping) else None
    if name not in {"payment_intent", "refund"} or not isinstance(key, str) or not key:
        return ()
    if name == "refund":
        outcome = mapping.outcome_of_refund(thing)
        return (InboundEvent(key=key, outcome=outcome, trust=trust, operation=OperationKind.REFUND, **named),)
    outcome = mapping.outcome_of_intent(thing)
    if outcome.kind is OutcomeKind.NOT_FOUND:
        return ()  # It was created, and nothing was tried yet.
    return (InboundEvent(key=key, outcome=outcome, trust=trust, references=outcome.references, **named),)
