"""Request ids, access tokens and faults at the stand-in of PayPal: what a repeat answers, and what really happened."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from time_machine import Traveller

from tests.services.gateways.paypal_account import Account, issue, new_order, only
from tests.services.gateways.running import LONG_S, running_simulator

EXECUTED = ["executed_then_timeout", "executed_then_dropped", "error_after_charge", "malformed", "slow"]
NOT_EXECUTED = ["error_before", "rate_limited", "dropped_before"]


async def test_a_repeat_shows_the_latest_state_with_200(paypal: Account) -> None:
    """A request id makes one order: its repeat shows the order as it stands now, not the first answer."""
    asked = new_order(custom_id="pay_latest")
    first = await paypal.send("POST", "/v2/checkout/orders", asked, key="order-1")
    await paypal.click(first.json())
    again = await paypal.send("POST", "/v2/checkout/orders", asked, key="order-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["id"], first.json()["status"]) == (again.json()["id"], "PAYER_ACTION_REQUIRED")
    assert again.json()["status"] == "APPROVED"


async def test_without_a_request_id_a_repeat_is_a_second_request(paypal: Account) -> None:
    """Captures without an id follow one another; an order that names its source needs one."""
    assert issue(await paypal.send("POST", "/v2/checkout/orders", new_order())) == (400, "PAYPAL_REQUEST_ID_REQUIRED")
    order = await paypal.paid("AUTHORIZE")
    path = f"/v2/payments/authorizations/{only(order, 'authorizations')['id']}/capture"
    part = {"amount": {"currency_code": "USD", "value": "1.00"}}
    for _ in range(2):
        assert (await paypal.send("POST", path, part)).status_code == 201
    assert (await paypal.effects(order))[1:] == [("captured", 100), ("captured", 100)]


async def test_a_request_id_is_for_one_request(paypal: Account) -> None:
    """The same id with another body or another object is refused, and so is one that is too long."""
    await paypal.send("POST", "/v2/checkout/orders", new_order(), key="one")
    other = await paypal.send("POST", "/v2/checkout/orders", new_order(value="11.00"), key="one")
    assert issue(other) == (422, "DUPLICATE_REQUEST_ID")
    long = await paypal.send("POST", "/v2/checkout/orders", new_order(), key="k" * 109)
    assert issue(long) == (400, "INVALID_STRING_LENGTH")


async def test_one_request_at_a_time(paypal: Account) -> None:
    """The repeat of a request that is under way is refused with PREVIOUS_REQUEST_IN_PROGRESS."""
    order = await paypal.approved()
    path = f"/v2/checkout/orders/{order['id']}/capture"
    await paypal.simulator.switch(operation="authorise", fault="slow", times=1, delay_s=LONG_S)
    first = asyncio.create_task(paypal.send("POST", path, {}, key="pay"))
    await paypal.simulator.until_met()
    assert issue(await paypal.send("POST", path, {}, key="pay")) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")
    await paypal.simulator.release()
    assert (await first).status_code == 201
    assert (await paypal.send("POST", path, {}, key="pay")).status_code == 200


async def test_request_ids_of_orders_die(tmp_path, clock: Traveller) -> None:
    """After the life of its id, a create makes a second order, and a capture says that it is done."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_paypal_order_key_life_s=LONG_S) as simulator:
        paypal = Account(simulator, "lives")
        asked = new_order()
        first = (await paypal.send("POST", "/v2/checkout/orders", asked, key="order")).json()
        await paypal.click(first)
        path = f"/v2/checkout/orders/{first['id']}/capture"
        assert (await paypal.send("POST", path, {}, key="pay")).status_code == 201
        assert (await paypal.send("POST", "/v2/checkout/orders", asked, key="order")).json()["id"] == first["id"]
        clock.shift(LONG_S)
        assert (await paypal.send("POST", "/v2/checkout/orders", asked, key="order")).json()["id"] != first["id"]
        assert issue(await paypal.send("POST", path, {}, key="pay")) == (422, "ORDER_ALREADY_CAPTURED")


async def test_an_invoice_is_paid_once(paypal: Account) -> None:
    """A second payment of the same invoice id is refused, for every order and capture."""
    order = await paypal.paid("AUTHORIZE")
    authorization = only(order, "authorizations")
    path = f"/v2/payments/authorizations/{authorization['id']}/capture"
    part = {"amount": {"currency_code": "USD", "value": "1.00"}, "invoice_id": authorization["invoice_id"]}
    assert issue(await paypal.send("POST", path, part, key="c-1")) == (422, "DUPLICATE_INVOICE_ID")


async def test_tokens_expire(tmp_path, clock: Traveller) -> None:
    """Wrong credentials get no token, and an expired or unknown one is refused with 401."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_paypal_token_life_s=LONG_S) as simulator:
        paypal = Account(simulator, "tokens")
        for client_id, secret in (("client_invalid1", "secret_invalid1"), (paypal.client_id, "secret_other")):
            refused = await paypal.token(client_id, secret)
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        assert (await paypal.send("GET", "/v1/notifications/webhooks")).status_code == 200
        clock.shift(LONG_S)
        expired = await paypal.send("GET", "/v1/notifications/webhooks")
        assert (expired.status_code, expired.json()["error"]) == (401, "invalid_token")
        missing = await simulator.http.get("/paypal/v2/checkout/orders/1")
        assert (missing.status_code, missing.json()["name"]) == (401, "AUTHENTICATION_FAILURE")


async def attempt(act: Any) -> httpx.Response | None:
    """Return what was answered; None when nothing that can be read was."""
    try:
        return await act  # type: ignore[no-any-return]
    except (httpx.HTTPError, json.JSONDecodeError):
        return None


@pytest.mark.parametrize(("fault", "charges"), [(f, 1) for f in EXECUTED] + [(f, 0) for f in NOT_EXECUTED])
async def test_a_capture_of_an_order_meets_faults(paypal: Account, fault: str, charges: int) -> None:
    """The journal has what happened, the order shows it at once, and a repeat charges once in all."""
    order = await paypal.approved()
    path = f"/v2/checkout/orders/{order['id']}/capture"
    await paypal.simulator.switch(operation="authorise", fault=fault, times=1, delay_s=0.05)
    answer = await attempt(paypal.send("POST", path, {}, key="pay"))
    assert (answer is not None and answer.is_success) is (fault == "slow")
    assert len(await paypal.effects(order)) == 2 * charges
    assert (await paypal.read(order))["status"] == ("COMPLETED" if charges else "APPROVED")
    again = await paypal.send("POST", path, {}, key="pay")
    assert again.status_code == (200 if charges else 201)
    assert await paypal.effects(order) == [("authorised", 1_000), ("captured", 1_000)]


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_before"])
async def test_follow_ups_meet_faults(paypal: Account, operation: str, fault: str) -> None:
    """Captures, voids and refunds meet faults too, and repeating them has one effect."""
    order = await paypal.paid("CAPTURE" if operation == "refund" else "AUTHORIZE")
    kind, plural = ("captures", "captures") if operation == "refund" else ("authorizations", "authorizations")
    path = f"/v2/payments/{plural}/{only(order, kind)['id']}/{operation}"
    before = len(await paypal.effects(order))
    await paypal.simulator.switch(operation=operation, fault=fault, times=1)
    answer = await attempt(paypal.send("POST", path, {}, key="follow"))
    assert answer is None or answer.status_code == 503
    assert len(await paypal.effects(order)) - before == (fault == "executed_then_dropped")
    again = await paypal.send("POST", path, {}, key="follow")
    assert again.is_success or issue(again) == (422, "PREVIOUSLY_VOIDED")
    assert len(await paypal.effects(order)) - before == 1


async def test_the_first_step_and_look_ups_meet_faults_of_their_own(paypal: Account) -> None:
    """Faults of `prepare` meet the creation of an order; `not_found_yet` hides what exists; `token` refuses tokens."""
    await paypal.simulator.switch(operation="prepare", fault="rate_limited", times=1, retry_after_s=3)
    limited = await paypal.send("POST", "/v2/checkout/orders", new_order(), key="o")
    assert (limited.status_code, limited.json()["name"], limited.headers["retry-after"]) == (
        429,
        "RATE_LIMIT_REACHED",
        "3",
    )
    order = await paypal.order()
    await paypal.simulator.switch(operation="look_up", fault="not_found_yet", times=1)
    assert (await paypal.send("GET", f"/v2/checkout/orders/{order['id']}")).status_code == 404
    assert (await paypal.read(order))["id"] == order["id"]
    await paypal.simulator.switch(operation="token", fault="error_before", times=1)
    assert (await paypal.token()).status_code == 503


async def test_rules_match_and_wrong_amounts_are_really_moved(paypal: Account) -> None:
    """A rule meets the payment that it names; a wrong amount is in the answer and in the journal."""
    hit, missed = await paypal.approved(), await paypal.approved()
    match = {"payment_id": hit["purchase_units"][0]["custom_id"], "amount": 1_000, "method": "wallet"}
    await paypal.simulator.switch(operation="authorise", fault="wrong_amount", match=match)
    values = []
    for order in (hit, missed):
        paid = await paypal.send("POST", f"/v2/checkout/orders/{order['id']}/capture", {}, key=order["id"])
        values.append(only(paid.json(), "captures")["amount"]["value"])
    assert values == ["9.99", "10.00"]
    assert await paypal.effects(hit) == [("authorised", 999), ("captured", 999)]
