"""Stripe's events: stored for `GET /v1/events`, and sent signed to the webhook endpoints that want them."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final

from clearway.simulator.facades.stripe.books import Books, Kind, Thing
from clearway.simulator.facades.stripe.calls import CHANNEL, Call
from clearway.simulator.facades.stripe.views import Try, Views, intent_status, is_charged
from clearway.simulator.outbox import ANSWERED_WAIT_S, Channel, Notice, Outbox, Webhook
from clearway.simulator.records import Kind as OperationKind
from clearway.simulator.records import Operation, Payment, Status

API_VERSION: Final = "2026-10-28.endive"
"""The version of the objects, for any requested version."""
_OBJECT_OF: Final = {"payment_intent": Kind.INTENT, "charge": Kind.CHARGE, "refund": Kind.REFUND}


def signature(secret: str, at: float, body: str) -> str:
    """Return the Stripe-Signature header (docs.stripe.com/webhooks#verify-manually)."""
    signed = f"{int(at)}.{body}".encode()
    return f"t={int(at)},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


class StripeChannel(Channel):
    """Makes Stripe's events for the engine's operations. `call`: the current request, if any."""

    def __init__(self, books: Books, views: Views) -> None:
        self._books = books
        self._views = views
        self.call: Call | None = None

    def notices(self, operation: Operation, payment: Payment, at: float) -> list[Notice]:
        """Return the webhooks about an operation as it is now, and store the events."""
        if operation.kind is OperationKind.REFUND:
            refund = self._books.of_operation(operation.key)
            assert refund is not None, "a refund is kept before the engine makes it"
            return self._about_refund(refund, operation, payment, at)
        return self._about_intent(self._charge_of(payment), operation, payment, at)

    def address(self, webhook: Webhook) -> str:
        """Return the URL of the endpoint."""
        endpoint = self._books.any(webhook.receiver)
        return str(endpoint.document["url"]) if endpoint else "http://127.0.0.1:9/deleted"

    def headers(self, webhook: Webhook, at: float) -> dict[str, str]:
        """Sign with the endpoint's secret of now; each attempt has a timestamp of its own."""
        endpoint = self._books.any(webhook.receiver)
        secret = str(endpoint.document["secret"]) if endpoint else ""
        return {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": signature(secret, at, webhook.body),
        }

    def record(self, account: str, event_type: str, body: dict[str, Any], at: float) -> Iterator[Notice]:
        """Store an event, and return its webhooks, one for every endpoint that wants it."""
        endpoints = [one for one in self._books.all(account, Kind.ENDPOINT) if _wants(one, event_type)]
        event: dict[str, Any] = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": API_VERSION,
            "created": int(at),
            "data": {"object": body},
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": {
                "id": self.call.request_id if self.call else None,
                "idempotency_key": self.call.key if self.call else None,
            },
            "type": event_type,
        }
        self._books.add(Thing(event["id"], account, Kind.EVENT, event, at))
        for endpoint in endpoints:
            said = event | {"api_version": endpoint.document["api_version"] or API_VERSION}
            yield Notice(event["id"], event_type, json.dumps(said, indent=2), endpoint.id)

    def _charge_of(self, payment: Payment) -> Thing:
        made_by = self._views.operation_of(payment.reference)
        charge = self._books.of_operation(made_by.key)
        assert charge is not None, "a payment of this channel has its charge"
        return charge

    def _about_intent(self, charge: Thing, operation: Operation, payment: Payment, at: float) -> list[Notice]:
        intent = self._books.any(charge.parent or "")
        assert intent is not None, "a charge has its intent"
        made_by = operation if operation.kind is OperationKind.PAYMENT else self._views.operation_of(payment.reference)
        tried = Try(made_by, payment)
        notices: list[Notice] = []
        for event_type in _types(intent, operation, tried):
            kind = _OBJECT_OF[event_type.partition(".")[0]]
            view = self._views.intent(intent, tried) if kind is Kind.INTENT else self._views.charge(charge, tried)
            notices += self.record(intent.account, event_type, view, at)
        return notices

    def _about_refund(self, refund: Thing, operation: Operation, payment: Payment, at: float) -> list[Notice]:
        charge = self._books.any(refund.document["charge"])
        assert charge is not None, "a refund is of a charge"
        shown = self._views.refund(refund, operation)
        notices: list[Notice] = []
        if operation.status is Status.SUCCEEDED:
            made_by = self._views.operation_of(payment.reference)
            notices += self.record(
                refund.account, "charge.refunded", self._views.charge(charge, Try(made_by, payment)), at
            )
        # The first answer is stored at the end of the request: without it, this is the request that makes the refund.
        is_new = operation.answer is None or operation.status is Status.PROCESSING
        names = ["refund.created"] if is_new else ["refund.updated", "charge.refund.updated"]
        if operation.status is Status.FAILED:
            names.append("refund.failed")
        for name in names:
            notices += self.record(refund.account, name, shown, at)
        return notices


class Announcer:
    """Sends the events without an operation of the engine: an intent was created, or waits for something."""

    def __init__(self, channel: StripeChannel, views: Views, outbox: Outbox) -> None:
        self._channel = channel
        self._views = views
        self._outbox = outbox

    def announce(self, thing: Thing, event_type: str, at: float) -> None:
        """Store an event about an object as it is now, and send it a little later."""
        notices: Sequence[Notice] = list(self._channel.record(thing.account, event_type, self._views.show(thing), at))
        self._outbox.add(CHANNEL, notices, at + ANSWERED_WAIT_S)


def _types(intent: Thing, operation: Operation, tried: Try) -> list[str]:
    """Return the event types of an operation, in the order in which Stripe sends them."""
    status = intent_status(intent.document, tried)
    match operation.kind, operation.status:
        case OperationKind.PAYMENT, Status.AUTHORIZED | Status.CAPTURED:
            return ["charge.succeeded", _standing(status)]
        case OperationKind.PAYMENT, Status.DECLINED:
            charged = ["charge.failed"] if is_charged(operation) else []
            return [*charged, "payment_intent.payment_failed"]
        case OperationKind.PAYMENT, Status.PROCESSING:
            return ["payment_intent.processing"]
        case OperationKind.CAPTURE, Status.SUCCEEDED:
            return ["charge.captured", _standing(status)]
        case OperationKind.VOID, Status.SUCCEEDED:
            return [_standing(status)]
    return []


def _standing(status: str) -> str:
    names = {"succeeded": "succeeded", "canceled": "canceled", "requires_capture": "amount_capturable_updated"}
    return f"payment_intent.{names[status]}"


def _wants(endpoint: Thing, event_type: str) -> bool:
    enabled = endpoint.document["enabled_events"]
    return "*" in enabled or event_type in enabled
