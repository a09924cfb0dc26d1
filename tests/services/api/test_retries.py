"""Retrying a payment, as a merchant meets it."""

from __future__ import annotations

import asyncio

import pytest

from clearway.db.across_merchants import PayableOrder
from clearway.domain.routing_conditions import PaymentFacts
from clearway.gateways.contract import Card, CardToken
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.payments import retrying
from clearway.payments.routing import Route
from clearway.services import Services
from tests.services.api.conftest import Payer
from tests.services.gateways.running import Simulator

RETRIES = {"scheduled": 1}
SUCCESS = {"method": "upi", "vpa": "success@razorpay"}


async def test_a_declined_payment_is_retried_with_another_instrument(payer: Payer, api_simulator: Simulator) -> None:
    """The answer is pending with the new instrument, the same key is answered alike, and the money is taken once."""
    held = await payer.payment(until="retrying", vpa="lowfunds@clearway", retries=RETRIES)
    assert held["error_code"] == "insufficient_funds"
    assert held["next_attempt_at"] is not None
    path, key = f"/payments/{held['id']}/retry", {"Idempotency-Key": f"retry_{held['id']}"}
    answers = [await payer.http.post(path, json={"instrument": SUCCESS}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert answers[0].content == answers[1].content
    assert (answers[0].json()["status"], answers[0].json()["vpa"]) == ("pending", "success@razorpay")
    paid = await payer.payment_in(held["id"], "success")
    assert (paid["next_attempt_at"], paid["vpa"]) == (None, "success@razorpay")
    assert await api_simulator.charges(held["id"]) == 1
    assert await _shown(payer, held["id"]) == ["lowfunds@clearway"] * 2 + ["success@razorpay"] * 2
    attempts = (await payer.http.get(f"/payments/{held['id']}/attempts")).json()["data"]
    assert [attempt["status"] for attempt in attempts] == ["failed", "succeeded"]
    history = (await payer.http.get(f"/payments/{held['id']}/history")).json()["data"]
    assert [step["type"] for step in history][1:3] == ["payment.retrying", "payment.retried"]


async def _shown(payer: Payer, payment_id: str) -> list[str]:
    """Return the instrument that each event of a payment shows, oldest first."""
    events = (await payer.http.get("/events")).json()["data"]
    return [event["data"]["vpa"] for event in reversed(events) if event["data"]["id"] == payment_id]


async def test_two_retries_at_once_make_one_attempt(payer: Payer) -> None:
    """Requests with different keys race: one attempt is begun, and the other request is refused or made after it."""
    held = await payer.payment(until="retrying", vpa="wrongpin@clearway", retries=RETRIES)
    path = f"/payments/{held['id']}/retry"
    answers = await asyncio.gather(*(payer.http.post(path, json={"instrument": SUCCESS}) for _ in range(3)))
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(refused) == 2
    assert {answer.json()["code"] for answer in refused} == {"not_retryable"}
    await payer.payment_in(held["id"], "success")


async def test_a_payment_that_is_not_retrying_is_refused(payer: Payer) -> None:
    """Without `retries` a payment fails for good, and the refusal says what to do instead."""
    failed = await payer.payment(until="failed", vpa="lowfunds@clearway")
    refused = await payer.http.post(f"/payments/{failed['id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
    assert (await payer.http.post("/payments/pay_01k9w2e3r4t5y6q7w8e9r0t1y2/retry")).status_code == 404


async def test_a_retry_that_cannot_be_made_changes_nothing(payer: Payer) -> None:
    """Another method, an unknown gateway, and a card that would leave its gateway are refused before anything moves."""
    held = await payer.payment(until="retrying", vpa="lowfunds@clearway", retries=RETRIES)
    path = f"/payments/{held['id']}/retry"
    bank = {"method": "netbanking", "bank": {"code": "HDFC"}}
    other = await payer.http.post(path, json={"instrument": bank})
    assert (other.status_code, other.json()["code"]) == (422, "retry_method_differs")
    unknown = await payer.http.post(path, json={"gateway_id": "gw_01k9w2e3r4t5y6q7w8e9r0t1y2"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "gateway_not_found")
    number = {"number": "4000000000009995", "expiry_month": 12, "expiry_year": 2031, "cvv": "123"}
    card = await payer.payment(until="retrying", method="card", card=number, retries=RETRIES)
    second = await payer.http.post("/gateways", json={"kind": "simulator", "name": "Second", "test": False})
    moved = await payer.http.post(f"/payments/{card['id']}/retry", json={"gateway_id": second.json()["id"]})
    assert (moved.status_code, moved.json()["code"]) == (422, "gateway_cannot")
    assert len((await payer.http.get(f"/payments/{card['id']}/attempts")).json()["data"]) == 1


async def test_a_card_is_not_exchanged_for_a_payment_that_is_not_retrying(
    payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal comes before the card leaves the process: no token is made that nothing will charge."""
    paid = await payer.payment()

    async def tokenise(_self: SimulatorGateway, _card: Card) -> CardToken:
        raise AssertionError("a card was exchanged for a token")

    monkeypatch.setattr(SimulatorGateway, "tokenise", tokenise)
    number = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2031, "cvv": "123"}
    asked = {"instrument": {"method": "card", "card": number}}
    refused = await payer.http.post(f"/payments/{paid['id']}/retry", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
    assert "Nothing was charged by this request" in refused.json()["detail"]


async def test_a_payment_that_is_retrying_cannot_be_forgotten(payer: Payer) -> None:
    """Its gateway may still be asked with what is sealed. Once it is cancelled, it can be forgotten and not retried."""
    held = await payer.payment(until="retrying", vpa="wrongpin@clearway", retries=RETRIES)
    path, why = f"/payments/{held['id']}", {"reason": "the customer asked"}
    early = await payer.http.post(f"{path}/forget", json=why)
    assert (early.status_code, early.json()["code"]) == (409, "not_forgettable")
    assert (await payer.http.post(f"{path}/cancel", json={})).status_code == 200
    assert (await payer.http.post(f"{path}/forget", json=why)).status_code == 200
    late = await payer.http.post(f"{path}/retry", json={"instrument": SUCCESS})
    assert (late.status_code, late.json()["code"]) == (409, "not_retryable")


async def test_a_quoted_payment_is_retried_at_its_own_amount(
    payer: Payer, api_simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry elsewhere is routed by what the customer pays, not by the order's currency, and charges that once."""
    order_id = await payer.order(amount=10_000, currency="USD")
    quote = (await payer.http.post("/fx/quotes", json={"order_id": order_id, "currency": "INR"})).json()
    held = await payer.payment(
        order_id, until="retrying", vpa="wrongpin@clearway", retries=RETRIES, quote_id=quote["id"]
    )
    routed: list[tuple[str, int]] = []
    usual = retrying.route  # type: ignore[attr-defined]

    async def route(services: Services, order: PayableOrder, facts: PaymentFacts, asked_id: str | None) -> Route:
        routed.append((facts.currency, facts.amount_minor))
        return await usual(services, order, facts, asked_id)

    monkeypatch.setattr(retrying, "route", route)
    answer = await payer.http.post(f"/payments/{held['id']}/retry", json={"instrument": SUCCESS})
    assert answer.status_code == 200, answer.text
    paid = await payer.payment_in(held["id"], "success")
    assert routed == [("INR", quote["presentment"]["amount"])]
    assert (paid["amount"], paid["currency"]) == (quote["presentment"]["amount"], "INR")
    assert await api_simulator.charges(held["id"]) == 1
