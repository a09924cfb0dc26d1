"""Twenty at once: one key, one order, one payment's refunds and captures. Concurrency never creates money."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx

from tests.stack.e2e.merchant import Merchant

RACERS = 20


async def all_at_once(*requests: object) -> list[httpx.Response]:
    """Send everything together and return the answers."""
    return list(await asyncio.gather(*requests))  # type: ignore[call-overload]


async def test_one_key_makes_one_payment(merchant: Merchant) -> None:
    """Twenty requests with one key: twenty byte-equal 201s, all but the first marked as replays, and one charge."""
    body = await merchant.body(31_000)
    key = f"race-{body['order_id']}"
    answers = await all_at_once(*(merchant.post("/payments", body, key=key) for _ in range(RACERS)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    marks = Counter(answer.headers.get("Idempotent-Replayed") for answer in answers)
    assert marks == {"true": RACERS - 1, None: 1}
    payment = await merchant.until(answers[0].json(), "success")
    assert await merchant.charged(payment) == [31_000]
    listed = (await merchant.http.get("/payments", params={"order_id": body["order_id"]})).json()["data"]
    assert [item["id"] for item in listed] == [payment["id"]]


async def test_a_repeat_after_the_end_gets_the_first_answer(merchant: Merchant) -> None:
    """When the payment has long succeeded, its key still answers with the bytes of the beginning."""
    body = await merchant.body()
    key = f"late-{body['order_id']}"
    first = await merchant.post("/payments", body, key=key)
    await merchant.until(first.json(), "success")
    again = await merchant.post("/payments", body, key=f'"{key}"')
    assert (again.status_code, again.content, again.headers["Idempotent-Replayed"]) == (201, first.content, "true")


async def test_one_key_with_another_body_has_no_effect(merchant: Merchant) -> None:
    """The same key for another request is a 422, and the other order is not touched."""
    body, other = await merchant.body(), await merchant.body()
    key = f"reused-{body['order_id']}"
    made = (await merchant.post("/payments", body, key=key)).json()
    refused = await merchant.post("/payments", other, key=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert (await merchant.read(f"/orders/{other['order_id']}"))["status"] == "created"
    await merchant.until(made, "success")


async def test_keys_of_two_merchants_never_meet(merchant: Merchant, rival: Merchant) -> None:
    """The same key of two merchants is two keys: two payments, each of its own merchant."""
    key = f"shared-{await merchant.order()}"
    bodies = await asyncio.gather(merchant.body(), rival.body())
    mine, theirs = await all_at_once(
        merchant.post("/payments", bodies[0], key=key), rival.post("/payments", bodies[1], key=key)
    )
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]
    for shop, answer in ((merchant, mine), (rival, theirs)):
        paid = await shop.until(answer.json(), "success")
        assert len(await merchant.charged(paid)) == 1


async def test_one_order_takes_one_payment(merchant: Merchant) -> None:
    """Twenty payments of one order, each with a key of its own: one 201, nineteen 409, one charge."""
    body = await merchant.body(9_900)
    order_id = body["order_id"]
    answers = await all_at_once(
        *(merchant.post("/payments", body, key=f"{order_id}-{number}") for number in range(RACERS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"order_has_payment"}
    winner = next(answer.json() for answer in answers if answer.status_code == 201)
    await merchant.until(winner, "success")
    listed = (await merchant.http.get("/payments", params={"order_id": order_id})).json()["data"]
    charges = [amount for item in listed for amount in await merchant.charged(item)]
    assert charges == [9_900]


async def test_refunds_never_exceed_what_was_captured(merchant: Merchant) -> None:
    """Twenty refunds of a seventh each: seven fit, and journal, row and ledger agree that no more was given back."""
    payment = await merchant.paid(70_000)
    path = f"/payments/{payment['id']}/refunds"
    answers = await all_at_once(
        *(merchant.post(path, {"amount": 10_000}, key=f"{payment['id']}-{number}") for number in range(RACERS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 7, 409: RACERS - 7}
    for answer in answers:
        if answer.status_code == 201:
            await merchant.until(answer.json(), "processed")
    assert sum(effect["amount"] for effect in await merchant.effects(payment, "refunded")) == 70_000
    assert (await merchant.read(f"/payments/{payment['id']}"))["amount_refunded"] == 70_000


async def test_one_key_makes_one_refund(merchant: Merchant) -> None:
    """Twenty repeats of one refund give the money back once, although there would be enough for all."""
    payment = await merchant.paid(70_000)
    path, key = f"/payments/{payment['id']}/refunds", f"refund-{payment['id']}"
    answers = await all_at_once(*(merchant.post(path, {"amount": 1_000}, key=key) for _ in range(RACERS)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    await merchant.until(answers[0].json(), "processed")
    assert [effect["amount"] for effect in await merchant.effects(payment, "refunded")] == [1_000]


async def test_captures_never_exceed_what_was_authorised(merchant: Merchant) -> None:
    """Ten captures of a third each: three fit, and the gateway took no more than was authorised."""
    payment = await merchant.authorized(30_000)
    path = f"/payments/{payment['id']}/capture"
    third = {"amount": 10_000, "final": False}
    answers = await all_at_once(*(merchant.post(path, third, key=f"{payment['id']}-{number}") for number in range(10)))
    taken = Counter(answer.status_code for answer in answers)
    assert taken[200] == 3, [answer.text for answer in answers]
    assert set(taken) <= {200, 409}
    assert await merchant.charged(payment) == [10_000] * 3


async def test_cancel_and_capture_exclude_each_other(merchant: Merchant) -> None:
    """A capture and a cancellation at once: the money is either taken or released, and both answers say which."""
    payment = await merchant.authorized(30_000)
    path = f"/payments/{payment['id']}"
    captured, cancelled = await all_at_once(merchant.post(f"{path}/capture"), merchant.post(f"{path}/cancel"))
    ended = await merchant.until(payment, "success", "cancelled")
    was_taken = ended["status"] == "success"
    assert (captured.status_code, cancelled.status_code) == ((200, 409) if was_taken else (409, 200))
    assert len(await merchant.charged(payment)) == was_taken
