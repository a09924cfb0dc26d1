"""The stand-in of FastShift: register, the page, an unsigned return and webhook, and the look-up."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.services.gateways.hosted_shop import BACK, Shop, came_back, new_payment, quiet
from tests.services.gateways.running import Simulator, running_simulator
from tests.support.receiver import running_receiver

REGISTER = "/api/en/vpos/order/register"


@pytest.fixture
async def shop(simulator: Simulator) -> Shop:
    """Have an account at FastShift."""
    return Shop(simulator, "fastshift")


def bearer(shop: Shop) -> dict[str, str]:
    """Return the header with the account's token."""
    return {"authorization": f"Bearer token_{shop.name}"}


def new_order(payment_id: str, **fields: Any) -> dict[str, Any]:
    """Return the body that registers 10 drams."""
    return {
        "order_number": str(uuid.uuid4()),
        "amount": 10,
        "description": "A test",
        "callback_url": BACK,
        "external_order_id": payment_id,
    } | fields


async def registered(shop: Shop, body: dict[str, Any]) -> str:
    """Register an order and return the URL of its page."""
    return str((await shop.call(REGISTER, body, headers=bearer(shop)))["data"]["redirect_url"])


async def status_of(shop: Shop, body: dict[str, Any]) -> httpx.Response:
    """Look up the status of an order."""
    return await shop.send("GET", f"/api/en/vpos/order/status/{body['order_number']}", headers=bearer(shop))


@pytest.mark.parametrize(("button", "status"), [("pay", "completed"), ("decline", "rejected"), ("leave", "pending")])
async def test_the_status_after_the_page(shop: Shop, button: str, status: str) -> None:
    """The customer comes back with the status and the number, and the look-up says the same with the amount."""
    payment_id = new_payment()
    body = new_order(payment_id)
    page = await registered(shop, body)
    assert (await status_of(shop, body)).json()["data"]["order"]["status"] == "pending"
    back = came_back(await shop.press(page, button))
    assert back == (BACK, {"status": status, "order_number": body["order_number"]})
    order = (await status_of(shop, body)).json()["data"]["order"]
    assert (order["status"], order["amount"], order["order_number"]) == (status, 10, body["order_number"])
    taken = [("authorised", 1_000), ("captured", 1_000)] if button == "pay" else []
    assert await shop.effects(payment_id) == taken


@pytest.mark.parametrize(("button", "status"), [("pay", "completed"), ("decline", "rejected")])
async def test_the_webhook_is_unsigned(shop: Shop, button: str, status: str) -> None:
    """The webhook has the status and the number, and nothing that proves them."""
    async with running_receiver() as receiver:
        body = new_order(new_payment(), webhook_url=receiver.url)
        await shop.press(await registered(shop, body), button)
        await receiver.until(1)
        [delivery] = receiver.received
        assert json.loads(delivery.body) == {"status": status, "order_number": body["order_number"]}
        assert not [name for name in delivery.headers if "sign" in name or "auth" in name]


async def test_without_a_webhook_url_nothing_is_sent(shop: Shop) -> None:
    """The webhook is optional."""
    async with running_receiver() as receiver:
        await shop.press(await registered(shop, new_order(new_payment())), "pay")
        await quiet(receiver)


async def test_a_number_is_used_once(shop: Shop) -> None:
    """A second registration of a number is refused, also with the same fields, and the first stays."""
    body = new_order(new_payment())
    await registered(shop, body)
    again = await shop.send("POST", REGISTER, json=body, headers=bearer(shop))
    assert (again.status_code, "order_number" in again.json()["errors"]) == (422, True)


@pytest.mark.parametrize("wrong", [{"order_number": "7"}, {"amount": "10"}, {"amount": 0}, {"callback_url": "x"}])
async def test_wrong_fields_are_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    """The answer is 422 and names the field."""
    answer = await shop.send("POST", REGISTER, json=new_order(new_payment(), **wrong), headers=bearer(shop))
    assert (answer.status_code, list(answer.json()["errors"])) == (422, list(wrong))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", "Bearer token_invalid", "Basic token_shop"])
async def test_unknown_tokens_are_refused(shop: Shop, header: str) -> None:
    """The answer is 401 for a registration and for a look-up."""
    headers = {"authorization": header}
    assert (await shop.send("POST", REGISTER, json=new_order(new_payment()), headers=headers)).status_code == 401
    assert (await shop.send("GET", f"/api/en/vpos/order/status/{uuid.uuid4()}", headers=headers)).status_code == 401


async def test_another_account_does_not_see_the_order(shop: Shop) -> None:
    """Orders belong to their account, and an unknown number is 404."""
    body = new_order(new_payment())
    await registered(shop, body)
    assert (await status_of(Shop(shop.simulator, "fastshift"), body)).status_code == 404


async def test_an_order_expires(tmp_path) -> None:
    """After its life it is expired and cannot be paid."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_page_life_scale=0.3 / 1_200) as simulator:
        shop, payment_id = Shop(simulator, "fastshift"), new_payment()
        body = new_order(payment_id)
        page = await registered(shop, body)
        async with running_receiver() as receiver:
            await quiet(receiver, seconds=0.4)
        assert (await status_of(shop, body)).json()["data"]["order"]["status"] == "expired"
        await simulator.http.post(f"{page}/pay")
        assert await shop.effects(payment_id) == []


async def test_faults_of_the_look_up(shop: Shop) -> None:
    """A look-up may say not found for a while, be refused, or fail; its errors are FastShift's."""
    payment_id = new_payment()
    body = new_order(payment_id)
    await registered(shop, body)
    for fault, status in (("not_found_yet", 404), ("rate_limited", 429), ("error_before", 503), ("malformed", 200)):
        await shop.simulator.switch(operation="look_up", fault=fault, times=1, match={"payment_id": payment_id})
        answer = await status_of(shop, body)
        assert answer.status_code == status
        assert status == 200 or answer.json()["status"] == "error"
