"""PayPal's webhook events: stored for `GET …/webhooks-events`, and sent signed to the webhooks that want them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.facades.paypal.books import Books, Kind, Thing, new_id
from clearway.simulator.facades.paypal.calls import CHANNEL
from clearway.simulator.facades.paypal.signing import ALGORITHM, Signer, signed_text
from clearway.simulator.facades.paypal.views import ROOT, Views, moment
from clearway.simulator.outbox import ANSWERED_WAIT_S, Channel, Notice, Outbox, Webhook
from clearway.simulator.records import Kind as OperationKind
from clearway.simulator.records import Operation, Payment, Status

RESOURCES: Final = {Kind.ORDER: "checkout-order"}
_OF_CAPTURE: Final = {
    Status.CAPTURED: "PAYMENT.CAPTURE.COMPLETED",
    Status.SUCCEEDED: "PAYMENT.CAPTURE.COMPLETED",
    Status.PROCESSING: "PAYMENT.CAPTURE.PENDING",
    Status.DECLINED: "PAYMENT.CAPTURE.DECLINED",
}
_OF_REFUND: Final = {
    Status.SUCCEEDED: "PAYMENT.CAPTURE.REFUNDED",
    Status.PROCESSING: "PAYMENT.REFUND.PENDING",
    Status.FAILED: "PAYMENT.REFUND.FAILED",
}


@dataclass(frozen=True, slots=True)
class PayPalChannel(Channel):
    """Makes PayPal's events for the engine's operations."""

    books: Books
    views: Views
    signer: Signer

    def notices(self, operation: Operation, payment: Payment, at: float) -> list[Notice]:
        """Return the webhooks about an operation as it is now, and store the events."""
        thing = self._about(operation, payment)
        event_type = _type(thing, operation) if thing else None
        if thing is None or event_type is None:
            return []
        shown = self.views.show(thing, operation if operation.kind is not OperationKind.VOID else None)
        return list(self.record(thing, event_type, shown, at))

    def address(self, webhook: Webhook) -> str:
        """Return the URL of the webhook."""
        receiver = self.books.any(webhook.receiver)
        return str(receiver.document["url"]) if receiver else "http://127.0.0.1:9/deleted"

    def headers(self, webhook: Webhook, at: float) -> dict[str, str]:
        """Sign. A repeat has the same transmission id and a new time."""
        transmission_id, time = str(uuid.uuid5(uuid.NAMESPACE_URL, webhook.event_id + webhook.receiver)), moment(at)
        text = signed_text(transmission_id, time, webhook.receiver, webhook.body.encode())
        return {
            "content-type": "application/json",
            "user-agent": "PayPal/AUHD-214.0-58",
            "paypal-auth-algo": ALGORITHM,
            "paypal-auth-version": "v2",
            "paypal-cert-url": self.certificate_url(),
            "paypal-transmission-id": transmission_id,
            "paypal-transmission-sig": self.signer.sign(text),
            "paypal-transmission-time": time,
        }

    def certificate_url(self) -> str:
        """Return where the certificate is served."""
        return f"{self.views.public_url}{ROOT}/v1/notifications/certs/{self.signer.certificate_id()}"

    def record(self, thing: Thing, event_type: str, resource: dict[str, Any], at: float) -> Iterator[Notice]:
        """Store an event, and return its webhooks, one for every receiver that wants it."""
        event_id = f"WH-{new_id()}-{new_id()}"
        link = f"{self.views.public_url}{ROOT}/v1/notifications/webhooks-events/{event_id}"
        event = {
            "id": event_id,
            "event_version": "1.0",
            "create_time": moment(at),
            "resource_type": RESOURCES.get(thing.kind, thing.kind.value),
            "resource_version": "2.0",
            "event_type": event_type,
            "summary": f"{event_type} of {resource['id']}",
            "resource": resource,
            "links": [{"href": link, "rel": "self", "method": "GET"}],
        }
        self.books.add(Thing(event_id, thing.account, Kind.EVENT, event, at))
        for receiver in self.books.all(thing.account, Kind.WEBHOOK):
            names = {one["name"] for one in receiver.document["event_types"]}
            if names & {"*", event_type}:
                yield Notice(event_id, event_type, json.dumps(event, separators=(",", ":")), receiver.id)

    def _about(self, operation: Operation, payment: Payment) -> Thing | None:
        """Return the object of an operation's event: a void has no object of its own."""
        if operation.kind is not OperationKind.VOID:
            return self.books.of_operation(operation.key)
        made_by = self.views.records.payment_operation(payment.reference)
        return self.books.of_operation(made_by.key) if made_by else None


@dataclass(frozen=True, slots=True)
class Announcer:
    """Sends the events without a decision of the engine: an order was approved, or something is pending."""

    channel: PayPalChannel
    outbox: Outbox

    def announce(self, thing: Thing, event_type: str, at: float) -> None:
        """Store an event about an object as it is now, and send it a little later."""
        shown = self.channel.views.show(thing)
        notices: Sequence[Notice] = list(self.channel.record(thing, event_type, shown, at))
        self.outbox.add(CHANNEL, notices, at + ANSWERED_WAIT_S)


def _type(thing: Thing, operation: Operation) -> str | None:
    match operation.kind, thing.kind:
        case OperationKind.VOID, _:
            return "PAYMENT.AUTHORIZATION.VOIDED" if operation.status is Status.SUCCEEDED else None
        case OperationKind.PAYMENT, Kind.AUTHORIZATION:
            return "PAYMENT.AUTHORIZATION.CREATED" if operation.status is Status.AUTHORIZED else None
        case OperationKind.REFUND, _:
            return _OF_REFUND.get(operation.status)
    return _OF_CAPTURE.get(operation.status)
