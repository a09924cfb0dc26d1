"""The stand-in of ArCa: registration, the bank's form, the status by both ids, deposit, reversal, refunds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.gateways.hosted_shop import BACK, GONE, Shop, came_back, new_payment, quiet
from tests.services.gateways.running import Simulator, running_simulator
from tests.support.receiver import running_receiver


@pytest.fixture
async def shop(simulator: Simulator) -> Shop:
    """Have an account at ArCa."""
    return Shop(simulator, "arca")


async def call(shop: Shop, name: str, **fields: str) -> dict[str, Any]:
    """Send a form with the credentials in it; the answer is always HTTP 200."""
    form = {"userName": shop.name, "password": shop.secret} | fields
    answer = await shop.send("POST", f"/payment/rest/{name}.do", data=form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def registered(shop: Shop, number: str, name: str = "register", **fields: str) -> tuple[str, str]:
    """Register an order of 1050 minor units; return its id and the URL of the form."""
    asked = {"orderNumber": number, "amount": "1050", "currency": "051", "returnUrl": BACK, "failUrl": GONE}
    answer = await call(shop, name, **(asked | fields))
    return answer["orderId"], answer["formUrl"]


async def status(shop: Shop, order: str) -> dict[str, Any]:
    """Ask where an order stands."""
    return await call(shop, "getOrderStatusExtended", orderId=order)


@pytest.mark.parametrize(
    ("button", "ends", "action", "url"),
    [("pay", 2, 0, BACK), ("decline", 6, 100, GONE), ("empty", 6, 116, GONE), ("leave", 0, -100, BACK)],
)
async def test_the_status_after_the_form(shop: Shop, button: str, ends: int, action: int, url: str) -> None:
    """The browser comes back with the order's id alone; the status by both ids says what happened."""
    payment_id = new_payment()
    order, form = await registered(shop, payment_id)
    assert came_back(await shop.press(form, button)) == (url, {"orderId": order, "lang": "en"})
    found = await status(shop, order)
    assert (found["orderStatus"], found["actionCode"], found["amount"]) == (ends, action, 1_050)
    assert await call(shop, "getOrderStatusExtended", orderNumber=payment_id) == found
    taken = [("authorised", 1_050), ("captured", 1_050)] if button == "pay" else []
    assert await shop.effects(payment_id) == taken
    assert found["paymentAmountInfo"]["depositedAmount"] == (1_050 if taken else 0)


@pytest.mark.parametrize(("button", "ends"), [("pay", 2), ("decline", 6)])
async def test_three_d_secure(shop: Shop, button: str, ends: int) -> None:
    """While the customer is asked for a code the status is 5."""
    order, form = await registered(shop, new_payment())
    again = (await shop.press(form, "code")).headers["location"]
    assert (await status(shop, order))["orderStatus"] == 5
    await shop.press(again, button)
    assert (await status(shop, order))["orderStatus"] == ends


async def test_two_stages(shop: Shop) -> None:
    """A pre-authorised amount is held; a deposit takes part of it once, and the rest is released."""
    payment_id = new_payment()
    order, form = await registered(shop, payment_id, "registerPreAuth")
    await shop.press(form, "pay")
    assert (await status(shop, order))["orderStatus"] == 1
    assert (await call(shop, "deposit", orderId=order, amount="1051"))["errorCode"] == "7"
    assert int((await call(shop, "deposit", orderId=order, amount="400"))["errorCode"]) == 0
    info = (await status(shop, order))["paymentAmountInfo"]
    assert (info["approvedAmount"], info["depositedAmount"]) == (1_050, 400)
    assert (await call(shop, "deposit", orderId=order, amount="400"))["errorCode"] == "7"
    assert await shop.effects(payment_id) == [("authorised", 1_050), ("captured", 400), ("voided", 650)]


async def test_a_deposit_of_nothing_is_of_all(shop: Shop) -> None:
    """Amount 0 takes the whole amount."""
    payment_id = new_payment()
    order, form = await registered(shop, payment_id, "registerPreAuth")
    await shop.press(form, "pay")
    await call(shop, "deposit", orderId=order, amount="0")
    assert (await shop.effects(payment_id))[-1] == ("captured", 1_050)


async def test_reversal(shop: Shop) -> None:
    """What is held is released; what is not paid, or taken, cannot be reversed."""
    held, taken = new_payment(), new_payment()
    order, form = await registered(shop, held, "registerPreAuth")
    assert (await call(shop, "reverse", orderId=order))["errorCode"] == "7"
    await shop.press(form, "pay")
    assert int((await call(shop, "reverse", orderId=order))["errorCode"]) == 0
    assert (await status(shop, order))["orderStatus"] == 3
    other, form = await registered(shop, taken)
    await shop.press(form, "pay")
    assert (await call(shop, "reverse", orderId=other))["errorCode"] == "7"
    assert (await shop.effects(held))[-1] == ("voided", 1_050)


async def test_every_refund_is_a_refund(shop: Shop) -> None:
    """A repeat gives the money back once more, up to what was taken: only the refunded amount shows it."""
    payment_id = new_payment()
    order, form = await registered(shop, payment_id)
    await shop.press(form, "pay")
    codes = [int((await call(shop, "refund", orderId=order, amount="400"))["errorCode"]) for _ in range(3)]
    assert codes == [0, 0, 7]
    found = await status(shop, order)
    assert (found["orderStatus"], found["paymentAmountInfo"]["refundedAmount"]) == (4, 800)
    assert [effect for effect in await shop.effects(payment_id) if effect[0] == "refunded"] == [("refunded", 400)] * 2


async def test_an_order_number_is_used_once(shop: Shop) -> None:
    """A repeat of a registration is refused with code 1, and the order is found by its number."""
    payment_id = new_payment()
    order, _ = await registered(shop, payment_id)
    again = await call(shop, "register", orderNumber=payment_id, amount="1050", returnUrl=BACK)
    assert again["errorCode"] == "1"
    found = await call(shop, "getOrderStatusExtended", orderNumber=payment_id)
    assert found["attributes"] == [{"name": "mdOrder", "value": order}]


async def test_json_params_come_back(shop: Shop) -> None:
    """What the merchant sends in jsonParams is in the status, and names the payment for the journal."""
    payment_id = new_payment()
    order, form = await registered(shop, "N1", jsonParams=json.dumps({"payment_id": payment_id}))
    await shop.press(form, "pay")
    assert (await status(shop, order))["merchantOrderParams"] == [{"name": "payment_id", "value": payment_id}]
    assert len(await shop.effects(payment_id)) == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"orderNumber": ""}, "4"),
        ({"orderNumber": "x" * 33}, "5"),
        ({"amount": "10.50"}, "5"),
        ({"amount": "0"}, "5"),
        ({"currency": "AMD"}, "5"),
        ({"jsonParams": "[]"}, "5"),
        ({"password": "wrong"}, "5"),
    ],
)
async def test_wrong_fields_are_refused(shop: Shop, wrong: dict[str, str], code: str) -> None:
    """The status is 200, and the code says why."""
    asked = {"orderNumber": new_payment(), "amount": "1050", "currency": "51", "returnUrl": BACK}
    assert (await call(shop, "register", **(asked | wrong)))["errorCode"] == code


async def test_another_account_does_not_see_the_order(shop: Shop) -> None:
    """Orders belong to their account, by both ids."""
    number = new_payment()
    order, _ = await registered(shop, number)
    other = Shop(shop.simulator, "arca")
    for fields in ({"orderId": order}, {"orderNumber": number}):
        assert (await call(other, "getOrderStatusExtended", **fields))["errorCode"] == "6"


async def test_a_session_ends(tmp_path) -> None:
    """After sessionTimeoutSecs it is declined with action code -2007 and cannot be paid."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_page_life_scale=0.001) as simulator:
        shop, payment_id = Shop(simulator, "arca"), new_payment()
        order, _ = await registered(shop, payment_id, sessionTimeoutSecs="300")
        async with running_receiver() as receiver:
            await quiet(receiver, seconds=0.4)
        found = await status(shop, order)
        assert (found["orderStatus"], found["actionCode"]) == (6, -2007)
        await simulator.http.post(f"/arca/payment/form/{order}/pay")
        assert await shop.effects(payment_id) == []


async def test_a_failure_after_the_refund_is_http_200(shop: Shop) -> None:
    """The gateway's own failure is errorCode 7 in an answer of status 200, and the refund is done."""
    payment_id = new_payment()
    order, form = await registered(shop, payment_id)
    await shop.press(form, "pay")
    await shop.simulator.switch(operation="refund", fault="error_after_charge", match={"payment_id": payment_id})
    assert (await call(shop, "refund", orderId=order, amount="400"))["errorCode"] == "7"
    assert (await shop.effects(payment_id))[-1] == ("refunded", 400)
