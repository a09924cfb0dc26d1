"""The API process is killed between reserving an Idempotency-Key and answering; careful clients repeat."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpx
import pytest

from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import Merchant

pytestmark = pytest.mark.timeout(300)

REQUESTS = 24
REFUNDS = 12


async def send(merchant: Merchant, path: str, body: dict[str, Any], key: str) -> httpx.Response | None:
    """Send one request; None when the connection broke before its answer."""
    try:
        return await merchant.post(path, body, key=key)
    except httpx.TransportError:
        return None


async def some_answers(sent: list[asyncio.Task[httpx.Response | None]], count: int) -> None:
    """Wait until this many requests are answered, so that the others are in the middle of it."""
    for answered in itertools.islice(asyncio.as_completed(sent), count):
        await answered


@pytest.mark.parametrize("answers", [1, 8])
async def test_a_repeat_finds_the_payment_of_its_key(fragile: Site, answers: int) -> None:
    """Whenever the API died: the same key gives the same payment, one per order, and one charge."""
    merchant = fragile.merchant
    bodies = [await merchant.body(1_000 + number) for number in range(REQUESTS)]
    sent = [asyncio.create_task(send(merchant, "/payments", body, f"api-{body['order_id']}")) for body in bodies]
    await some_answers(sent, answers)
    await fragile.stack.kill("api")
    first = await asyncio.gather(*sent)
    await fragile.stack.start("api")

    repeats = [merchant.insist("/payments", body, key=f"api-{body['order_id']}") for body in bodies]
    second = await asyncio.gather(*repeats)
    assert {answer.status_code for answer in second} == {201}, [answer.text for answer in second]
    for before, after in zip(first, second, strict=True):
        if before is not None and before.status_code == 201:
            assert after.content == before.content
            assert after.headers["Idempotent-Replayed"] == "true"
    assert None in first, "the kill came too late to meet a request"
    for body, answer in zip(bodies, second, strict=True):
        payment = await merchant.until(answer.json(), "success")
        listed = (await merchant.read(f"/payments?order_id={body['order_id']}"))["data"]
        assert [item["id"] for item in listed] == [payment["id"]]
        assert await merchant.charged(payment) == [payment["amount"]]


async def test_a_repeat_finds_the_refund_of_its_key(fragile: Site) -> None:
    """Refunds that were asked for when the API died are made once each, however often they are repeated."""
    merchant = fragile.merchant
    payment = await merchant.paid(REFUNDS * 1_000)
    path = f"/payments/{payment['id']}/refunds"
    keys = [f"api-{payment['id']}-{number}" for number in range(REFUNDS)]
    sent = [asyncio.create_task(send(merchant, path, {"amount": 1_000}, key)) for key in keys]
    await some_answers(sent, 2)
    await fragile.stack.kill("api")
    first = await asyncio.gather(*sent)
    await fragile.stack.start("api")

    second = await asyncio.gather(*(merchant.insist(path, {"amount": 1_000}, key=key) for key in keys))
    assert {answer.status_code for answer in second} == {201}, [answer.text for answer in second]
    assert len({answer.json()["id"] for answer in second}) == REFUNDS
    for before, after in zip(first, second, strict=True):
        assert before is None or before.status_code != 201 or before.content == after.content
    for answer in second:
        await merchant.until(answer.json(), "processed")
    assert [effect["amount"] for effect in await merchant.effects(payment, "refunded")] == [1_000] * REFUNDS
