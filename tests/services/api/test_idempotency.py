"""Idempotency keys, on orders: the mechanism is one for every POST. Payments under one key: `test_payments.py`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.http.examples import ORDER as ORDER_EXAMPLE
from api.http.idempotency import Answer, Once, Operation
from clearway.db.tables import idempotency_keys, orders
from clearway.domain.errors import ConflictError, UnavailableError
from clearway.domain.ids import ORDER
from clearway.domain.resources import OrderResource
from clearway.services import Allocation
from tests.services.api.conftest import Caller, NewCaller, Payer
from tests.services.api.rows import forget_answer

BODY = {"amount": 700, "currency": "INR"}


async def post(caller: Caller, key: str | bytes, body: object = BODY) -> httpx.Response:
    """Create an order under a key."""
    return await caller.http.post("/orders", json=body, headers={"Idempotency-Key": key})


async def count_orders(engine: AsyncEngine, merchant_id: str) -> int:
    """Count the orders in the database."""
    async with engine.connect() as connection:
        query = select(func.count()).select_from(orders).where(orders.c.merchant_id == merchant_id)
        return int(await connection.scalar(query) or 0)


async def test_a_repeat_gets_the_same_bytes_and_has_no_effect(caller: Caller, api_engine: AsyncEngine) -> None:
    """Same key and body: the same status and bytes, marked as replayed, and one order."""
    first = await post(caller, "k-1")
    again = await post(caller, "k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await count_orders(api_engine, caller.id) == 1


async def test_a_replay_is_not_the_present_state(caller: Caller, api_engine: AsyncEngine) -> None:
    """The stored bytes win: a replay shows the order as it was answered first, not as it is now."""
    first = await post(caller, "k-1")
    async with api_engine.begin() as connection:
        await connection.execute(
            update(orders).where(orders.c.id == first.json()["id"]).values(status="attempted", updated_at=func.now())
        )
    assert (await post(caller, "k-1")).content == first.content


async def test_twenty_racing_requests_make_one_order(caller: Caller, api_engine: AsyncEngine) -> None:
    """Twenty requests at once with one key: one order, twenty equal answers, one of them the first."""
    answers = await asyncio.gather(*(post(caller, "race") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert await count_orders(api_engine, caller.id) == 1


async def test_another_body_under_the_key_is_refused(caller: Caller, api_engine: AsyncEngine) -> None:
    """Same key, other body: 422, no effect, and the first answer is still there."""
    first = await post(caller, "k-1")
    refused = await post(caller, "k-1", {"amount": 701, "currency": "INR"})
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key_reused"
    assert await count_orders(api_engine, caller.id) == 1
    assert (await post(caller, "k-1")).content == first.content


async def test_another_route_under_the_key_is_refused(caller: Caller) -> None:
    """A key belongs to a method and a path too: the same body elsewhere is another request."""
    await caller.http.post("/orders", json=BODY, headers={"Idempotency-Key": "k-1"})
    order = await caller.order()
    path = f"/payments/pay_{order.removeprefix('order_')}/refunds"
    refused = await caller.http.post(path, json={"amount": 700}, headers={"Idempotency-Key": "k-1"})
    assert refused.json()["code"] == "idempotency_key_reused"


async def test_the_spelling_of_json_does_not_matter(caller: Caller) -> None:
    """Order of fields and white space are not the request: the repeat is recognised."""
    first = await post(caller, "k-1")
    spaced = b'{ "currency" : "INR",\n "amount" : 700 }'
    headers = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
    again = await caller.http.post("/orders", content=spaced, headers=headers)
    assert again.content == first.content


async def test_quoted_and_bare_keys_are_equal(caller: Caller, api_engine: AsyncEngine) -> None:
    """RFC 8941 quotes are not part of the key."""
    first = await post(caller, "8e03978e-40d5")
    again = await post(caller, '"8e03978e-40d5"')
    assert again.content == first.content
    assert await count_orders(api_engine, caller.id) == 1


@pytest.mark.parametrize("key", ["", '""', "with space", "x" * 256, "tab\tkey", "ключ".encode(), "é".encode("latin-1")])
async def test_a_key_of_another_form_is_refused(caller: Caller, api_engine: AsyncEngine, key: str | bytes) -> None:
    """A key is 1 to 255 visible ASCII characters; anything else is a 400, and nothing is made."""
    refused = await post(caller, key)
    assert refused.status_code == 400, refused.text
    assert refused.json()["code"] == "idempotency_key_invalid"
    assert await count_orders(api_engine, caller.id) == 0


async def test_the_longest_key_is_accepted(caller: Caller) -> None:
    """255 characters are a key."""
    key = "~" * 255
    assert (await post(caller, key)).content == (await post(caller, key)).content


async def test_keys_of_different_merchants_never_meet(new_caller: NewCaller) -> None:
    """The same key of two merchants names two requests, with other bodies too."""
    one, other = await new_caller(), await new_caller()
    first = await post(one, "shared")
    second = await post(other, "shared", {"amount": 9, "currency": "USD"})
    assert second.status_code == 201
    assert "Idempotent-Replayed" not in second.headers
    assert first.json()["id"] != second.json()["id"]


async def test_an_invalid_request_does_not_use_up_the_key(caller: Caller) -> None:
    """A 422 before anything began is not stored: the key works with the corrected body."""
    assert (await post(caller, "k-1", {"amount": 0, "currency": "INR"})).status_code == 422
    made = await post(caller, "k-1")
    assert made.status_code == 201
    assert "Idempotent-Replayed" not in made.headers


async def test_a_key_is_new_after_a_day(caller: Caller, api_engine: AsyncEngine) -> None:
    """After 24 hours the key may carry another request, and has an effect again."""
    await post(caller, "k-1")
    async with api_engine.begin() as connection:
        mine = idempotency_keys.c.merchant_id == caller.id
        await connection.execute(
            update(idempotency_keys).where(mine).values(created_at=func.now() - timedelta(hours=24, seconds=1))
        )
    fresh = await post(caller, "k-1", {"amount": 1, "currency": "USD"})
    assert fresh.status_code == 201
    assert "Idempotent-Replayed" not in fresh.headers
    assert await count_orders(api_engine, caller.id) == 2


async def test_a_repeat_goes_on_where_a_dead_request_stopped(caller: Caller, app: FastAPI) -> None:
    """A request that dies after its work and before its answer: the repeat works under the same id."""
    seen: list[str] = []
    once = Once(app.state.services, caller.id, "dies", b"same")

    async def operation(allocation: Allocation) -> Answer:
        seen.append(allocation.resource_id)
        raise UnavailableError("temporal_unavailable", "killed here")

    for _ in range(2):
        with pytest.raises(UnavailableError):
            await once.answer(ORDER, operation)
    assert len(seen) == 2
    assert seen[0] == seen[1]


async def test_a_refusal_is_not_kept(caller: Caller, app: FastAPI) -> None:
    """A 4xx changed nothing: a repeat is tried again, under the same id, and may succeed."""
    seen: list[str] = []
    once = Once(app.state.services, caller.id, "refused", b"same")

    async def operation(allocation: Allocation) -> Answer:
        seen.append(allocation.resource_id)
        if len(seen) == 1:
            raise ConflictError("order_has_payment", "no")
        return Answer(HTTPStatus.OK, OrderResource.model_validate(ORDER_EXAMPLE))

    with pytest.raises(ConflictError):
        await once.answer(ORDER, operation)
    made = await once.answer(ORDER, operation)
    assert "Idempotent-Replayed" not in made.headers
    assert seen[0] == seen[1]


async def test_a_key_stays_with_its_request_after_a_refusal(payer: Payer) -> None:
    """Another body under the key of a refused request is refused: a twin of the first may still be at work."""
    payment = await payer.payment()
    path, headers = f"/payments/{payment['id']}/refunds", {"Idempotency-Key": "k"}
    assert (await payer.http.post(path, json={"amount": 50_001}, headers=headers)).status_code == 409
    corrected = await payer.http.post(path, json={"amount": 50_000}, headers=headers)
    assert corrected.json()["code"] == "idempotency_key_reused"


async def test_a_spent_id_is_replaced_for_everybody(caller: Caller, app: FastAPI) -> None:
    """When the id under a key can never be used, one repeat allocates another and all of them go on with it."""
    seen: list[str] = []
    once = Once(app.state.services, caller.id, "spent", b"same")

    async def operation(allocation: Allocation) -> Answer:
        spent = allocation.resource_id
        await allocation.renew()
        seen.extend([spent, allocation.resource_id])
        raise UnavailableError("temporal_unavailable", "stop here")

    with pytest.raises(UnavailableError):
        await once.answer(ORDER, operation)

    async def repeat(allocation: Allocation) -> Answer:
        seen.append(allocation.resource_id)
        raise UnavailableError("temporal_unavailable", "stop here")

    with pytest.raises(UnavailableError):
        await once.answer(ORDER, repeat)
    spent, renewed, repeated = seen
    assert spent != renewed
    assert repeated == renewed


async def test_the_answer_that_is_stored_first_is_everybodys(caller: Caller, app: FastAPI) -> None:
    """Two requests in flight whose answers differ: the slower one sends what the faster one stored."""
    slow_may_end, slow_began = asyncio.Event(), asyncio.Event()
    once = Once(app.state.services, caller.id, "differ", b"same")

    def operation(amount: int, wait_for: asyncio.Event | None = None) -> Operation:
        async def run(allocation: Allocation) -> Answer:
            if wait_for is not None:
                slow_began.set()
                await wait_for.wait()
            return Answer(HTTPStatus.OK, OrderResource.model_validate(ORDER_EXAMPLE | {"amount": amount}))

        return run

    slow = asyncio.create_task(once.answer(ORDER, operation(1, slow_may_end)))
    await slow_began.wait()
    fast = await once.answer(ORDER, operation(2))
    slow_may_end.set()
    assert (await slow).body == fast.body
    assert b'"amount":2' in bytes(fast.body)


async def test_a_repeat_gets_its_own_payment_when_another_has_the_order_since(
    payer: Payer, api_engine: AsyncEngine
) -> None:
    """A request whose answer was lost made a payment that failed: its repeat is answered with that, not with a 409."""
    body = {"order_id": await payer.order(), "method": "upi", "vpa": "failure@razorpay"}
    first = await payer.http.post("/payments", json=body, headers={"Idempotency-Key": "lost"})
    await payer.payment_in(first.json()["id"], "failed")
    await forget_answer(api_engine, payer.id)
    other = await payer.http.post("/payments", json=body | {"vpa": "success@razorpay"})
    assert other.status_code == 201, other.text
    again = await payer.http.post("/payments", json=body, headers={"Idempotency-Key": "lost"})
    assert (again.status_code, again.json()) == (201, first.json())
