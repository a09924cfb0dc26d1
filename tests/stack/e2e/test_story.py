"""The main story of a merchant: every way to pay, to capture and to refund, and the webhooks of each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import Merchant, card, eventually


async def heard(site: Site, payment: dict[str, Any], *types: str) -> list[dict[str, Any]]:
    """Wait until the merchant has received these events about a payment, and return what arrived."""

    async def read() -> list[dict[str, Any]]:
        data = [(item, item["body"]["data"]) for item in await site.witnesses.collect()]
        return [item for item, about in data if payment["id"] in (about.get("id"), about.get("payment_id"))]

    return await eventually(read, lambda items: set(types) <= {item["type"] for item in items})


async def test_order_payment_refund_and_every_webhook(steady: Site) -> None:
    """Order, UPI payment, success, refund: each step shows in the API and arrives as a webhook signed both ways."""
    merchant = steady.merchant
    order_id = await merchant.order(50_000)
    answer = await merchant.post("/payments", {"order_id": order_id, "method": "upi", "vpa": "success@razorpay"})
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    payment = await merchant.until(answer.json(), "success")
    assert (payment["captured"], payment["amount_captured"]) == (True, 50_000)
    assert (await merchant.read(f"/orders/{order_id}"))["status"] == "paid"

    refund = await merchant.refund(payment)
    assert (refund["status"], refund["amount"]) == ("pending", 50_000)
    await merchant.until(refund, "processed")
    assert (await merchant.read(f"/payments/{payment['id']}"))["amount_refunded"] == 50_000

    expected = ("payment.created", "payment.success", "refund.created", "refund.processed")
    items = await heard(steady, payment, *expected)
    assert [kind for kind in await merchant.story(payment) if kind in expected] == list(expected)
    assert all(item["signature_ok"] and item["standard_ok"] for item in items)
    assert await merchant.charged(payment) == [50_000]


@pytest.mark.parametrize(
    "instrument",
    [
        card("4242424242424242"),
        {"method": "netbanking", "bank": {"code": "SUCC"}},
        {"method": "wallet", "wallet": {"code": "success"}},
    ],
    ids=lambda instrument: instrument["method"],
)
async def test_every_method_is_paid(merchant: Merchant, instrument: dict[str, Any]) -> None:
    """A card, a bank and a wallet pay as a UPI address does, and are charged once."""
    payment = await merchant.paid(12_345, **instrument)
    assert payment["method"] == instrument["method"]
    assert await merchant.charged(payment) == [12_345]


@pytest.mark.parametrize(
    ("instrument", "code"),
    [
        (card("4000000000009995"), "insufficient_funds"),
        (card("4000000000000069"), "expired_card"),
        ({"method": "upi", "vpa": "failure@razorpay"}, "payment_declined"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["method"],
)
async def test_a_decline_says_why_and_frees_the_order(merchant: Merchant, instrument: Any, code: str) -> None:
    """A declined payment carries a unified code and words for people, takes nothing, and frees its order."""
    body = await merchant.body(**instrument)
    declined = await merchant.until((await merchant.post("/payments", body)).json(), "failed")
    assert (declined["error_code"], declined["captured"]) == (code, False)
    assert declined["error_description"]
    assert await merchant.effects(declined) == []
    again = await merchant.post("/payments", {"order_id": body["order_id"], "method": "upi", "vpa": "success@razorpay"})
    assert again.status_code == 201
    await merchant.until(again.json(), "success")


@pytest.mark.parametrize(
    ("button", "status", "code"),
    [("complete", "success", None), ("fail", "failed", "authentication_failed"), ("cancel", "failed", None)],
)
async def test_three_d_secure(merchant: Merchant, button: str, status: str, code: str | None) -> None:
    """The customer is sent to a page, and its button decides: nothing is taken before."""
    payment = await merchant.until(await merchant.pay(**card("4000002500003155")), "requires_action")
    assert payment["next_action"]["type"] == "redirect"
    assert await merchant.effects(payment) == []
    await merchant.press(payment, button)
    ended = await merchant.until(payment, "success", "failed")
    assert (ended["status"], ended["next_action"]) == (status, None)
    assert code is None or ended["error_code"] == code
    assert len(await merchant.charged(payment)) == (1 if status == "success" else 0)


async def test_capture_in_parts(steady: Site) -> None:
    """An authorised payment is captured in parts up to its amount, never beyond, with an event for each capture."""
    merchant = steady.merchant
    payment = await merchant.authorized(10_000)
    path = f"/payments/{payment['id']}/capture"
    assert await merchant.charged(payment) == []
    first = (await merchant.post(path, {"amount": 4_000, "final": False}, key=f"first-{payment['id']}")).json()
    assert (first["status"], first["amount_captured"]) == ("authorized", 4_000)
    beyond = await merchant.post(path, {"amount": 6_001})
    assert (beyond.status_code, beyond.json()["code"]) == (409, "not_capturable")
    rest = (await merchant.post(path)).json()
    assert (rest["status"], rest["amount_captured"]) == ("success", 10_000)
    again = await merchant.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "not_capturable")
    assert await merchant.charged(payment) == [4_000, 6_000]
    items = await heard(steady, payment, "payment.captured", "payment.success")
    assert [item["type"] for item in items].count("payment.captured") >= 2


async def test_cancel_releases_what_is_held(merchant: Merchant) -> None:
    """A cancelled authorisation takes nothing, releases the customer's money and frees the order."""
    payment = await merchant.authorized()
    answer = await merchant.post(f"/payments/{payment['id']}/cancel", {"reason": "out of stock"})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert [effect["type"] for effect in await merchant.effects(payment)] == ["authorised", "voided"]
    refused = await merchant.post(f"/payments/{payment['id']}/capture")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_capturable")


async def test_cancel_after_a_partial_capture_keeps_what_was_taken(merchant: Merchant) -> None:
    """What was captured stays a success, and the rest is released."""
    payment = await merchant.authorized(10_000)
    await merchant.post(f"/payments/{payment['id']}/capture", {"amount": 2_500, "final": False})
    answer = await merchant.post(f"/payments/{payment['id']}/cancel")
    assert (answer.json()["status"], answer.json()["amount_captured"]) == ("success", 2_500)


async def test_partial_refunds_end_at_what_was_captured(merchant: Merchant) -> None:
    """Refunds may be many and partial; the one that would give back too much is refused and changes nothing."""
    payment = await merchant.paid(10_000)
    for amount in (3_000, 6_000):
        await merchant.until(await merchant.refund(payment, amount), "processed")
    beyond = await merchant.post(f"/payments/{payment['id']}/refunds", {"amount": 1_001})
    assert (beyond.status_code, beyond.json()["code"]) == (409, "amount_not_refundable")
    await merchant.until(await merchant.refund(payment), "processed")
    assert [effect["amount"] for effect in await merchant.effects(payment, "refunded")] == [3_000, 6_000, 1_000]


async def test_a_refund_that_the_bank_refuses_gives_the_money_back_to_the_merchant(merchant: Merchant) -> None:
    """A failed refund says why, and its amount can be refunded again."""
    payment = await merchant.paid(vpa="refundfails@clearway")
    failed = await merchant.until(await merchant.refund(payment), "failed")
    assert failed["error_code"] == "refund_failed"
    assert (await merchant.read(f"/payments/{payment['id']}"))["amount_refunded"] == 0


@pytest.mark.parametrize("vpa", ["dropped@clearway", "error500@clearway", "malformed@clearway", "nowebhook@clearway"])
async def test_a_gateway_that_does_not_answer_charges_once(merchant: Merchant, vpa: str) -> None:
    """When the gateway charged and did not say so, Clearway asks and finds the one charge."""
    payment = await merchant.paid(vpa=vpa)
    assert len(await merchant.charged(payment)) == 1


async def test_the_public_side_pays_and_shows_no_more_than_a_checkout_needs(merchant: Merchant) -> None:
    """Without a key a customer sees the order, pays it and follows the payment, and learns nothing else of it."""
    order_id = await merchant.order(7_000)
    customer = merchant.gateway
    base = str(merchant.http.base_url).rstrip("/")
    shown = (await customer.get(f"{base}/orders/{order_id}/public")).json()
    assert (shown["amount"], shown["currency"]) == (7_000, "INR")
    body = {"order_id": order_id, "method": "upi", "vpa": "success@razorpay"}
    answer = await customer.post(f"{base}/payments/public", json=body)
    assert answer.status_code == 201, answer.text
    payment_id = answer.json()["id"]
    await merchant.until(payment_id, "success")
    seen = (await customer.get(f"{base}/payments/{payment_id}/public")).json()
    assert seen["status"] == "success"
    assert not {"customer", "notes", "gateway", "vpa"} & set(seen)
    assert (await customer.get(f"{base}/payments/{payment_id}")).status_code == 401
