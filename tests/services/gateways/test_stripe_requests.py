"""Every request of our connector, checked by stripe-mock: it refuses unknown, missing and ill-typed parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stripe

from clearway.gateways.contract import Operation, OutcomeKind
from clearway.gateways.stripe.client import StripeGateway, StripeKeys
from tests.services.gateways.asking import MANUAL, card, order
from tests.support import stripe_mock


class Watched(httpx.AsyncHTTPTransport):
    """Keeps what was asked and how it was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, int, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        answer = await super().handle_async_request(request)
        body = await answer.aread()
        self.seen.append((f"{request.method} {request.url.path}", answer.status_code, body.decode()))
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


@pytest.fixture
async def watched() -> AsyncIterator[tuple[StripeGateway, Watched]]:
    """Connect to stripe-mock; skip where it cannot be built."""
    try:
        async with stripe_mock.running() as url:
            transport = Watched()
            gateway = StripeGateway(
                StripeKeys("sk_test_1234567890"), api_base=url, timeout_s=20, multicapture=True, transport=transport
            )
            yield gateway, transport
            await gateway.aclose()
    except stripe_mock.StripeMockMissingError as reason:
        pytest.skip(f"stripe-mock cannot be built: {reason}")


def follow(asked: Operation, kind: str, **fields: Any) -> Operation:
    """Return a follow-up of a payment at stripe-mock, which knows every id."""
    return replace(asked, kind=kind, key=f"{asked.payment_id}:{kind}:1", references={"payment": "pi_1"}, **fields)  # type: ignore[arg-type]


async def test_stripe_takes_every_request_we_send(watched: tuple[StripeGateway, Watched]) -> None:
    """No request of the connector has a parameter that Stripe does not know, or lacks one that it needs."""
    gateway, transport = watched
    for method in ("automatic", "manual"):
        asked = order("pm_card_visa", "card", **({"capture_method": MANUAL} if method == "manual" else {}))
        assert (await gateway.prepare(asked)).kind is OutcomeKind.PREPARED
    ready = replace(asked, references={"payment": "pi_1"})
    assert ready.authorisation is not None
    await gateway.authorise(ready)
    await gateway.authorise(replace(ready, authorisation=replace(ready.authorisation, return_url="https://a.example")))
    for final in (True, False):
        await gateway.capture(follow(asked, "capture", final=final))
    await gateway.void(follow(asked, "void"))
    await gateway.refund(follow(asked, "refund"))
    for kind in ("authorise", "capture", "void", "refund"):
        await gateway.recover(follow(asked, kind))
    await gateway.recover(replace(asked, first_sent_at=datetime.now(UTC)))
    await gateway.tokenise(card("4111111111111111"))
    await gateway.check()
    refused = [seen for seen in transport.seen if seen[1] != 200]
    assert refused == []
    assert len(transport.seen) >= 14


async def test_stripe_mock_would_refuse_a_wrong_one(watched: tuple[StripeGateway, Watched]) -> None:
    """The check can fail: metadata on a cancellation is a 400."""
    gateway, transport = watched
    wrong: Any = {"metadata": {"a": "b"}}
    with pytest.raises(stripe.InvalidRequestError, match="additional properties"):
        await gateway._v1.payment_intents.cancel_async("pi_1", wrong)
    assert transport.seen[-1][1] == 400
