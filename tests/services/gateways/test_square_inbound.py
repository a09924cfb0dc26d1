"""Square's webhooks as the connector reads them: proven by URL and body, matched by what our operations carry."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from clearway.gateways.contract import (
    EventUnreadableError,
    InboundRequest,
    OperationKind,
    OutcomeKind,
    SignatureInvalidError,
    Trust,
)
from clearway.gateways.square import webhooks
from tests.services.gateways.asking import MANUAL, follow_up, inbound_of, read
from tests.services.gateways.square_account import Seller
from tests.services.gateways.square_bench import Square, connected
from tests.support.receiver import Receiver

URL = "https://example.com/webhook"
KEY = "asdf1234"


@pytest.fixture
async def bench(seller: Seller, receiver: Receiver) -> AsyncIterator[Square]:
    """Connect to a seller that no other test has."""
    async with connected(seller, receiver) as running:
        yield running


def request_with(body: bytes, signature: str, url: str = URL) -> InboundRequest:
    """Return a webhook."""
    return InboundRequest("POST", url, {webhooks.HEADER: signature}, body, datetime.now(UTC))


def test_the_published_vector() -> None:
    """The vector of the fact sheet: the same URL and body, and one slash more is another signature."""
    signature = "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og="
    assert webhooks.signature(KEY, URL, b'{"hello":"world"}') == signature
    with pytest.raises(EventUnreadableError):  # It is genuine, and no event.
        webhooks.read(request_with(b'{"hello":"world"}', signature), KEY, None)
    for url in (URL + "/", "https://other.example/webhook"):
        with pytest.raises(SignatureInvalidError):
            webhooks.read(request_with(b'{"hello":"world"}', signature, url), KEY, None)


def test_the_configured_url_counts_and_not_the_called_one() -> None:
    """Behind a proxy the URL that was entered at Square is what it signs."""
    body = json.dumps(_event({"type": "dispute", "id": "d1", "object": {}})).encode()
    request = request_with(body, webhooks.signature(KEY, URL, body), "http://10.0.0.1/inside")
    assert webhooks.read(request, KEY, URL).events == ()
    with pytest.raises(SignatureInvalidError):
        webhooks.read(request, KEY, None)


@pytest.mark.parametrize("signature", ["", "é", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og"])
def test_other_signatures_are_refused(signature: str) -> None:
    """A missing, foreign or cut signature is refused; so is every webhook without a configured key."""
    with pytest.raises(SignatureInvalidError):
        webhooks.read(request_with(b"{}", signature), KEY, None)
    with pytest.raises(SignatureInvalidError):
        webhooks.read(request_with(b"{}", webhooks.signature("", URL, b"{}")), None, None)


async def test_a_payment_is_proven(bench: Square, receiver: Receiver) -> None:
    """The event of a payment names our key, its outcome and its id; the second of the two has another event id."""
    asked, paid = await bench.paid()
    found = [await read(bench.gateway, one.headers, one.body) for one in await receiver.wait_for(2, asked.payment_id)]
    assert {one.key for one in found} == {asked.key}
    assert len({one.event_id for one in found}) == 2
    for one in found:
        assert (one.trust, one.outcome, dict(one.references)) == (Trust.PROVEN, paid, dict(paid.references))


async def test_a_partial_capture_contradicts_nothing(bench: Square, receiver: Receiver) -> None:
    """After a partial capture the events still say what was authorised, although the payment was lowered."""
    asked, held = await bench.paid(capture_method=MANUAL)
    await bench.gateway.capture(replace(follow_up(asked, held, "capture", 400), final=True))
    found = [await read(bench.gateway, one.headers, one.body) for one in await receiver.wait_for(3, asked.payment_id)]
    assert {(one.outcome.kind, one.outcome.amount_minor) for one in found} == {(OutcomeKind.APPROVED, 1_000)}


async def test_a_refund_is_proven(bench: Square, receiver: Receiver) -> None:
    """The event of a refund names the refund's key."""
    asked, paid = await bench.paid()
    refund = follow_up(asked, paid, "refund", 300)
    done = await bench.gateway.refund(refund)
    [delivery] = await receiver.wait_for(1, refund.key)
    found = await read(bench.gateway, delivery.headers, delivery.body)
    assert (found.key, found.operation, found.outcome) == (refund.key, OperationKind.REFUND, done)


async def test_events_of_others_are_dropped(bench: Square, receiver: Receiver) -> None:
    """A payment or refund that another program made on the account is accepted and means nothing."""
    paid = await bench.seller.paid(reference_id="order 17")
    asked = {"idempotency_key": "other", "payment_id": paid["id"], "amount_money": paid["amount_money"]}
    await bench.seller.send("POST", "/refunds", asked)
    for delivery in await receiver.wait_for(3, paid["id"]):
        inbound = await bench.gateway.read_inbound(inbound_of(delivery.headers, delivery.body))
        assert inbound.events == ()


def _event(data: dict[str, Any]) -> dict[str, Any]:
    return {"type": "x", "event_id": "e1", "created_at": datetime.now(UTC).isoformat(), "data": data}
