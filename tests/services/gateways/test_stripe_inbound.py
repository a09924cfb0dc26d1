"""Stripe's webhooks at our connector: which are believed, a hint, refused, or not about Clearway's payments."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clearway.gateways.contract import (
    EventUnreadableError,
    Inbound,
    InboundRequest,
    OperationKind,
    OutcomeKind,
    SignatureInvalidError,
    Trust,
    read_inbound,
)
from clearway.gateways.stripe.client import StripeGateway, StripeKeys
from clearway.simulator.facades.stripe.events import signature
from tests.services.gateways import hostile
from tests.services.gateways.asking import MANUAL, follow_up, inbound_of
from tests.services.gateways.stripe_account import VERSION, Account
from tests.services.gateways.stripe_bench import Stripe, connected
from tests.support.receiver import Delivery, Receiver

SECRET = "whsec_a_test"
NOW = datetime.now(UTC)


@pytest.fixture
async def stripe(account: Account, receiver: Receiver) -> AsyncIterator[Stripe]:
    """Connect to an account."""
    async with connected(account, receiver) as connection:
        yield connection


@pytest.fixture
async def gateway() -> AsyncIterator[StripeGateway]:
    """Make a connector that calls nobody."""
    made = StripeGateway(StripeKeys("sk_test_some_name", SECRET), timeout_s=1)
    yield made
    await made.aclose()


def intent(**fields: Any) -> dict[str, Any]:
    """Return a PaymentIntent of Clearway as events have it."""
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1_000,
        "amount_capturable": 0,
        "amount_received": 1_000,
        "capture_method": "automatic",
        "currency": "usd",
        "latest_charge": "ch_1",
        "last_payment_error": None,
        "metadata": {"clearway_key": "pay_1:authorise:1", "clearway_payment": "pay_1"},
        "next_action": None,
        "status": "succeeded",
        **fields,
    }


def event(thing: dict[str, Any], name: str = "payment_intent.succeeded", **fields: Any) -> dict[str, Any]:
    """Return an event."""
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": VERSION,
        "created": int(NOW.timestamp()),
        "data": {"object": thing},
        "livemode": False,
        "type": name,
        **fields,
    }


def signed(body: bytes, *, secret: str = SECRET, shift_s: float = 0) -> InboundRequest:
    """Return a request that was signed at a time shifted by seconds."""
    at = NOW + timedelta(seconds=shift_s)
    headers = {"stripe-signature": signature(secret, at.timestamp(), body.decode())}
    return replace(inbound_of(headers, body), received_at=NOW)


async def heard(gateway: StripeGateway, said: dict[str, Any]) -> Inbound:
    """Read a signed event."""
    return await gateway.read_inbound(signed(json.dumps(said).encode()))


async def told(stripe: Stripe, receiver: Receiver, about: str, count: int) -> list[Delivery]:
    """Wait for webhooks about something."""
    return await receiver.wait_for(count, about)


async def test_a_payment_s_webhook_agrees_with_the_look_up(stripe: Stripe, receiver: Receiver) -> None:
    """A signed event names our key and Stripe's ids, is proven, and says what `recover` says."""
    asked, _ = await stripe.paid()
    deliveries = await told(stripe, receiver, asked.key, 3)
    read = [await stripe.gateway.read_inbound(inbound_of(one.headers, one.body)) for one in deliveries]
    [found] = [one for inbound in read for one in inbound.events]
    assert (found.key, found.trust, found.operation) == (asked.key, Trust.PROVEN, OperationKind.AUTHORISE)
    assert found.references["payment"] == asked.payment_reference
    assert found.outcome == await stripe.gateway.recover(asked)


async def test_a_refund_s_webhook_names_the_refund_s_key(stripe: Stripe, receiver: Receiver) -> None:
    """The event of a refund speaks of the refund, and its amount."""
    asked, outcome = await stripe.paid()
    request = follow_up(asked, outcome, "refund", 300)
    await stripe.gateway.refund(request)
    [delivery] = [one for one in await told(stripe, receiver, request.key, 1) if "refund." in one.event["type"]]
    [found] = (await stripe.gateway.read_inbound(inbound_of(delivery.headers, delivery.body))).events
    assert (found.key, found.operation, found.outcome.amount_minor) == (request.key, OperationKind.REFUND, 300)


async def test_a_hold_s_webhooks_do_not_take_it_back(stripe: Stripe, receiver: Receiver) -> None:
    """After a hold was captured or released by us, its events still say that it was authorised for the whole."""
    for act, amount in (("capture", 400), ("void", 1_000)):
        asked, outcome = await stripe.paid(capture_method=MANUAL)
        await getattr(stripe.gateway, act)(replace(follow_up(asked, outcome, act, amount), final=True))
        deliveries = await told(stripe, receiver, asked.key, 4)
        for one in deliveries:
            for found in (await stripe.gateway.read_inbound(inbound_of(one.headers, one.body))).events:
                assert (found.outcome.kind, found.outcome.amount_minor) == (OutcomeKind.APPROVED, 1_000)


async def test_another_version_is_a_hint(gateway: StripeGateway) -> None:
    """An event of an API version whose objects we do not know only has Stripe asked."""
    [found] = (await heard(gateway, event(intent(), api_version="2019-01-01"))).events
    assert found.trust is Trust.HINT


@pytest.mark.parametrize(
    "said",
    [
        event(intent(metadata={})),
        event(intent(status="requires_confirmation"), "payment_intent.created"),
        event({"id": "ch_1", "object": "charge", "metadata": {"clearway_key": "x"}}, "charge.succeeded"),
        event({"id": "cus_1", "object": "customer"}, "customer.created"),
    ],
)
async def test_what_is_not_about_clearway_is_accepted_and_no_event(gateway: StripeGateway, said: Any) -> None:
    """An event about another program's payment, or without an outcome, is accepted, so that Stripe stops sending it."""
    assert (await heard(gateway, said)).events == ()


@pytest.mark.parametrize("shift_s", [-301, 301])
async def test_old_and_future_signatures_are_refused(gateway: StripeGateway, shift_s: float) -> None:
    """The tolerance is 300 seconds to both sides; the SDK's own check lets the future through."""
    body = json.dumps(event(intent())).encode()
    await gateway.read_inbound(signed(body, shift_s=shift_s - shift_s / 301 * 2))
    with pytest.raises(SignatureInvalidError):
        await gateway.read_inbound(signed(body, shift_s=shift_s))


@pytest.mark.parametrize("header", ["", "t=", "t=1", "v1=abc", "t=x,v1=y", "t=1,v1=é", "nonsense", "t=1,v0=aa", ",,,="])
async def test_malformed_signatures_are_refused(gateway: StripeGateway, header: str) -> None:
    """A malformed or missing signature is SignatureInvalidError."""
    with pytest.raises(SignatureInvalidError):
        await gateway.read_inbound(inbound_of({"stripe-signature": header}, b"{}"))


async def test_wrong_bodies_and_secrets_are_refused(gateway: StripeGateway) -> None:
    """A changed byte, another secret, no header, no configured secret: SignatureInvalidError each time."""
    body = json.dumps(event(intent())).encode()
    good = signed(body)
    for request in (
        replace(good, body=body + b" "),
        replace(good, body=b"\xff\xfe"),
        replace(good, headers={}),
        signed(body, secret="whsec_other"),
    ):
        with pytest.raises(SignatureInvalidError):
            await gateway.read_inbound(request)
    unset = StripeGateway(StripeKeys("sk_test_some_name"), timeout_s=1)
    with pytest.raises(SignatureInvalidError, match="configured"):
        await unset.read_inbound(good)
    await unset.aclose()


async def test_the_other_mode_is_refused(gateway: StripeGateway) -> None:
    """A live event at a test gateway has no meaning, however well it is signed."""
    with pytest.raises(EventUnreadableError):
        await heard(gateway, event(intent(), livemode=True))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"nonsense", b'{"object":"event"}', hostile.DEEP])
async def test_signed_nonsense_is_unreadable(gateway: StripeGateway, body: bytes) -> None:
    """A correctly signed body without a meaning is EventUnreadableError, not a crash."""
    with pytest.raises(EventUnreadableError):
        await gateway.read_inbound(signed(body))


async def test_no_event_makes_reading_fail(gateway: StripeGateway) -> None:
    """Every correctly signed event is an event that can be stored, or EventUnreadableError."""
    refund = {"id": "re_1", "object": "refund", "amount": 5, "currency": "usd", "status": "failed"}
    refund |= {"failure_reason": "declined", "metadata": {"clearway_key": "rfnd_1:refund:1"}}
    read = 0
    for said in (event(intent()), event(refund, "refund.failed"), event(intent(status="requires_action"))):
        for body in hostile.variants(said):
            text = json.dumps(body).encode()
            try:
                inbound = await read_inbound(gateway, signed(text))
            except EventUnreadableError:
                continue
            for found in inbound.events:
                read += 1
                assert hostile.is_storable_throughout(found), text[:200]
    assert read > 0
