"""Webhooks of the stand-in of Square: which are sent, and how they are signed."""

from __future__ import annotations

from typing import Any

from square.utils.webhooks_helper import verify_signature

from clearway.simulator.facades.square.events import signature
from tests.services.gateways.square_account import Seller
from tests.support.receiver import Delivery, Receiver
from tests.support.square_shapes import assert_shape

TYPES = ["payment.created", "payment.updated", "refund.created", "refund.updated"]


async def subscribed(seller: Seller, receiver: Receiver) -> str:
    """Subscribe to all events by the official SDK; return the signature key."""
    made = await seller.sdk.webhooks.subscriptions.create(
        subscription={"name": "Shop", "event_types": TYPES, "notification_url": receiver.url}
    )
    assert made.subscription is not None
    return str(made.subscription.signature_key)


def types(deliveries: list[Delivery]) -> list[str]:
    """Return the types of events, sorted; fail if one has not the shape of Square's."""
    for delivery in deliveries:
        assert_shape(delivery.event["data"]["object"])
    return sorted(delivery.event["type"] for delivery in deliveries)


async def test_a_signature_is_that_of_the_vendor() -> None:
    """The published vector, as the official SDK verifies it."""
    made = signature("asdf1234", "https://example.com/webhook", '{"hello":"world"}')
    assert made == "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og="


async def test_a_payment_sends_signed_events(seller: Seller, receiver: Receiver) -> None:
    """Each event is signed over the URL of the subscription and the body; the SDK's own check accepts it."""
    key = await subscribed(seller, receiver)
    paid = await seller.paid()
    deliveries = await receiver.wait_for(2, paid["id"])
    assert types(deliveries) == ["payment.created", "payment.updated"]
    assert len({delivery.event["event_id"] for delivery in deliveries}) == 2
    for delivery in deliveries:
        given: dict[str, Any] = {
            "request_body": delivery.body.decode(),
            "signature_header": delivery.headers["x-square-hmacsha256-signature"],
            "signature_key": key,
        }
        assert verify_signature(**given, notification_url=receiver.url)
        assert not verify_signature(**given, notification_url=receiver.url + "/")


async def test_follow_ups_send_events(seller: Seller, receiver: Receiver) -> None:
    """Lowering, completing and refunding are updates of the payment, and the refund has events of its own."""
    await subscribed(seller, receiver)
    held = await seller.held()
    change = {"idempotency_key": f"{held['id']}-lower", "payment": {"amount_money": {"amount": 4, "currency": "USD"}}}
    await seller.send("PUT", f"/payments/{held['id']}", change)
    await seller.send("POST", f"/payments/{held['id']}/complete", {})
    refund = {
        "idempotency_key": held["id"],
        "payment_id": held["id"],
        "amount_money": change["payment"]["amount_money"],
    }  # type: ignore[index]
    await seller.send("POST", "/refunds", refund)
    deliveries = await receiver.wait_for(4, held["id"])
    assert types(deliveries) == ["payment.created", "payment.updated", "payment.updated", "refund.created"]


async def test_a_refused_event_is_sent_again_with_its_id(seller: Seller, receiver: Receiver) -> None:
    """A receiver that fails gets the same event again, and the number of the retry."""
    await subscribed(seller, receiver)
    receiver.refuse(500)
    paid = await seller.paid()
    deliveries = await receiver.wait_for(3, paid["id"])
    ids = [delivery.event["event_id"] for delivery in deliveries]
    assert len(set(ids)) == 2
    [again] = [delivery for delivery in deliveries if "square-retry-number" in delivery.headers]
    assert ids.count(again.event["event_id"]) == 2
