"""The stand-in of Ameriabank vPOS: codes and types that vary, the page, confirmation, cancellation, refunds."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.services.gateways.hosted_shop import BACK, Shop, came_back, new_payment, quiet
from tests.services.gateways.running import Simulator, running_simulator
from tests.support.receiver import running_receiver

API = "/VPOS/api/VPOS"


@pytest.fixture
async def shop(simulator: Simulator) -> Shop:
    """Have a terminal at Ameriabank whose payments are taken at once."""
    return Shop(simulator, "ameriabank")


@pytest.fixture
async def two_stage(simulator: Simulator) -> Shop:
    """Have a terminal that reserves, and waits for ConfirmPayment."""
    shop = Shop(simulator, "ameriabank")
    await shop.register(two_stage=True)
    return shop


def keys(shop: Shop) -> dict[str, str]:
    """Return the credentials, which are in the body."""
    return {"Username": shop.name, "Password": shop.secret}


def new_order(shop: Shop, payment_id: str, **fields: Any) -> dict[str, Any]:
    """Return the body that opens a payment of 10.50 drams."""
    return {
        **keys(shop),
        "ClientID": "client",
        "OrderID": secrets.randbelow(2**30) * 2 + 2,
        "Amount": 10.5,
        "Currency": "051",
        "Description": "A test",
        "BackURL": BACK,
        "Opaque": payment_id,
    } | fields


async def opened(shop: Shop, payment_id: str, **fields: Any) -> tuple[str, str]:
    """Open a payment; return its id and the URL of its page."""
    answer = await shop.call(f"{API}/InitPayment", new_order(shop, payment_id, **fields))
    assert answer["ResponseCode"] == 1, answer
    return answer["PaymentID"], f"/ameriabank/VPOS/Payments/Pay?id={answer['PaymentID']}&lang=en"


async def details(shop: Shop, payment: str) -> dict[str, Any]:
    """Ask what became of a payment."""
    return await shop.call(f"{API}/GetPaymentDetails", {**keys(shop), "PaymentID": payment})


async def change(shop: Shop, call: str, payment: str, **fields: Any) -> str:
    """Confirm, cancel or refund; return the response code."""
    return str((await shop.call(f"{API}/{call}", {**keys(shop), "PaymentID": payment, **fields}))["ResponseCode"])


@pytest.mark.parametrize(
    ("button", "code", "status"), [("pay", "00", 2), ("decline", "0100", 6), ("empty", "0116", 6), ("leave", "-1", 0)]
)
async def test_the_details_after_the_page(shop: Shop, button: str, code: str, status: int) -> None:
    """The browser comes back with a code in the bank's own spelling; the details say the same, with amounts."""
    payment_id = new_payment()
    payment, page = await opened(shop, payment_id)
    url, query = came_back(await shop.press(page, button))
    assert (url, query["resposneCode"], query["paymentID"], query["opaque"]) == (BACK, code, payment, payment_id)
    found = await details(shop, payment)
    assert (found["ResponseCode"], found["OrderStatus"], found["Amount"]) == (code, status, 10.5)
    taken = [("authorised", 1_050), ("captured", 1_050)] if button == "pay" else []
    assert (await shop.effects(payment_id), found["DepositedAmount"]) == (taken, 10.5 if taken else 0)


async def test_types_vary(shop: Shop) -> None:
    """Payments of odd order numbers have texts for numbers, and a longer text after the code."""
    payment, page = await opened(shop, new_payment(), OrderID=secrets.randbelow(2**30) * 2 + 1)
    await shop.press(page, "pay")
    found = await details(shop, payment)
    assert (found["OrderStatus"], found["Amount"], found["ResponseCode"][:5]) == ("2", "10.50", "00 : ")


@pytest.mark.parametrize(("button", "status"), [("pay", 2), ("decline", 6)])
async def test_three_d_secure(shop: Shop, button: str, status: int) -> None:
    """While the customer is asked for a code the status is 5."""
    payment, page = await opened(shop, new_payment())
    again = (await shop.press(page, "code")).headers["location"]
    assert (await details(shop, payment))["OrderStatus"] == 5
    await shop.press(again, button)
    assert (await details(shop, payment))["OrderStatus"] == status


async def test_two_stages(two_stage: Shop) -> None:
    """The amount is reserved, part of it is taken, and the rest is released."""
    payment_id = new_payment()
    payment, page = await opened(two_stage, payment_id)
    await two_stage.press(page, "pay")
    assert (await details(two_stage, payment))["OrderStatus"] == 1
    assert await change(two_stage, "ConfirmPayment", payment, Amount=10.51) == "510"
    assert await change(two_stage, "ConfirmPayment", payment, Amount=4) == "00"
    found = await details(two_stage, payment)
    assert (found["OrderStatus"], found["ApprovedAmount"], found["DepositedAmount"]) == (2, 10.5, 4)
    assert await change(two_stage, "ConfirmPayment", payment, Amount=1) == "510"
    assert await two_stage.effects(payment_id) == [("authorised", 1_050), ("captured", 400), ("voided", 650)]


async def test_cancellation(shop: Shop, two_stage: Shop) -> None:
    """What is reserved is released; what is taken goes back whole; what is not paid cannot be cancelled."""
    held, taken = new_payment(), new_payment()
    first, page = await opened(two_stage, held)
    assert await change(two_stage, "CancelPayment", first) == "510"
    await two_stage.press(page, "pay")
    assert await change(two_stage, "CancelPayment", first) == "00"
    assert (await details(two_stage, first))["OrderStatus"] == 3
    second, page = await opened(shop, taken)
    await shop.press(page, "pay")
    assert await change(shop, "CancelPayment", second) == "00"
    assert (await two_stage.effects(held))[-1] == ("voided", 1_050)
    assert (await shop.effects(taken))[-1] == ("refunded", 1_050)


async def test_every_refund_is_a_refund(shop: Shop) -> None:
    """A repeat gives the money back once more, up to what was taken: the bank does not know a repeat."""
    payment_id = new_payment()
    payment, page = await opened(shop, payment_id)
    await shop.press(page, "pay")
    answers = [await change(shop, "RefundPayment", payment, Amount=4) for _ in range(3)]
    assert answers == ["00", "00", "510"]
    found = await details(shop, payment)
    assert (found["OrderStatus"], found["RefundedAmount"]) == (4, 8)
    assert [effect for effect in await shop.effects(payment_id) if effect[0] == "refunded"] == [("refunded", 400)] * 2


async def test_an_order_number_is_used_once(shop: Shop) -> None:
    """A second InitPayment of a number is refused with code 1 or 01, which is not the 1 of success: it has no id."""
    body = new_order(shop, new_payment())
    assert (await shop.call(f"{API}/InitPayment", body))["PaymentID"]
    again = await shop.call(f"{API}/InitPayment", body)
    assert (again["PaymentID"], again["ResponseMessage"]) == (None, "Order already exists")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Amount": 0}, 510),
        ({"Amount": "x"}, 510),
        ({"Amount": 1.001}, 510),
        ({"Currency": "999"}, 510),
        ({"Timeout": 1_201}, 510),
        ({"OrderID": 2**31}, 510),
        ({"Password": "wrong"}, 20),
    ],
)
async def test_wrong_fields_are_refused(shop: Shop, wrong: dict[str, Any], code: int) -> None:
    """The status is 200, and the code says why."""
    answer = await shop.call(f"{API}/InitPayment", new_order(shop, new_payment(), **wrong))
    assert (answer["ResponseCode"], answer["PaymentID"]) == (code, None)


async def test_another_terminal_does_not_see_the_payment(shop: Shop) -> None:
    """Payments belong to their terminal."""
    payment, _ = await opened(shop, new_payment())
    other = Shop(shop.simulator, "ameriabank")
    assert (await details(other, payment))["ResponseCode"] == "06"
    assert await change(other, "RefundPayment", payment, Amount=1) == "06"


async def test_a_page_works_for_its_time(tmp_path) -> None:
    """After Timeout seconds it is declined and cannot be paid."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_page_life_scale=0.001) as simulator:
        shop, payment_id = Shop(simulator, "ameriabank"), new_payment()
        payment, _ = await opened(shop, payment_id, Timeout=300)
        async with running_receiver() as receiver:
            await quiet(receiver, seconds=0.4)
        assert (await details(shop, payment))["ResponseCode"] == "0151017"
        await simulator.http.post(f"/ameriabank/VPOS/Payments/{payment}/pay")
        assert await shop.effects(payment_id) == []


async def test_a_failure_after_the_refund_is_http_200(shop: Shop) -> None:
    """The bank's own failure is code 500 in an answer of status 200, and the refund is done."""
    payment_id = new_payment()
    payment, page = await opened(shop, payment_id)
    await shop.press(page, "pay")
    await shop.simulator.switch(operation="refund", fault="error_after_charge", match={"payment_id": payment_id})
    assert await change(shop, "RefundPayment", payment, Amount=4) == "500"
    assert (await shop.effects(payment_id))[-1] == ("refunded", 400)
