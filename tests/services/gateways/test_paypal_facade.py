"""The stand-in of PayPal: orders, approval, captures, authorizations, refunds, and what each refuses."""

from __future__ import annotations

from typing import Any

import pytest
from time_machine import Traveller

from tests.services.gateways.paypal_account import Account, issue, new_order, only
from tests.services.gateways.running import LONG_S, running_simulator
from tests.support.paypal_shapes import assert_is


async def test_an_order_waits_for_its_payer_and_is_captured(paypal: Account) -> None:
    """Nothing moves until the payer has approved and the order is captured; the payer comes back with the token."""
    asked = new_order()
    assert_is("orders", "order_request", asked)
    order = await paypal.order()
    assert order["status"] == "PAYER_ACTION_REQUIRED"
    path = f"/v2/checkout/orders/{order['id']}"
    assert issue(await paypal.send("POST", f"{path}/capture", {}, key="early")) == (422, "ORDER_NOT_APPROVED")
    back = await paypal.click(order)
    assert (back.status_code, back.headers["location"].split("&")[0]) == (
        303,
        f"https://shop.example/back?token={order['id']}",
    )
    approved = await paypal.read(order)
    assert approved["status"] == "APPROVED"
    assert "capture" in {link["rel"] for link in approved["links"]}
    assert await paypal.effects(order) == []
    paid = (await paypal.send("POST", f"{path}/capture", {}, key="pay")).json()
    assert (paid["status"], only(paid, "captures")["status"]) == ("COMPLETED", "COMPLETED")
    assert await paypal.effects(order) == [("authorised", 1_000), ("captured", 1_000)]
    assert issue(await paypal.send("POST", f"{path}/capture", {}, key="again")) == (422, "ORDER_ALREADY_CAPTURED")


async def test_a_payer_who_cancels_leaves_the_order_as_it_is(paypal: Account) -> None:
    """Cancelling only sends the payer back: they may still approve, and an approved order has no page."""
    order = await paypal.order()
    back = await paypal.click(order, "cancel")
    assert back.headers["location"] == f"https://shop.example/cancel?token={order['id']}"
    assert (await paypal.read(order))["status"] == "PAYER_ACTION_REQUIRED"
    assert (await paypal.click(order)).status_code == 303
    assert (await paypal.simulator.http.post(f"/paypal/checkoutnow/{order['id']}/approve/balance")).status_code == 200


@pytest.mark.parametrize(("button", "wanted"), [("declined", "INSTRUMENT_DECLINED"), ("empty", "PAYER_CANNOT_PAY")])
async def test_a_decline_leaves_the_order_open(paypal: Account, button: str, wanted: str) -> None:
    """A declined source has its issue in the answer, and the payer may choose another one on the same page."""
    order = await paypal.approved(button=f"approve/{button}")
    path = f"/v2/checkout/orders/{order['id']}/capture"
    assert issue(await paypal.send("POST", path, {}, key="pay")) == (422, wanted)
    again = await paypal.read(order)
    assert again["status"] == "PAYER_ACTION_REQUIRED"
    assert "payments" not in again["purchase_units"][0]
    await paypal.click(again)
    assert (await paypal.send("POST", path, {}, key="pay")).status_code == 201
    assert await paypal.effects(order) == [("authorised", 1_000), ("captured", 1_000)]


@pytest.mark.parametrize(("button", "ends"), [("review", "COMPLETED"), ("review-declined", "DECLINED")])
async def test_a_payment_may_be_reviewed(paypal: Account, button: str, ends: str) -> None:
    """The order is COMPLETED at once, and its capture is PENDING until PayPal has decided."""
    order = await paypal.paid(button=f"approve/{button}")
    capture = only(order, "captures")
    assert (order["status"], capture["status"]) == ("COMPLETED", "PENDING")
    refused = await paypal.send("POST", f"/v2/payments/captures/{capture['id']}/refund", {}, key="soon")
    assert issue(refused) == (422, "PENDING_CAPTURE")
    assert await _ended(paypal, capture["id"]) == ends


async def test_an_authorization_is_captured_in_parts(paypal: Account) -> None:
    """Captures may follow one another until the final one, with which what is left is released."""
    order = await paypal.paid("AUTHORIZE")
    authorization = only(order, "authorizations")
    path = f"/v2/payments/authorizations/{authorization['id']}"
    assert (authorization["status"], await paypal.effects(order)) == ("CREATED", [("authorised", 1_000)])
    part = {"amount": {"currency_code": "USD", "value": "3.00"}, "invoice_id": "part-1"}
    assert_is("payments", "capture_request", part)
    first = await paypal.send("POST", f"{path}/capture", part, key="part-1")
    assert (first.json()["status"], first.json()["amount"]["value"]) == ("COMPLETED", "3.00")
    assert (await paypal.send("GET", path)).json()["status"] == "PARTIALLY_CAPTURED"
    too_much = {"amount": {"currency_code": "USD", "value": "7.01"}}
    assert issue(await paypal.send("POST", f"{path}/capture", too_much)) == (422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
    last = {"amount": {"currency_code": "USD", "value": "2.00"}, "invoice_id": "part-2", "final_capture": True}
    assert (await paypal.send("POST", f"{path}/capture", last, key="part-2")).json()["final_capture"]
    assert (await paypal.send("GET", path)).json()["status"] == "CAPTURED"
    assert issue(await paypal.send("POST", f"{path}/capture", part)) == (422, "AUTHORIZATION_ALREADY_CAPTURED")
    assert issue(await paypal.send("POST", f"{path}/void")) == (422, "PREVIOUSLY_CAPTURED")
    moved = [("captured", 300), ("captured", 200), ("voided", 500)]
    assert await paypal.effects(order) == [("authorised", 1_000), *moved]
    assert len((await paypal.read(order))["purchase_units"][0]["payments"]["captures"]) == 2


async def test_an_authorization_is_voided_once(paypal: Account) -> None:
    """A void releases everything; its answer is empty by default, and a second void is refused as already done."""
    order = await paypal.paid("AUTHORIZE")
    path = f"/v2/payments/authorizations/{only(order, 'authorizations')['id']}"
    assert (await paypal.send("POST", f"{path}/void", whole=False)).status_code == 204
    assert (await paypal.send("GET", path)).json()["status"] == "VOIDED"
    assert issue(await paypal.send("POST", f"{path}/void")) == (422, "PREVIOUSLY_VOIDED")
    assert issue(await paypal.send("POST", f"{path}/capture", {})) == (422, "AUTHORIZATION_VOIDED")
    assert issue(await paypal.send("POST", f"{path}/reauthorize", {})) == (422, "AUTHORIZATION_VOIDED")
    assert await paypal.effects(order) == [("authorised", 1_000), ("voided", 1_000)]


async def test_an_authorization_is_reauthorized_after_its_honor_period(tmp_path, clock: Traveller) -> None:
    """Within the honor period it is refused; then there is a second authorization, which cannot be voided."""
    state = tmp_path / "sim.sqlite3"
    async with running_simulator(state, simulator_paypal_honor_period_s=LONG_S) as simulator:
        paypal = Account(simulator, "reauthorize")
        order = await paypal.paid("AUTHORIZE")
        path = f"/v2/payments/authorizations/{only(order, 'authorizations')['id']}"
        refused = await paypal.send("POST", f"{path}/reauthorize", {}, key="early")
        assert issue(refused) == (422, "REAUTHORIZATION_NOT_SUPPORTED")
        clock.shift(LONG_S)
        again = await paypal.send("POST", f"{path}/reauthorize", {}, key="later")
        assert again.status_code == 201
        second = again.json()
        void = await paypal.send("POST", f"/v2/payments/authorizations/{second['id']}/void")
        assert issue(void) == (422, "CANNOT_BE_VOIDED")
        captured = await paypal.send("POST", f"/v2/payments/authorizations/{second['id']}/capture", {}, key="c")
        assert captured.json()["status"] == "COMPLETED"


async def test_refunds_are_of_a_capture(paypal: Account) -> None:
    """A capture is refunded in parts until nothing is left, and shows it in its status and in the order."""
    order = await paypal.paid()
    capture = only(order, "captures")["id"]
    path = f"/v2/payments/captures/{capture}/refund"
    part = {"amount": {"currency_code": "USD", "value": "4.00"}, "invoice_id": "r-1", "custom_id": "ref_1"}
    assert_is("payments", "refund_request", part)
    first = (await paypal.send("POST", path, part, key="r-1")).json()
    assert (first["status"], first["amount"]["value"], first["invoice_id"]) == ("COMPLETED", "4.00", "r-1")
    assert (await paypal.send("GET", f"/v2/payments/captures/{capture}")).json()["status"] == "PARTIALLY_REFUNDED"
    too_much = {"amount": {"currency_code": "USD", "value": "6.01"}}
    assert issue(await paypal.send("POST", path, too_much)) == (422, "REFUND_AMOUNT_EXCEEDED")
    assert (await paypal.send("POST", path, {}, key="r-2")).json()["amount"]["value"] == "6.00"
    assert issue(await paypal.send("POST", path, {})) == (422, "CAPTURE_FULLY_REFUNDED")
    assert only(await paypal.read(order), "captures")["status"] == "REFUNDED"
    assert (await paypal.effects(order))[2:] == [("refunded", 400), ("refunded", 600)]
    shown = await paypal.send("GET", f"/v2/payments/refunds/{first['id']}")
    assert shown.json() == first


async def test_a_refund_may_fail(paypal: Account) -> None:
    """A refund that the payer's account does not take is FAILED, and moves nothing."""
    order = await paypal.paid(button="approve/refund-fails")
    path = f"/v2/payments/captures/{only(order, 'captures')['id']}/refund"
    assert (await paypal.send("POST", path, {}, key="r")).json()["status"] == "FAILED"
    assert "refunded" not in dict(await paypal.effects(order))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"value": "10.001"}, (422, "DECIMAL_PRECISION")),
        ({"value": "10.5", "currency": "JPY"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"value": "10.5", "currency": "HUF"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"value": "10.000", "currency": "KWD"}, (400, "INVALID_CURRENCY_CODE")),
        ({"value": "0.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"value": "1e3"}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"value": 10}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"custom_id": "x" * 128}, (400, "INVALID_STRING_LENGTH")),
        ({"surprise": True}, (400, "INVALID_PARAMETER_VALUE")),
    ],
)
async def test_orders_that_cannot_be(paypal: Account, change: dict[str, Any], wanted: tuple[int, str]) -> None:
    """An amount is a decimal text that its currency can have, and no field is accepted and then ignored."""
    asked = new_order(**change)
    assert issue(await paypal.send("POST", "/v2/checkout/orders", asked, key="k")) == wanted


@pytest.mark.parametrize(("currency", "value", "minor"), [("JPY", "1000", 1_000), ("HUF", "1000", 100_000)])
async def test_currencies_without_decimals(paypal: Account, currency: str, value: str, minor: int) -> None:
    """Whole amounts are written without a point, and the journal counts ISO minor units."""
    order = await paypal.paid(value=value, currency=currency)
    assert only(order, "captures")["amount"] == {"currency_code": currency, "value": value}
    assert (await paypal.effects(order))[0] == ("authorised", minor)


async def test_issues_by_a_header(paypal: Account) -> None:
    """PayPal-Mock-Response has a request refused with the issue it names, and nothing is done."""
    order = await paypal.approved()
    path = f"/v2/checkout/orders/{order['id']}/capture"
    mock = '{"mock_application_codes": "PAYEE_ACCOUNT_RESTRICTED"}'
    refused = await paypal.send("POST", path, {}, key="pay", paypal_mock_response=mock)
    assert issue(refused) == (422, "PAYEE_ACCOUNT_RESTRICTED")
    assert (await paypal.send("POST", path, {}, key="pay")).status_code == 201


async def test_answers_are_minimal_unless_asked(paypal: Account) -> None:
    """Without `Prefer: return=representation` an answer lacks the ids of captures and the amounts."""
    order = await paypal.approved()
    answer = await paypal.send("POST", f"/v2/checkout/orders/{order['id']}/capture", {}, key="pay", whole=False)
    assert set(answer.json()) == {"id", "status", "links"}


async def test_an_order_expires(tmp_path, clock: Traveller) -> None:
    """An order that is not approved in time is not found any more, and cannot be captured."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_paypal_order_life_s=LONG_S) as simulator:
        paypal = Account(simulator, "expiry")
        order = await paypal.order()
        assert (await paypal.send("GET", f"/v2/checkout/orders/{order['id']}")).status_code == 200
        clock.shift(LONG_S)
        found = await paypal.send("GET", f"/v2/checkout/orders/{order['id']}")
        assert issue(found) == (404, "INVALID_RESOURCE_ID")
        captured = await paypal.send("POST", f"/v2/checkout/orders/{order['id']}/capture", {}, key="pay")
        assert issue(captured) == (422, "ORDER_EXPIRED")


async def test_accounts_do_not_see_each_other(paypal: Account) -> None:
    """Another account's order, capture and authorization are not found."""
    order = await paypal.paid()
    other = Account(paypal.simulator, "another")
    capture = only(order, "captures")["id"]
    for path in (f"/v2/checkout/orders/{order['id']}", f"/v2/payments/captures/{capture}"):
        assert (await other.send("GET", path)).status_code == 404
    assert (await other.send("POST", f"/v2/payments/captures/{capture}/refund", {}, key="r")).status_code == 404


async def _ended(paypal: Account, capture_id: str) -> str:
    """Wait until a capture is decided."""
    while True:
        status = (await paypal.send("GET", f"/v2/payments/captures/{capture_id}")).json()["status"]
        if status != "PENDING":
            return str(status)
