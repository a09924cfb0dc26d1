"""Twins: two requests under one key, of which one is stopped at the worst moment and goes on when the other is done.

A process may be stopped at any instruction (a full machine, a paused container) and go on later. What it looked up
before, and what it answers then, must agree with what its twin did under the same key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.http.examples import ORDER as ORDER_EXAMPLE
from api.http.idempotency import Answer, Once
from clearway.db import idempotency as store
from clearway.db.tables import idempotency_keys, payments, refunds, webhook_endpoints
from clearway.domain.errors import ConflictError
from clearway.domain.ids import ORDER
from clearway.domain.limits import WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX
from clearway.domain.resources import OrderResource
from clearway.services import Allocation
from tests.services.api.conftest import Caller, Payer

Send = Callable[[], Awaitable[httpx.Response]]


@pytest.fixture
def race(monkeypatch: pytest.MonkeyPatch) -> Callable[[Send], Awaitable[tuple[httpx.Response, httpx.Response]]]:
    """Send a request twice: the first stops once it has reserved its key, and goes on when the second is answered."""
    reserve = store.reserve

    async def run(send: Send) -> tuple[httpx.Response, httpx.Response]:
        stopped, go_on, calls = asyncio.Event(), asyncio.Event(), 0

        async def stopping(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            is_first = calls == 1
            reserved = await reserve(*arguments, **named)
            if is_first:
                stopped.set()
                await go_on.wait()
            return reserved

        monkeypatch.setattr(store, "reserve", stopping)
        first = asyncio.create_task(send())
        await stopped.wait()
        twin = await send()
        go_on.set()
        return await first, twin

    return run


Race = Callable[[Send], Awaitable[tuple[httpx.Response, httpx.Response]]]


async def count(engine: AsyncEngine, table: Any, merchant_id: str) -> int:
    """Count a merchant's rows."""
    async with engine.connect() as connection:
        query = select(func.count()).select_from(table).where(table.c.merchant_id == merchant_id)
        return int(await connection.scalar(query) or 0)


async def test_a_payment_is_not_refused_because_of_itself(payer: Payer, race: Race, api_engine: AsyncEngine) -> None:
    """Stopped between the key and the order, it finds the order held by its own payment: that is its answer."""
    order_id = await payer.order()
    first, twin = await race(lambda: payer.post_payment(order_id, key="twins"))
    assert (first.status_code, twin.status_code) == (201, 201), first.text
    assert first.content == twin.content
    assert await count(api_engine, payments, payer.id) == 1


async def test_nor_while_its_twin_has_not_answered_yet(
    payer: Payer, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeat that comes before the first answer is stored gets the payment, not a refusal."""
    order_id = await payer.order()
    keep, recorded, go_on = store.keep_answer, asyncio.Event(), asyncio.Event()

    async def stopping(*arguments: Any, **named: Any) -> Any:
        if not recorded.is_set():
            recorded.set()
            await go_on.wait()
        return await keep(*arguments, **named)

    monkeypatch.setattr(store, "keep_answer", stopping)
    first = asyncio.create_task(payer.post_payment(order_id, key="twins"))
    await recorded.wait()
    twin = await payer.post_payment(order_id, key="twins")
    go_on.set()
    assert twin.status_code == 201, twin.text
    assert (await first).content == twin.content
    assert await count(api_engine, payments, payer.id) == 1


async def test_nor_when_it_goes_on_before_its_twin_has_answered(
    payer: Payer, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before it read the order, it goes on once its twin has the payment recorded, and not yet answered."""
    order_id, reserve, keep = await payer.order(), store.reserve, store.keep_answer
    stopped, go_on, recorded, answer = (asyncio.Event() for _ in range(4))

    async def stopping(*arguments: Any, **named: Any) -> Any:
        reserved = await reserve(*arguments, **named)
        if not stopped.is_set():
            stopped.set()
            await go_on.wait()
        return reserved

    async def waiting(*arguments: Any, **named: Any) -> Any:
        if not recorded.is_set():
            recorded.set()
            await answer.wait()
        return await keep(*arguments, **named)

    monkeypatch.setattr(store, "reserve", stopping)
    monkeypatch.setattr(store, "keep_answer", waiting)
    first = asyncio.create_task(payer.post_payment(order_id, key="twins"))
    await stopped.wait()
    twin = asyncio.create_task(payer.post_payment(order_id, key="twins"))
    await recorded.wait()
    go_on.set()
    answered = await first
    answer.set()
    assert answered.status_code == 201, answered.text
    assert (await twin).content == answered.content
    assert await count(api_engine, payments, payer.id) == 1


async def test_a_customers_payment_is_not_refused_because_of_itself(
    payer: Payer, race: Race, anonymous: httpx.AsyncClient
) -> None:
    """On a public page too."""
    body = {"order_id": await payer.order(), "method": "upi", "vpa": "success@razorpay"}
    headers = {"Idempotency-Key": "twins"}
    first, twin = await race(lambda: anonymous.post("/payments/public", json=body, headers=headers))
    assert (first.status_code, twin.status_code) == (201, 201), first.text
    assert first.content == twin.content


async def test_a_refund_of_all_is_not_refused_because_of_itself(
    payer: Payer, race: Race, api_engine: AsyncEngine
) -> None:
    """Nothing is left to refund after the twin, and the answer is the refund."""
    payment = await payer.payment()
    path, headers = f"/payments/{payment['id']}/refunds", {"Idempotency-Key": "twins"}
    first, twin = await race(lambda: payer.http.post(path, json={}, headers=headers))
    assert (first.status_code, twin.status_code) == (201, 201), first.text
    assert first.content == twin.content
    assert await count(api_engine, refunds, payer.id) == 1


async def test_a_capture_in_part_is_done_once(payer: Payer, race: Race) -> None:
    """The capture of the twin is the answer, and is not captured again."""
    payment = await payer.payment(until="authorized", capture_method="manual")
    path, headers = f"/payments/{payment['id']}/capture", {"Idempotency-Key": "twins"}
    first, twin = await race(lambda: payer.http.post(path, json={"amount": 40_000}, headers=headers))
    assert (first.status_code, twin.status_code) == (200, 200), first.text
    assert first.content == twin.content
    read = (await payer.http.get(f"/payments/{payment['id']}")).json()
    assert read["amount_captured"] == 40_000


async def test_the_last_endpoint_is_not_one_too_many_for_itself(
    caller: Caller, race: Race, api_engine: AsyncEngine
) -> None:
    """The twin takes the last place there is for an endpoint; the answer is that endpoint with the same secret."""
    body = {"url": "http://127.0.0.1:9/hook"}
    for _ in range(WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX - 1):
        assert (await caller.http.post("/webhook_endpoints", json=body)).status_code == 201
    headers = {"Idempotency-Key": "twins"}
    first, twin = await race(lambda: caller.http.post("/webhook_endpoints", json=body, headers=headers))
    assert (first.status_code, twin.status_code) == (201, 201), first.text
    assert first.content == twin.content
    assert await count(api_engine, webhook_endpoints, caller.id) == WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX


async def test_a_retry_that_was_answered_is_not_refused(payer: Payer, race: Race, api_engine: AsyncEngine) -> None:
    """The twin sends the delivery again, then the endpoint is disabled: the answer is still that it was sent."""
    endpoint = (await payer.http.post("/webhook_endpoints", json={"url": "http://127.0.0.1:9/hook"})).json()
    place = f"/webhook_endpoints/{endpoint['id']}"
    delivery = (await payer.http.post(f"{place}/test")).json()
    path, headers = f"/webhooks/{delivery['id']}/retry", {"Idempotency-Key": "twins"}
    answered = 0

    async def send() -> httpx.Response:
        nonlocal answered
        response = await payer.http.post(path, headers=headers)
        answered += 1
        if answered == 1:
            await payer.http.patch(place, json={"status": "disabled"})
        return response

    first, twin = await race(send)
    assert (first.status_code, twin.status_code) == (200, 200), first.text
    assert first.content == twin.content


class TestMechanism:
    """Rules that hold for every operation."""

    async def test_an_answer_stored_meanwhile_wins_over_a_refusal(self, caller: Caller, app: FastAPI) -> None:
        """The refusal was decided by what was looked up; the twin's answer is what happened."""
        once = Once(app.state.services, caller.id, "k", b"same")

        async def twin(_: Allocation) -> Answer:
            return Answer(HTTPStatus.OK, OrderResource.model_validate(ORDER_EXAMPLE))

        async def refused(_: Allocation) -> Answer:
            await once.answer(ORDER, twin)
            raise ConflictError("order_has_payment", "no")

        answer = await once.answer(ORDER, refused)
        assert answer.status_code == HTTPStatus.OK
        assert answer.headers["Idempotent-Replayed"] == "true"

    async def test_a_refusal_leaves_the_key_to_a_twin_at_work(self, caller: Caller, app: FastAPI) -> None:
        """A twin that is refused does not free the key of one that works: its answer is kept, and its id is used."""
        once = Once(app.state.services, caller.id, "k", b"same")
        ids: list[str] = []

        async def refused(allocation: Allocation) -> Answer:
            ids.append(allocation.resource_id)
            raise ConflictError("order_has_payment", "no")

        async def at_work(allocation: Allocation) -> Answer:
            with pytest.raises(ConflictError):
                await once.answer(ORDER, refused)
            ids.append(allocation.resource_id)
            return Answer(HTTPStatus.OK, OrderResource.model_validate(ORDER_EXAMPLE))

        async def repeat(_: Allocation) -> Answer:
            raise AssertionError("the answer is kept, so a repeat does nothing")

        done = await once.answer(ORDER, at_work)
        again = await once.answer(ORDER, repeat)
        assert again.body == done.body
        assert len(set(ids)) == 1

    async def test_a_refused_request_goes_on_under_the_id_of_its_twin(self, caller: Caller, app: FastAPI) -> None:
        """When a twin has taken another id meanwhile, the refusal was about an id that nobody uses any more."""
        once = Once(app.state.services, caller.id, "k", b"same")
        ids: list[str] = []

        async def operation(allocation: Allocation) -> Answer:
            ids.append(allocation.resource_id)
            if len(ids) == 1:
                async with app.state.services.engine.begin() as connection:
                    mine = idempotency_keys.c.merchant_id == caller.id
                    await connection.execute(update(idempotency_keys).where(mine).values(resource_id="order_of_twin"))
                raise ConflictError("order_has_payment", "no")
            return Answer(HTTPStatus.OK, OrderResource.model_validate(ORDER_EXAMPLE))

        assert (await once.answer(ORDER, operation)).status_code == HTTPStatus.OK
        assert ids[1:] == ["order_of_twin"]
