"""The stand-in of Idram: the form, the precheck that must be answered OK, the confirmation with its checksum."""

from __future__ import annotations

import hashlib

import pytest

from clearway.simulator.facades.idram.codes import checksum
from tests.services.gateways.hosted_shop import BACK, GONE, Shop, came_back, new_payment, quiet, reported
from tests.services.gateways.running import Simulator
from tests.support.receiver import Reply, running_receiver

OK = Reply(body=b"OK")


@pytest.fixture
async def shop(simulator: Simulator) -> Shop:
    """Have an account at Idram."""
    return Shop(simulator, "idram")


async def page_of(shop: Shop, bill: str, amount: str = "1900.00", **fields: str) -> str:
    """Post the form as a browser does, and return the URL of the page."""
    form = {"EDP_LANGUAGE": "EN", "EDP_REC_ACCOUNT": shop.name, "EDP_DESCRIPTION": "A test", "EDP_AMOUNT": amount}
    answer = await shop.send("POST", "/Payment/GetPayment", data=form | {"EDP_BILL_NO": bill} | fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_the_check_vector() -> None:
    """The checksum of the fact sheet's example comes out."""
    fields = {
        "EDP_REC_ACCOUNT": "100000114",
        "EDP_AMOUNT": "1900.00",
        "EDP_BILL_NO": "1806",
        "EDP_PAYER_ACCOUNT": "100000999",
        "EDP_TRANS_ID": "12345",
        "EDP_TRANS_DATE": "25/11/2026",
    }
    assert checksum("SECRET", fields) == "56CD0AD6F073B9DBFFF1C9CE358F2505"
    text = b"100000114:1900.00:SECRET:1806:100000999:12345:25/11/2026"
    assert checksum("SECRET", fields).lower() == hashlib.md5(text).hexdigest()  # noqa: S324


async def test_precheck_then_confirmation(shop: Shop) -> None:
    """The shop is asked before the money moves, and gets the checksum after; the shop's own fields come back."""
    async with running_receiver(usual=OK) as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        page = await page_of(shop, f"{payment_id}:authorise:1", cart="7")
        assert receiver.received == []
        assert came_back(await shop.press(page, "pay")) == (BACK, {"cart": "7"})
        await receiver.until(2)
        precheck, confirmation = map(reported, receiver.received)
        common = {
            "cart": "7",
            "EDP_BILL_NO": f"{payment_id}:authorise:1",
            "EDP_REC_ACCOUNT": shop.name,
            "EDP_AMOUNT": "1900.00",
        }
        assert precheck == {"EDP_PRECHECK": "YES", **common}
        assert common.items() <= confirmation.items()
        assert confirmation["EDP_CHECKSUM"] == checksum(shop.secret, confirmation)
        assert await shop.effects(payment_id) == [("authorised", 190_000), ("captured", 190_000)]


@pytest.mark.parametrize("reply", [Reply(body=b"NO"), Reply(body=b"<p>OK</p>"), Reply(500, body=b"OK"), Reply()])
async def test_anything_but_ok_stops_the_payment(shop: Shop, reply: Reply) -> None:
    """Without the plain text OK to the precheck nothing moves, and the customer goes to the shop's other page."""
    async with running_receiver(usual=reply) as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        assert came_back(await shop.press(await page_of(shop, payment_id), "pay"))[0] == GONE
        await quiet(receiver)
        assert await shop.effects(payment_id) == []


async def test_no_result_url_stops_the_payment(shop: Shop) -> None:
    """A shop that cannot be asked takes no money."""
    await shop.register()
    payment_id = new_payment()
    assert came_back(await shop.press(await page_of(shop, payment_id), "pay"))[0] == GONE
    assert await shop.effects(payment_id) == []


async def test_a_confirmation_must_be_answered_ok(shop: Shop) -> None:
    """Any other answer than OK, and the confirmation comes again with the same fields."""
    async with running_receiver(OK, Reply(body=b"thanks"), usual=OK) as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        await shop.press(await page_of(shop, payment_id), "pay")
        await receiver.until(3)
        assert receiver.received[1].body == receiver.received[2].body
        await quiet(receiver)
        assert len(await shop.effects(payment_id)) == 2


async def test_the_form_can_be_changed_by_the_customer(shop: Shop) -> None:
    """Nothing signs the form: the precheck shows the amount that the customer's browser sent."""
    async with running_receiver(Reply(body=b"NO")) as receiver:
        await shop.register(result_url=receiver.url)
        await shop.press(await page_of(shop, new_payment(), amount="1"), "pay")
        assert reported(receiver.received[0])["EDP_AMOUNT"] == "1.00"


async def test_two_tabs_may_both_pay(shop: Shop) -> None:
    """A bill number does not stop a second payment: only the shop's answer to the precheck does."""
    async with running_receiver(OK, OK, OK, usual=Reply(body=b"NO")) as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        first, second, third = [await page_of(shop, payment_id) for _ in range(3)]
        await shop.press(first, "pay")
        await receiver.until(2)
        await shop.press(second, "pay")
        assert came_back(await shop.press(third, "pay"))[0] == GONE
        assert [kind for kind, _ in await shop.effects(payment_id)] == ["authorised", "captured"] * 2


async def test_leaving_and_an_empty_wallet(shop: Shop) -> None:
    """Neither asks nor tells the shop; the page stays open."""
    async with running_receiver(usual=OK) as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        page = await page_of(shop, payment_id)
        assert "not have enough money" in (await shop.press(page, "empty")).text
        assert came_back(await shop.press(page, "leave"))[0] == GONE
        await quiet(receiver)
        assert await shop.effects(payment_id) == []
        await shop.press(page, "pay")
        await receiver.until(2)


@pytest.mark.parametrize("amount", ["", "-1", "1e3", "10,50", "0", "1.001"])
async def test_impossible_amounts_are_refused(shop: Shop, amount: str) -> None:
    """Amounts are decimal texts with a dot, of at most two places."""
    form = {"EDP_REC_ACCOUNT": shop.name, "EDP_BILL_NO": "1", "EDP_AMOUNT": amount}
    assert (await shop.send("POST", "/Payment/GetPayment", data=form)).status_code == 400
