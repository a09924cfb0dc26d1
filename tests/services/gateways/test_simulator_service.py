"""The simulator's own HTTP API: tokens and privacy, the customer's pages, totals, and errors that say what is wrong."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from time_machine import Traveller

from clearway.gateways.contract import OutcomeKind
from clearway.simulator.cards import brand_of, check
from tests.services.gateways.asking import MANUAL, card_order, follow_up, order, wake
from tests.services.gateways.running import LONG_S, Simulator
from tests.support.receiver import Receiver

PAYMENT: dict[str, Any] = {
    "merchant_reference": "pay_1",
    "amount": 1_000,
    "currency": "INR",
    "method": "upi",
    "instrument": "success@razorpay",
}


async def test_health(simulator: Simulator) -> None:
    """Health answers, with the amount of work that is left."""
    assert (await simulator.http.get("/health")).json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/none", "/docs", "/3ds/none", "/v1/payments/none"])
async def test_every_answer_has_the_security_headers(simulator: Simulator, path: str) -> None:
    """Data and errors of the simulator are not sniffed, framed or cached, and load nothing from elsewhere."""
    headers = (await simulator.http.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_any_origin_may_tokenise_and_nothing_else(simulator: Simulator) -> None:
    """A browser on a shop's page can exchange a card for a token; other paths are not opened to it."""
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    tokens = await simulator.http.options("/v1/tokens", headers=preflight)
    assert tokens.headers["access-control-allow-origin"] == "*"
    payments = await simulator.http.options("/v1/payments", headers=preflight)
    assert "access-control-allow-origin" not in payments.headers


CARD: dict[str, Any] = {"number": "4242424242424242", "exp_month": 1, "exp_year": 2040, "cvc": "737"}


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        (CARD | {"exp_month": "soon"}, "exp_month"),
        (CARD | {"number": "4242424242424242" * 3}, "number"),
        (CARD | {"cvc": "7377377377"}, "cvc"),
        (CARD | {"4242424242424242": 1}, "body"),
        ({name: value for name, value in CARD.items() if name != "exp_year"}, "exp_year"),
        ([CARD], "body"),
    ],
)
async def test_an_invalid_token_request_is_not_echoed(simulator: Simulator, wrong: Any, param: str) -> None:
    """The refusal of a malformed request says which field is wrong and repeats none of the card."""
    answer = await simulator.http.post("/v1/tokens", json=wrong)
    assert answer.status_code == 400
    assert answer.json()["error"]["problems"][0]["param"] == param
    assert "4242424242424242" not in answer.text
    assert "737" not in answer.text


async def test_a_token_shows_brand_and_last_digits(simulator: Simulator) -> None:
    """A token has the parts of a card that are printed on receipts; spaces and a two-digit year are understood."""
    body = {"number": "3782 822463 10005", "exp_month": 7, "exp_year": 39, "cvc": "1234"}
    answer = (await simulator.http.post("/v1/tokens", json=body)).json()
    assert answer["card"] == {"brand": "amex", "last4": "0005", "exp_month": 7, "exp_year": 2039}


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("2223003122003222", "mastercard"),
        ("5555555555554444", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3056930009020004", "diners"),
        ("3566002020360505", "jcb"),
        ("6200000000000005", "unionpay"),
        ("6070000000000000", "rupay"),
        ("9000000000000000", "unknown"),
    ],
)
def test_brand(number: str, brand: str) -> None:
    """The brand follows from the leading digits."""
    assert brand_of(number) == brand


def test_a_card_is_good_through_its_month() -> None:
    """A card expires after the last day of its month, not before."""
    number, day = "4242424242424242", dt.date(2026, 6, 30)
    assert not isinstance(check(number, 6, 2026, "123", today=day), str)
    assert check(number, 5, 2026, "123", today=day) == "invalid_expiry_year"


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "1000"},
        {"amount": 10.5},
        {"amount": True},
        {"amount": 0},
        {"amount": -1},
        {"currency": "rupees"},
        {"method": "cash"},
        {"return_url": "javascript:alert(1)"},
        {"colour": "red"},
    ],
)
async def test_malformed_payments_are_refused(simulator: Simulator, wrong: dict[str, Any]) -> None:
    """A malformed payment is 400, names the field, and leaves no operation behind."""
    answer = await simulator.http.post("/v1/payments", json=PAYMENT | wrong, headers={"idempotency-key": "malformed"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert (await simulator.http.get("/v1/operations/malformed")).status_code == 404


async def test_a_key_is_required(simulator: Simulator) -> None:
    """No payment without an idempotency key."""
    assert (await simulator.http.post("/v1/payments", json=PAYMENT)).status_code == 400


async def test_replay_is_byte_equal_and_marked(simulator: Simulator) -> None:
    """The same key and body get the same bytes again, marked as replayed, also for a refusal; another body gets 409."""
    for instrument, status in (("success@razorpay", 201), ("failure@razorpay", 402)):
        body, headers = PAYMENT | {"instrument": instrument}, {"idempotency-key": f"replay {instrument}"}
        first, second = [await simulator.http.post("/v1/payments", json=body, headers=headers) for _ in range(2)]
        assert (first.status_code, first.content) == (status, second.content)
        assert second.status_code == status
        assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (None, "true")
        other = await simulator.http.post("/v1/payments", json=body | {"amount": 1}, headers=headers)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")


async def test_payment_totals_and_balance(simulator: Simulator) -> None:
    """The payment's totals agree with the journal's balance, after captures, voids and refunds."""
    asked = await card_order(simulator.gateway, "4242424242424242", capture_method=MANUAL)
    paid = await simulator.gateway.authorise(asked)
    await simulator.gateway.capture(follow_up(asked, paid, "capture", 700))
    await simulator.gateway.void(follow_up(asked, paid, "void", 300))
    await simulator.gateway.refund(follow_up(asked, paid, "refund", 250))
    payment = (await simulator.http.get(f"/v1/payments/{paid.reference}")).json()
    totals = {name: payment[f"amount_{name}"] for name in ("authorised", "captured", "voided", "refunded")}
    assert totals == {"authorised": 1_000, "captured": 700, "voided": 300, "refunded": 250}
    balance = (await simulator.http.get("/journal", params={"payment_id": asked.payment_id})).json()["balance"]
    assert balance["INR"] == {**totals, "refund_reversed": 0, "held": 0, "net": 450}


@pytest.mark.parametrize(
    ("number", "page", "button", "code"),
    [
        ("4000000000003220", "3ds", "complete", None),
        ("4000000000003220", "3ds", "fail", "authentication_failed"),
        ("4000000000003220", "3ds", "cancel", "customer_cancelled"),
        ("4000008400001629", "3ds", "complete", "card_declined"),
        ("approve@clearway", "upi", "complete", None),
        ("approve@clearway", "upi", "fail", "payment_declined"),
        ("approve@clearway", "upi", "cancel", "customer_cancelled"),
        ("PAGE", "bank", "fail", "payment_declined"),
    ],
)
async def test_page_buttons(  # noqa: PLR0917 - the columns of a table
    simulator: Simulator, receiver: Receiver, number: str, page: str, button: str, code: str | None
) -> None:
    """Each button of a page decides the payment, sends the customer back, sends a webhook, and works once."""
    return_url = {"return_url": "https://shop.example/back?order=1"}
    if number.isdigit():
        asked = await card_order(simulator.gateway, number, **return_url)
    else:
        asked = order(number, "upi" if "@" in number else "netbanking", **return_url)
    waiting = await simulator.gateway.authorise(asked)
    assert f"/{page}/" in (waiting.action.url or "")
    shown = await simulator.http.get(waiting.action.url)
    assert (shown.status_code, shown.text.count("<button")) == (200, 3)
    assert "INR 10.00" in shown.text
    pressed = await simulator.http.post(f"{waiting.action.url}/{button}")
    assert (pressed.status_code, pressed.headers["location"]) == (303, return_url["return_url"])
    ended = await simulator.gateway.recover(asked)
    assert (ended.kind, ended.error_code) == (OutcomeKind.DECLINED if code else OutcomeKind.APPROVED, code)
    assert await simulator.charges(asked.payment_id) == (0 if code else 1)
    assert len(await receiver.wait_for(1, asked.key)) == 1
    for again in (simulator.http.post(f"{waiting.action.url}/complete"), simulator.http.get(waiting.action.url)):
        done = await again
        assert done.status_code == 200
        assert "This payment is done" in done.text
        assert f'href="{return_url["return_url"]}"' in done.text


async def test_page_of_a_payment_in_time(waiting_simulator: Simulator, receiver: Receiver, clock: Traveller) -> None:
    """With processing time a completed challenge is pending first, and decided after it."""
    asked = order("approve@clearway")
    waiting = await waiting_simulator.gateway.authorise(asked)
    await waiting_simulator.http.post(f"{waiting.action.url}/complete")
    assert (await waiting_simulator.gateway.recover(asked)).kind is OutcomeKind.PENDING
    clock.shift(LONG_S)
    await wake(waiting_simulator.gateway)
    [delivery] = await receiver.wait_for(1, asked.key)
    assert delivery.event["type"] == "payment.captured"


async def test_a_page_escapes_what_it_shows(simulator: Simulator) -> None:
    """A payment id with markup in it is shown as text, under a policy that runs no script."""
    asked = order("approve@clearway", payment_id="<script>alert(1)</script>")
    waiting = await simulator.gateway.authorise(asked)
    shown = await simulator.http.get(waiting.action.url)
    assert "<script>" not in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]


async def test_only_its_own_page_is_shown(simulator: Simulator) -> None:
    """A payment has no page of another kind, and one without a challenge has none."""
    plain = await simulator.gateway.authorise(order("success@razorpay"))
    waiting = await simulator.gateway.authorise(order("approve@clearway"))
    for path in (f"/3ds/{plain.reference}", f"/3ds/{waiting.reference}", "/upi/nothing"):
        assert (await simulator.http.get(path)).status_code == 404
