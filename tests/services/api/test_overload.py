"""Overload: new work is refused before anything is reserved; requests that finish old work are served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from clearway.settings import Settings
from tests.services.api.conftest import Payer, changed, client_of

REFUSED_WITHIN_S = 15.0
"""A tenth of a second is promised, but the machine of the tests may be busy. A request that waits takes longer."""
WAVES, WAVE = 6, 20


@pytest.fixture
async def busy_app(api_settings: Settings) -> AsyncIterator[FastAPI]:
    """Run an API that finds every recording too slow."""
    app = create_app(changed(api_settings, overload_target_ms=1))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def shopper(busy_app: FastAPI, payer: Payer) -> AsyncIterator[Payer]:
    """Make payments at the busy API."""
    async with client_of(busy_app, payer.credentials) as http:
        yield Payer(payer.id, payer.credentials, http)


async def test_new_work_is_refused_and_the_rest_is_served(
    busy_app: FastAPI, shopper: Payer, payer: Payer, api_engine: AsyncEngine
) -> None:
    """With no room left, payments, refunds and orders are 503 `overloaded` at once; reads and captures go on."""
    order = await payer.order()
    paid = await payer.payment()
    held = await payer.payment(until="authorized", capture_method="manual")
    key = {"Idempotency-Key": "overload-1"}
    body = {"order_id": order, "method": "upi", "vpa": "success@razorpay"}
    with ExitStack() as crowd:
        for _ in range(int(busy_app.state.admission.limit)):
            crowd.enter_context(busy_app.state.admission.admitted())
        began = time.monotonic()
        refused = [
            await shopper.http.post("/payments", json=body, headers=key),
            await shopper.http.post("/payments/public", json=body, headers=key),
            await shopper.http.post(f"/payments/{paid['id']}/refunds", json={}, headers=key),
            await shopper.http.post("/orders", json={"amount": 100, "currency": "INR"}, headers=key),
        ]
        assert time.monotonic() - began < REFUSED_WITHIN_S
        captured = await shopper.http.post(f"/payments/{held['id']}/capture", json={})
        read = await shopper.http.get(f"/payments/{paid['id']}")
    for answer in refused:
        assert answer.status_code == 503
        assert answer.json()["code"] == "overloaded"
        assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert (captured.status_code, read.status_code) == (200, 200)
    async with api_engine.connect() as connection:
        query = text("SELECT count(*) FROM idempotency_keys WHERE merchant_id = :merchant AND key LIKE '%overload-1'")
        assert (await connection.execute(query, {"merchant": payer.id})).scalar_one() == 0
    taken = await shopper.http.post("/payments", json=body, headers=key)
    assert taken.status_code == 201


async def test_a_crowd_is_thinned_and_whoever_was_taken_is_served(busy_app: FastAPI, shopper: Payer) -> None:
    """The bound falls while recording is too slow; a request creates a payment, or is refused with nothing done."""

    async def pay(order: str) -> httpx.Response:
        return await shopper.post_payment(order, key=f"crowd-{order}")

    answers: list[httpx.Response] = []
    for _ in range(WAVES):
        orders = [await shopper.order() for _ in range(WAVE)]
        answers += await asyncio.gather(*map(pay, orders))
    taken = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(taken) + len(refused) == len(answers)
    assert len(refused) >= WAVE, "the bound did not fall"
    listed = (await shopper.http.get("/payments", params={"limit": 100})).json()["data"]
    assert {one["id"] for one in listed} == taken
    metrics = (await shopper.http.get("http://api.test/metrics")).text
    assert f"clearway_admission_refused_total {float(len(refused))}" in metrics
