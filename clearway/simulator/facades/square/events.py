"""Square's webhook events: sent to the subscriptions that want them, signed over their URL and the body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clearway.simulator.facades.square.books import Books, Kind, Thing
from clearway.simulator.facades.square.calls import CHANNEL
from clearway.simulator.facades.square.views import Backed, Views, moment
from clearway.simulator.outbox import ANSWERED_WAIT_S, Channel, Notice, Outbox, Webhook
from clearway.simulator.records import Kind as OperationKind
from clearway.simulator.records import Operation, Payment, Status


def signature(key: str, url: str, body: str) -> str:
    """Return the x-square-hmacsha256-signature header. It has no time in it."""
    return base64.b64encode(hmac.new(key.encode(), (url + body).encode(), hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class SquareChannel(Channel):
    """Makes Square's events for the engine's operations."""

    books: Books
    views: Views

    def notices(self, operation: Operation, payment: Payment, at: float) -> list[Notice]:
        """Return the webhooks about an operation as it is now."""
        if operation.kind is OperationKind.REFUND:
            refund = self.books.of_operation(operation.key)
            assert refund is not None, "a refund is kept before the engine makes it"
            # The first answer is stored at the end of the request: without it, this is the request that makes it.
            is_new = operation.answer is None or operation.status is Status.PROCESSING
            return list(
                self.record(refund, "created" if is_new else "updated", self.views.refund(refund, operation), at)
            )
        if operation.kind is not OperationKind.PAYMENT and operation.status is Status.FAILED:
            return []
        made_by = self.views.records.payment_operation(payment.reference)
        is_payment = operation.kind is OperationKind.PAYMENT
        about = self.books.of_operation(operation.key if is_payment or made_by is None else made_by.key)
        assert about is not None, "a payment of this channel is kept before the engine makes it"
        backed = Backed(operation if is_payment or made_by is None else made_by, payment)
        shown = self.views.payment(about, backed)
        is_new = is_payment and operation.answer is None
        events = ["created"] if is_new else []
        events += ["updated"] if not is_new or backed.status in {"COMPLETED", "FAILED"} else []
        return [notice for event in events for notice in self.record(about, event, shown, at)]

    def address(self, webhook: Webhook) -> str:
        """Return the URL of the subscription."""
        subscription = self.books.any(webhook.receiver)
        return str(subscription.document["notification_url"]) if subscription else "http://127.0.0.1:9/deleted"

    def headers(self, webhook: Webhook, at: float) -> dict[str, str]:
        """Sign with the subscription's key of now."""
        del at  # no time is signed
        subscription = self.books.any(webhook.receiver)
        key = str(subscription.document["signature_key"]) if subscription else ""
        retried = {"square-retry-number": str(webhook.attempts)} if webhook.attempts else {}
        return {
            "content-type": "application/json",
            "user-agent": "Square Connect v2",
            "square-environment": "Sandbox",
            "x-square-hmacsha256-signature": signature(key, self.address(webhook), webhook.body),
            **retried,
        }

    def record(self, thing: Thing, event: str, shown: dict[str, Any], at: float) -> Iterator[Notice]:
        """Return the webhooks of an event, one for every subscription that wants it."""
        kind, event_id = thing.kind.value, str(uuid.uuid4())
        body = {
            "merchant_id": thing.account,
            "type": f"{kind}.{event}",
            "event_id": event_id,
            "created_at": moment(at),
            "data": {"type": kind, "id": thing.id, "object": {kind: shown}},
        }
        for one in self.books.all(thing.account, Kind.SUBSCRIPTION):
            if one.document["enabled"] and body["type"] in one.document["event_types"]:
                yield Notice(event_id, str(body["type"]), json.dumps(body, separators=(",", ":")), one.id)


@dataclass(frozen=True, slots=True)
class Announcer:
    """Sends the events without a decision of the engine: an object is pending, or its amount was lowered."""

    channel: SquareChannel
    outbox: Outbox

    def announce(self, thing: Thing, event_type: str, at: float) -> None:
        """Send an event about an object as it is now, a little later."""
        views = self.channel.views
        shown = views.refund(thing) if thing.kind is Kind.REFUND else views.payment(thing)
        event = event_type.rpartition(".")[2]
        notices: Sequence[Notice] = list(self.channel.record(thing, event, shown, at))
        self.outbox.add(CHANNEL, notices, at + ANSWERED_WAIT_S)
