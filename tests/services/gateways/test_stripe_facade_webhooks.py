"""Events of the stand-in of Stripe: which are sent, to which endpoints, and how they are signed."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from time_machine import Traveller

from tests.services.gateways.running import LONG_S
from tests.services.gateways.stripe_account import VERSION, Account
from tests.support.receiver import Delivery, Receiver
from tests.support.stripe_shapes import assert_shape


async def endpoint(account: Account, receiver: Receiver, *types: str) -> stripe.WebhookEndpoint:
    """Register a webhook endpoint, as a merchant does in the dashboard."""
    return await account.sdk.v1.webhook_endpoints.create_async(
        params={"url": receiver.url, "enabled_events": list(types or ("*",)), "api_version": VERSION}  # type: ignore[typeddict-item]
    )


async def received(receiver: Receiver, count: int, about: str) -> list[Delivery]:
    """Wait for webhooks about an object, of which each has the shape of Stripe's."""
    found = await receiver.wait_for(count, about)
    for delivery in found:
        assert_shape(delivery.event)
    return found


def types(deliveries: list[Delivery]) -> list[str]:
    """Return the types of events."""
    return [delivery.event["type"] for delivery in deliveries]


async def test_a_payment_sends_signed_events(account: Account, receiver: Receiver) -> None:
    """Every event of a payment comes signed with the endpoint's secret, which was shown once."""
    made = await endpoint(account, receiver)
    intent = await account.paid()
    deliveries = await received(receiver, 3, intent.id)
    assert sorted(types(deliveries)) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
    for delivery in deliveries:
        event = stripe.Webhook.construct_event(delivery.body, delivery.headers["stripe-signature"], made.secret)  # type: ignore[no-untyped-call]
        assert event.api_version == VERSION
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(deliveries[0].body, deliveries[0].headers["stripe-signature"], "whsec_other")  # type: ignore[no-untyped-call]
    listed = (await account.send("GET", "/webhook_endpoints")).json()["data"]
    assert "secret" not in listed[0]


@pytest.mark.parametrize(
    ("wanted", "method", "fields"),
    [
        ("payment_intent.payment_failed", "pm_card_chargeDeclined", {}),
        ("payment_intent.requires_action", "pm_card_threeDSecure2Required", {}),
        ("payment_intent.amount_capturable_updated", "pm_card_visa", {"capture_method": "manual"}),
        ("payment_intent.processing", "pm_usBankAccount_processing", {"payment_method_types": ["us_bank_account"]}),
    ],
)
async def test_events_of_an_intent(
    account: Account, receiver: Receiver, wanted: str, method: str, fields: dict[str, Any]
) -> None:
    """Each way an intent may go has its event, with the intent as it was then."""
    await endpoint(account, receiver, wanted)
    intent = await account.intent(method, **fields)
    try:
        await account.confirm(intent)
    except stripe.CardError:
        assert wanted == "payment_intent.payment_failed"
    [delivery] = await received(receiver, 1, intent.id)
    assert types([delivery]) == [wanted]
    assert delivery.event["data"]["object"]["status"] == (await account.read(intent)).status


async def test_captures_cancellations_and_refunds_send_events(account: Account, receiver: Receiver) -> None:
    """The events of a capture, a refund and a cancellation have the totals, not the amount of the single call."""
    await endpoint(account, receiver, "charge.captured", "payment_intent.canceled", "refund.created", "charge.refunded")
    intents = account.sdk.v1.payment_intents
    captured = await account.paid(capture_method="manual")
    await intents.capture_async(captured.id, params={"amount_to_capture": 400})
    await account.sdk.v1.refunds.create_async(params={"payment_intent": captured.id, "amount": 100})
    cancelled = await account.paid(capture_method="manual")
    await intents.cancel_async(cancelled.id)
    deliveries = await received(receiver, 3, captured.id)
    assert sorted(types(deliveries)) == ["charge.captured", "charge.refunded", "refund.created"]
    assert types(await received(receiver, 1, cancelled.id)) == ["payment_intent.canceled"]
    [charge] = [one.event["data"]["object"] for one in deliveries if one.event["type"] == "charge.captured"]
    assert (charge["amount"], charge["amount_captured"]) == (1_000, 400)


async def test_a_refund_that_ends_later_sends_another_event(account: Account, receiver: Receiver) -> None:
    """A pending refund has an event when it is created and when it is done; one that fails later, a failed event."""
    await endpoint(account, receiver, "refund.created", "refund.updated", "refund.failed")
    pending = await account.paid("pm_card_pendingRefund")
    failing = await account.paid("pm_card_refundFail")
    for intent in (pending, failing):
        await account.sdk.v1.refunds.create_async(params={"payment_intent": intent.id})
    told = await received(receiver, 2, pending.id)
    assert sorted((one.event["type"], one.event["data"]["object"]["status"]) for one in told) == [
        ("refund.created", "pending"),
        ("refund.updated", "succeeded"),
    ]
    assert sorted(types(await received(receiver, 3, failing.id))) == [
        "refund.created",
        "refund.failed",
        "refund.updated",
    ]


async def test_events_can_be_listed_although_none_was_sent(account: Account, receiver: Receiver) -> None:
    """`no_webhook` keeps the webhook away; the event is listed all the same, newest first and by type."""
    await endpoint(account, receiver, "payment_intent.succeeded")
    await account.simulator.switch(operation="webhook", fault="no_webhook", times=1)
    intent, later = await account.paid(), await account.paid()
    listed = (await account.send("GET", "/events", {"types[]": "payment_intent.succeeded"})).json()["data"]
    assert [event["data"]["object"]["id"] for event in listed] == [later.id, intent.id]
    assert (await account.send("GET", f"/events/{listed[1]['id']}")).status_code == 200
    await received(receiver, 1, later.id)
    assert receiver.about(intent.id) == []


async def test_faults_of_webhooks(account: Account, receiver: Receiver, clock: Traveller) -> None:
    """A webhook may come twice with one id, or be followed by an older one."""
    await endpoint(account, receiver, "payment_intent.succeeded", "payment_intent.processing")
    await account.simulator.switch(operation="webhook", fault="duplicate_webhook", times=1)
    twice = await account.paid()
    first, second = await received(receiver, 2, twice.id)
    assert first.event["id"] == second.event["id"]
    await account.simulator.switch(operation="webhook", fault="reordered_webhook", times=1, delay_s=LONG_S)
    reordered = await account.paid()
    await received(receiver, 1, reordered.id)
    clock.shift(LONG_S)
    await account.paid()  # it wakes the simulator, which looks at the clock
    told = await received(receiver, 2, reordered.id)
    assert types(told) == ["payment_intent.succeeded", "payment_intent.processing"]


async def test_a_webhook_that_is_refused_is_sent_again(account: Account, receiver: Receiver) -> None:
    """An answer that is no 2xx has the same event sent again, with a signature of its own time."""
    made = await endpoint(account, receiver, "payment_intent.succeeded")
    receiver.refuse(500)
    intent = await account.paid()
    first, second = await received(receiver, 2, intent.id)
    assert first.body == second.body
    assert first.headers["stripe-signature"] != second.headers["stripe-signature"]
    deleted = await account.sdk.v1.webhook_endpoints.delete_async(made.id)
    assert deleted.deleted
