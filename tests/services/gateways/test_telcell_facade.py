"""The stand-in of Telcell: the signed request, the page, the signed report, and an invoice that lives for days."""

from __future__ import annotations

import base64
import hashlib

import pytest
from time_machine import Traveller

from clearway.simulator.facades.telcell.codes import checksum, security_code
from tests.services.gateways.hosted_shop import BACK, Shop, came_back, invoice, new_payment, quiet, reported
from tests.services.gateways.running import Simulator, running_simulator
from tests.support.receiver import Receiver, Reply, running_receiver


@pytest.fixture
async def shop(simulator: Simulator) -> Shop:
    """Have an account at Telcell."""
    return Shop(simulator, "telcell")


async def page_of(shop: Shop, asked: dict[str, str]) -> str:
    """Open an invoice as a browser does, and return the URL of its page."""
    answer = await shop.send("GET", "/invoices", params=asked)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_the_recipes() -> None:
    """Both codes are the MD5 of the key and the fields in their order, without separators, in lower-case hex."""
    asked = {"issuer": "I", "currency": "֏", "price": "10", "product": "cA==", "issuer_id": "aQ==", "valid_days": "1"}
    assert security_code("KEY", asked) == hashlib.md5("KEYI֏10cA==aQ==1".encode()).hexdigest()  # noqa: S324
    told = {"invoice": "7", "issuer_id": "aQ==", "payment_id": "8", "currency": "51", "sum": "10", "time": "T"}
    expected = hashlib.md5(b"KEY7aQ==85110TPAID").hexdigest()  # noqa: S324
    assert checksum("KEY", told | {"status": "PAID"}) == expected


@pytest.mark.parametrize(("method", "plain"), [("POST", False), ("GET", True)])
async def test_a_paid_invoice_is_reported(shop: Shop, receiver: Receiver, method: str, *, plain: bool) -> None:
    """The report comes by the account's method, with the id as sent or decoded, and a right checksum."""
    url = f"{receiver.url}/{shop.name}"
    await shop.register(result_url=url, callback_method=method, plain_ids=plain)
    payment_id = new_payment()
    asked = invoice(shop, f"{payment_id}:authorise:1")
    answer = await shop.press(await page_of(shop, asked), "pay")
    assert came_back(answer) == (BACK, {"issuer_id": asked["issuer_id"]})
    await receiver.until(1)
    while not (found := [one for one in receiver.received if shop.name in one.path]):
        await receiver.until(len(receiver.received) + 1)
    told = reported(found[0])
    assert bool(found[0].body) == (method == "POST")
    assert (told["status"], told["sum"], told["currency"]) == ("PAID", "10", "51")
    number = told["issuer_id"] if plain else base64.b64decode(told["issuer_id"]).decode()
    assert number == f"{payment_id}:authorise:1"
    assert told["checksum"] == checksum(shop.secret, told)
    assert await shop.effects(payment_id) == [("authorised", 1_000), ("captured", 1_000)]


async def test_a_declined_invoice_is_rejected(shop: Shop) -> None:
    """A wallet that is declined makes a report that says REJECTED, nothing moves, and the page is over."""
    async with running_receiver() as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        page = await page_of(shop, invoice(shop, payment_id))
        await shop.press(page, "decline")
        await receiver.until(1)
        assert reported(receiver.received[0])["status"] == "REJECTED"
        assert await shop.effects(payment_id) == []
        assert "declined" in (await shop.simulator.http.get(page)).text


async def test_leaving_tells_nobody(shop: Shop) -> None:
    """A customer who leaves is sent back, nothing is reported, and the invoice may still be paid."""
    async with running_receiver() as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        page = await page_of(shop, invoice(shop, payment_id))
        assert came_back(await shop.press(page, "leave"))[0] == BACK
        await quiet(receiver)
        await shop.press(page, "pay")
        await receiver.until(1)
        assert await shop.effects(payment_id) == [("authorised", 1_000), ("captured", 1_000)]


@pytest.mark.parametrize(
    "changed",
    [{"price": "9"}, {"issuer": "another"}, {"issuer_id": "eA=="}, {"valid_days": "2"}, {"security_code": "00"}],
)
async def test_a_changed_request_is_refused(shop: Shop, changed: dict[str, str]) -> None:
    """What the code covers cannot be changed on its way through the browser."""
    answer = await shop.send("GET", "/invoices", params=invoice(shop, new_payment()) | changed)
    assert (answer.status_code, "security code is wrong" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "wrong", [{"price": "10.50"}, {"price": "0"}, {"price": ""}, {"valid_days": "0"}, {"currency": "USD"}]
)
async def test_what_telcell_cannot_express_is_refused(shop: Shop, wrong: dict[str, str]) -> None:
    """Telcell takes whole drams, and invoices of at least a day, even if they are signed."""
    answer = await shop.send("GET", "/invoices", params=invoice(shop, new_payment(), **wrong))
    assert (answer.status_code, "security code" in answer.text) == (400, False)


async def test_the_same_request_is_the_same_invoice(shop: Shop) -> None:
    """A reload shows the same invoice; when it is paid, the page says so, and nothing is taken again."""
    payment_id = new_payment()
    asked = invoice(shop, payment_id)
    page = await page_of(shop, asked)
    assert await page_of(shop, asked) == page
    await shop.press(page, "pay")
    assert (await shop.simulator.http.post(f"{page}/pay")).status_code == 200
    assert await shop.effects(payment_id) == [("authorised", 1_000), ("captured", 1_000)]


async def test_a_report_is_repeated_until_it_is_taken(shop: Shop) -> None:
    """A report that is not answered with 2xx is sent again, the same in every field."""
    async with running_receiver(Reply(500)) as receiver:
        await shop.register(result_url=receiver.url)
        await shop.press(await page_of(shop, invoice(shop, new_payment())), "pay")
        await receiver.until(2)
        assert receiver.received[0].body == receiver.received[1].body


async def test_an_invoice_lives_for_its_days(tmp_path, clock: Traveller) -> None:
    """It can be paid late in its life, and not after it; the life is shortened by a setting."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_page_life_scale=0.01) as simulator:
        shop = Shop(simulator, "telcell")
        short, long_ = new_payment(), new_payment()
        first, second = [
            await page_of(shop, invoice(shop, number, valid_days=days)) for number, days in ((short, "1"), (long_, "9"))
        ]
        clock.shift(86_400 * 0.01)
        assert "time to pay is over" in (await simulator.http.get(first)).text
        await simulator.http.post(f"{first}/pay")
        await shop.press(second, "pay")
        assert (await shop.effects(short), len(await shop.effects(long_))) == ([], 2)


async def test_a_wrong_amount_is_reported_as_it_moved(shop: Shop) -> None:
    """With the fault, another sum is taken and reported, under a right checksum: the books must notice."""
    async with running_receiver() as receiver:
        await shop.register(result_url=receiver.url)
        payment_id = new_payment()
        page = await page_of(shop, invoice(shop, payment_id))
        await shop.simulator.switch(operation="authorise", fault="wrong_amount", match={"payment_id": payment_id})
        await shop.press(page, "pay")
        await receiver.until(1)
        told = reported(receiver.received[0])
        assert (told["sum"], told["checksum"]) == ("9.99", checksum(shop.secret, told))
        assert await shop.effects(payment_id) == [("authorised", 999), ("captured", 999)]
