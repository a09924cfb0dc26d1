"""PayPal's webhooks at our connector: whose they are is checked, and what they say is never believed."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clearway.gateways.contract import (
    EventUnreadableError,
    InboundRequest,
    OperationKind,
    OutcomeKind,
    SignatureInvalidError,
    Trust,
)
from clearway.gateways.paypal.webhooks import CERTIFICATE_HOSTS, Verifier
from tests.services.gateways.asking import MANUAL, follow_up
from tests.services.gateways.paypal_account import Account
from tests.services.gateways.paypal_bench import PayPal, connected
from tests.support.forging import forged
from tests.support.receiver import Delivery, Receiver

PUBLIC_URL = "https://pay.example/api/v1/gateways/gw_1/webhook"


@pytest.fixture
async def bench(paypal: Account, receiver: Receiver) -> AsyncIterator[PayPal]:
    """Connect to an account that no other test has."""
    async with connected(paypal, receiver) as running:
        yield running


def request_of(delivery: Delivery) -> InboundRequest:
    """Return a webhook as it reaches the connector."""
    return InboundRequest("POST", PUBLIC_URL, delivery.headers, delivery.body, datetime.now(UTC))


async def test_events_name_the_operation_to_ask_about(bench: PayPal, receiver: Receiver) -> None:
    """Each event of a payment, capture and refund has our key and is a hint: it carries no outcome."""
    asked, outcome = await bench.paid(capture_method=MANUAL)
    capture = follow_up(asked, outcome, "capture", 300)
    refund = follow_up(asked, outcome, "refund", 100)
    await bench.gateway.capture(capture)
    await bench.gateway.refund(refund)
    events = []
    told = await receiver.wait_for(4, asked.payment_reference) + await receiver.wait_for(1, refund.key)
    for delivery in told:
        [event] = (await bench.gateway.read_inbound(request_of(delivery))).events
        events.append(event)
    assert {(event.key, event.operation) for event in events} == {
        (asked.key, OperationKind.AUTHORISE),
        (capture.key, OperationKind.CAPTURE),
        (refund.key, OperationKind.REFUND),
    }
    assert {(event.trust, event.outcome.kind) for event in events} == {(Trust.HINT, OutcomeKind.UNKNOWN)}


async def test_a_forged_body_of_the_same_crc_moves_nothing(bench: PayPal, receiver: Receiver) -> None:
    """A forged "paid" passes the signature, which is over a CRC32: so it is only a hint, and PayPal is asked."""
    asked = await bench.approved()
    [delivery] = await receiver.wait_for(1, asked.payment_reference)
    event = json.loads(delivery.body)
    event |= {"id": "WH-forged", "event_type": "CHECKOUT.ORDER.COMPLETED"}
    event["resource"]["status"] = "COMPLETED"
    body = forged(event, zlib.crc32(delivery.body))
    assert body != delivery.body
    [read] = (await bench.gateway.read_inbound(replace(request_of(delivery), body=body))).events
    assert (read.event_id, read.key, read.trust, read.outcome.kind) == (
        "WH-forged",
        asked.key,
        Trust.HINT,
        OutcomeKind.UNKNOWN,
    )
    assert (await bench.gateway.recover(asked)).kind is OutcomeKind.PREPARED
    assert await bench.effects(asked) == []


async def test_what_is_not_signed_by_paypal_is_refused(bench: PayPal, receiver: Receiver) -> None:
    """Another body, webhook, time, algorithm or certificate host is refused, in either direction of the clock."""
    asked = await bench.approved()
    [delivery] = await receiver.wait_for(1, asked.payment_reference)
    good = request_of(delivery)
    headers = dict(good.headers)
    evil = headers["paypal-cert-url"].replace("127.0.0.1", "localhost")
    refused = [
        replace(good, body=good.body + b" "),
        replace(good, headers={}),
        replace(good, headers=headers | {"paypal-cert-url": evil}),
        replace(good, headers=headers | {"paypal-cert-url": "file:///etc/passwd"}),
        replace(good, headers=headers | {"paypal-auth-algo": "SHA1withRSA"}),
        replace(good, headers=headers | {"paypal-transmission-sig": "AAAA"}),
        replace(good, headers=headers | {"paypal-transmission-id": "another"}),
        replace(good, headers=headers | {"paypal-transmission-time": "2026-13-01T00:00:00Z"}),
        replace(good, headers=headers | {"paypal-transmission-time": "2026-01-01T00:00:00"}),
        replace(good, received_at=good.received_at + timedelta(days=4)),
        replace(good, received_at=good.received_at - timedelta(minutes=6)),
    ]
    for request in refused:
        with pytest.raises(SignatureInvalidError):
            await bench.gateway.read_inbound(request)
    assert (await bench.gateway.read_inbound(good)).events


@pytest.mark.parametrize(
    "form",
    [
        "http://{}/c",
        "https://{}.hooks.invalid/c",
        "https://evil@{}/c",
        "https://{}:8443/c",
        "https://api-m-{}/c",
        "//{}/c",
        "https://[{}/c",
    ],
)
async def test_certificates_are_fetched_from_paypal_alone(form: str) -> None:
    """With PayPal's own API, a certificate is only fetched by https from PayPal's host, for every header."""

    async def fetch(asked: str) -> bytes:
        raise AssertionError(f"{asked} must not be asked")

    verifier = Verifier("5WEBHOOK", None, fetch)
    now = datetime.now(UTC)
    headers = {
        "paypal-transmission-id": "1",
        "paypal-transmission-time": now.isoformat(),
        "paypal-transmission-sig": "AAAA",
        "paypal-cert-url": form.format(min(CERTIFICATE_HOSTS)),
        "paypal-auth-algo": "SHA256withRSA",
    }
    with pytest.raises(SignatureInvalidError, match="address of PayPal"):
        await verifier.verify(InboundRequest("POST", PUBLIC_URL, headers, b"{}", now))


async def test_events_of_others_are_none_and_nonsense_is_unreadable(bench: PayPal, receiver: Receiver) -> None:
    """An order that Clearway did not create makes no event; an unreadable body is not treated as a forgery."""
    made = await bench.account.approved()
    [delivery] = await receiver.wait_for(1, made["id"])
    event = json.loads(delivery.body)
    event["resource"]["purchase_units"][0]["invoice_id"] = "SHOP-7"
    body = forged(event, zlib.crc32(delivery.body))
    assert (await bench.gateway.read_inbound(replace(request_of(delivery), body=body))).events == ()
    for nonsense in ({"resource": None}, {"resource": {}, "resource_type": "checkout-order"}, {"id": 7}):
        body = forged(nonsense, zlib.crc32(delivery.body))
        with pytest.raises(EventUnreadableError):
            await bench.gateway.read_inbound(replace(request_of(delivery), body=body))
