"""Payments by gateways that a document describes, from the page to the money: the whole stack, with their stand-ins.

Telcell and Idram report with a checksum and cannot be asked. FastShift reports without proof and is asked. The banks
report nothing: the customer comes back, and the bank is asked. What really moved is what the gateway's journal says.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from clearway.gateways.custom.identifiers import derived
from clearway.gateways.custom.language.document import Identifier
from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import eventually
from tests.stack.e2e.regional import (
    RegionalShop,
    connected,
    document_of,
    idram_confirmation,
    telcell_report,
)

BANKS = ("ameriabank", "arca")


async def reviews_of(shop: RegionalShop, payment: dict[str, Any]) -> list[str]:
    """Return the kinds of the contradictions of which the merchant received an event."""
    listed = (await shop.merchant.read("/events?limit=100"))["data"]
    told = [event["data"] for event in listed if event["type"] == "payment.contradicted"]
    return [data["kind"] for data in told if data["payment_id"] == payment["id"]]


@pytest.mark.parametrize("gateway", ["telcell", "idram", "fastshift", *BANKS])
async def test_a_customer_pays(steady: Site, gateway: str) -> None:
    """The customer pays on the gateway's page; the payment is a success, and the money is taken once."""
    shop = await connected(steady, gateway)
    payment = await shop.pay(190_000)
    assert await shop.merchant.effects(payment) == []
    answer = await shop.visit(payment)
    if gateway in BANKS:
        await shop.come_back(answer)
    paid = await shop.merchant.until(payment, "success")
    assert (paid["gateway"], paid["gateway_id"], paid["amount"]) == ("custom", shop.gateway_id, 190_000)
    assert await shop.merchant.charged(payment) == [190_000]


@pytest.mark.parametrize(
    ("gateway", "button", "code"),
    [
        ("telcell", "decline", "payment_declined"),
        ("fastshift", "decline", "payment_declined"),
        ("ameriabank", "empty", "insufficient_funds"),
        ("arca", "empty", "insufficient_funds"),
    ],
)
async def test_a_decline(steady: Site, gateway: str, button: str, code: str) -> None:
    """A declined payment fails with a unified code, and nothing is taken."""
    shop = await connected(steady, gateway)
    payment = await shop.pay(190_000)
    answer = await shop.visit(payment, button)
    if gateway in BANKS:
        await shop.come_back(answer)
    failed = await shop.merchant.until(payment, "failed")
    assert failed["error_code"] == code
    assert await shop.merchant.effects(payment) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_telcell_reports_by_either_method(steady: Site, method: str) -> None:
    """The report is taken by GET with a plain id, and by POST with one in base64."""
    shop = await connected(steady, "telcell", callback_method=method, plain_ids=method == "GET")
    payment = await shop.pay(190_000)
    await shop.visit(payment)
    await shop.merchant.until(payment, "success")


async def test_a_wrong_checksum_changes_nothing(steady: Site) -> None:
    """A report of Telcell or Idram whose checksum is not its own is refused, and the payment waits on."""
    telcell, idram = await connected(steady, "telcell"), await connected(steady, "idram")
    first, second = await telcell.pay(190_000), await idram.pay(190_000)
    rejected = telcell_report(telcell, f"{first['id']}:authorise:1", sum="1900", time="T", status="REJECTED")
    confirmed = idram_confirmation(idram, (await idram.form(second))["EDP_BILL_NO"], "1900.00")
    for shop, report in ((telcell, rejected | {"status": "PAID"}), (idram, confirmed | {"EDP_AMOUNT": "1900"})):
        answer = await shop.merchant.http.post(shop.webhook, data=report)
        assert answer.status_code == 401, answer.text
    for shop, payment in ((telcell, first), (idram, second)):
        assert (await shop.merchant.read(f"/payments/{payment['id']}"))["status"] == "requires_action"
        assert (await shop.merchant.post(f"/payments/{payment['id']}/cancel", {})).status_code == 200


async def test_a_right_checksum_over_another_amount_is_reviewed(steady: Site) -> None:
    """A signed report of another amount than was asked for never becomes a success: a person decides."""
    shop = await connected(steady, "telcell")
    payment = await shop.pay(190_000)
    await shop.merchant.faults(
        {"operation": "authorise", "fault": "wrong_amount", "match": {"payment_id": payment["id"]}}
    )
    await shop.visit(payment)
    await shop.merchant.until(payment, "needs_review")
    assert await shop.merchant.charged(payment) == [189_999]


@pytest.mark.parametrize("gateway", ["telcell", "idram", "fastshift"])
async def test_a_gateway_without_refunds_is_sent_none(steady: Site, gateway: str) -> None:
    """A refund at a gateway that takes none by API is refused with what to do, and reserves nothing."""
    shop = await connected(steady, gateway)
    payment = await shop.pay(190_000)
    await shop.visit(payment)
    await shop.merchant.until(payment, "success")
    refused = await shop.merchant.post(f"/payments/{payment['id']}/refunds", {})
    assert (refused.status_code, refused.json()["code"]) == (422, "refund_not_supported")
    assert (await shop.merchant.read(f"/payments/{payment['id']}"))["amount_refunded"] == 0


@pytest.mark.parametrize("gateway", BANKS)
async def test_a_bank_captures_a_hold_once(steady: Site, gateway: str) -> None:
    """A bank that confirms a hold once takes no capture that leaves the rest open: the rest would be lost."""
    shop = await connected(steady, gateway, **({"two_stage": True} if gateway == "ameriabank" else {}))
    payment = await shop.pay(190_000, capture_method="manual")
    await shop.come_back(await shop.visit(payment))
    await shop.merchant.until(payment, "authorized")
    path = f"/payments/{payment['id']}/capture"
    refused = await shop.merchant.post(path, {"amount": 50_000, "final": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "capture_not_supported")
    assert (await shop.merchant.post(path, {"amount": 50_000})).status_code == 200
    await shop.merchant.until(payment, "success")


@pytest.mark.parametrize("gateway", ["telcell", "idram", "fastshift"])
async def test_a_repeated_report_changes_nothing(steady: Site, gateway: str) -> None:
    """A report that comes twice is answered twice, and the payment is taken once."""
    shop = await connected(steady, gateway)
    payment = await shop.pay(190_000)
    await shop.merchant.faults(
        {"operation": "webhook", "fault": "duplicate_webhook", "match": {"payment_id": payment["id"]}}
    )
    await shop.visit(payment)
    before = await shop.merchant.until(payment, "success")
    await eventually(
        lambda: shop.merchant.gateway.get("/health"), lambda answer: answer.json()["undelivered_webhooks"] == 0
    )
    assert await shop.merchant.read(f"/payments/{payment['id']}") == before
    assert await shop.merchant.charged(payment) == [190_000]
    assert await reviews_of(shop, payment) == []


async def test_an_invoice_that_outlives_the_payment(steady: Site) -> None:
    """A customer who pays a cancelled payment's invoice opens a review; the merchant receives an event of it."""
    shop = await connected(steady, "telcell")
    payment = await shop.pay(190_000)
    page = await shop.open(payment)
    assert (await shop.merchant.post(f"/payments/{payment['id']}/cancel", {})).status_code == 200
    await shop.merchant.until(payment, "cancelled")
    await shop.press(page, "pay")
    await shop.event(payment, "contradicts")
    assert await reviews_of(shop, payment) == ["taken_after_end"]
    assert (await shop.merchant.read(f"/payments/{payment['id']}"))["status"] == "cancelled"
    assert await shop.merchant.charged(payment) == [190_000]


async def test_a_late_payment_that_only_a_hint_reports(steady: Site) -> None:
    """After an unsigned webhook about an ended payment the gateway is asked, and what it took opens a review."""
    document = document_of("fastshift")
    document["abilities"]["cancel"] = "forget"
    shop = await connected(steady, "fastshift", document)
    payment = await shop.pay(190_000)
    page = await shop.open(payment)
    assert (await shop.merchant.post(f"/payments/{payment['id']}/cancel", {})).status_code == 200
    await shop.merchant.until(payment, "cancelled")
    await shop.press(page, "pay")
    await shop.event(payment, "contradicts")
    assert await reviews_of(shop, payment) == ["taken_after_end"]


async def test_idram_is_refused_at_the_precheck(steady: Site) -> None:
    """A payment that was called off is refused before the money moves, and the customer is sent away."""
    shop = await connected(steady, "idram")
    payment = await shop.pay(190_000)
    page = await shop.open(payment)
    assert (await shop.merchant.post(f"/payments/{payment['id']}/cancel", {})).status_code == 200
    await shop.merchant.until(payment, "cancelled")
    await shop.press(page, "pay")
    assert await shop.merchant.effects(payment) == []


async def test_idram_is_refused_another_amount(steady: Site) -> None:
    """A form whose amount the customer changed is refused at the precheck; the right one can be paid, and once only."""
    shop = await connected(steady, "idram")
    payment = await shop.pay(190_000)
    first, second = [await shop.open(payment) for _ in range(2)]
    await shop.press(await shop.open(payment, EDP_AMOUNT="1.00"), "pay")
    assert await shop.merchant.effects(payment) == []
    await shop.press(first, "pay")
    await shop.merchant.until(payment, "success")
    await shop.press(second, "pay")
    assert await shop.merchant.charged(payment) == [190_000]


async def test_a_false_webhook_leads_to_a_question(steady: Site) -> None:
    """Anybody may send that an order is completed: FastShift is asked, and the payment waits on."""
    shop = await connected(steady, "fastshift")
    payment = await shop.pay(190_000)
    number = derived(Identifier(form="uuid5"), f"{payment['id']}:authorise:1")
    answer: httpx.Response = await shop.merchant.http.post(
        shop.webhook, json={"status": "completed", "order_number": number}
    )
    assert answer.status_code == 200, answer.text
    await shop.event(payment, "signalled")
    assert (await shop.merchant.read(f"/payments/{payment['id']}"))["status"] == "requires_action"
    await shop.visit(payment, "decline")
    await shop.merchant.until(payment, "failed")


@pytest.mark.parametrize("gateway", BANKS)
async def test_a_hold_is_captured_and_a_part_refunded(steady: Site, gateway: str) -> None:
    """The bank reserves, Clearway confirms a part, and gives a part of that back."""
    shop = await connected(steady, gateway, **({"two_stage": True} if gateway == "ameriabank" else {}))
    payment = await shop.pay(190_000, capture_method="manual")
    await shop.come_back(await shop.visit(payment))
    merchant = shop.merchant
    await merchant.until(payment, "authorized")
    captured = await merchant.post(f"/payments/{payment['id']}/capture", {"amount": 150_000})
    assert captured.status_code == 200, captured.text
    await merchant.until(payment, "success")
    await merchant.until(await merchant.refund(payment, 50_000), "processed")
    moved = [(effect["type"], effect["amount"]) for effect in await merchant.effects(payment)]
    assert moved == [("authorised", 190_000), ("captured", 150_000), ("voided", 40_000), ("refunded", 50_000)]


@pytest.mark.parametrize("gateway", BANKS)
async def test_a_hold_is_released(steady: Site, gateway: str) -> None:
    """A cancelled hold is released at the bank."""
    shop = await connected(steady, gateway, **({"two_stage": True} if gateway == "ameriabank" else {}))
    payment = await shop.pay(190_000, capture_method="manual")
    await shop.come_back(await shop.visit(payment))
    await shop.merchant.until(payment, "authorized")
    assert (await shop.merchant.post(f"/payments/{payment['id']}/cancel", {})).status_code == 200
    await shop.merchant.until(payment, "cancelled")
    assert [effect["type"] for effect in await shop.merchant.effects(payment)] == ["authorised", "voided"]


@pytest.mark.parametrize("gateway", BANKS)
async def test_a_refund_whose_answer_is_lost_is_made_once(steady: Site, gateway: str) -> None:
    """The bank does not know a repeat: the refunded amount is compared before anything is sent again."""
    shop = await connected(steady, gateway)
    payment = await shop.pay(190_000)
    await shop.come_back(await shop.visit(payment))
    merchant = shop.merchant
    await merchant.until(payment, "success")
    await merchant.faults(
        {"operation": "refund", "fault": "error_after_charge", "times": 1, "match": {"payment_id": payment["id"]}}
    )
    await merchant.until(await merchant.refund(payment), "processed", limit_s=120)
    assert [effect["amount"] for effect in await merchant.effects(payment, "refunded")] == [190_000]


@pytest.mark.parametrize("gateway", BANKS)
async def test_parts_are_refunded_one_after_the_other(steady: Site, gateway: str) -> None:
    """Two equal parts at once, the answer of one lost after it was made: each is given back once, nobody is asked."""
    shop = await connected(steady, gateway)
    payment = await shop.pay(190_000)
    await shop.come_back(await shop.visit(payment))
    merchant = shop.merchant
    await merchant.until(payment, "success")
    await merchant.until(await merchant.refund(payment, 40_000), "processed")
    await merchant.faults(
        {"operation": "refund", "fault": "error_after_charge", "times": 1, "match": {"payment_id": payment["id"]}}
    )
    parts = await asyncio.gather(*(merchant.refund(payment, 30_000) for _ in range(2)))
    for part in parts:
        await merchant.until(part, "processed", limit_s=120)
    assert [effect["amount"] for effect in await merchant.effects(payment, "refunded")] == [40_000, 30_000, 30_000]


async def test_a_page_that_is_left_open_cannot_be_called_off(steady: Site) -> None:
    """While the bank's page is open the payment cannot be cancelled: a customer could still pay it."""
    shop = await connected(steady, "arca")
    payment = await shop.pay(190_000)
    page = await shop.open(payment)
    refused = await shop.merchant.post(f"/payments/{payment['id']}/cancel", {})
    assert refused.status_code == 409, refused.text
    await shop.come_back(await shop.press(page, "pay"))
    await shop.merchant.until(payment, "success")
