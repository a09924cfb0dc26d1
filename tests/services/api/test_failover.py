"""A payment that is tried at a second gateway, as a merchant meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import across_merchants
from clearway.db.tables import payment_attempts
from tests.services.api.conftest import Payer
from tests.services.api.gateway_sending import event_about, send
from tests.services.gateways.running import Simulator

AMOUNT = 50_000
DOWN = {"operation": "authorise", "fault": "error_before", "times": 3, "match": {"method": "upi"}}


@pytest.fixture
async def moved(payer: Payer, api_simulator: Simulator) -> AsyncIterator[dict[str, Any]]:
    """Create a payment that the first gateway refuses before it does anything, and the second takes."""
    second = {"kind": "simulator", "name": "Second", "priority": 200, "test": False}
    made = await payer.http.post("/gateways", json=second)
    assert made.status_code == 201, made.text
    await api_simulator.switch(**DOWN)
    yield await payer.payment()
    await api_simulator.http.delete("/faults")


async def test_each_attempt_is_listed_and_the_money_is_taken_once(
    payer: Payer, api_simulator: Simulator, moved: dict[str, Any]
) -> None:
    """The attempts name both gateways, the payment has the second, and an event reports the failed attempt."""
    attempts = (await payer.http.get(f"/payments/{moved['id']}/attempts")).json()["data"]
    assert [attempt["status"] for attempt in attempts] == ["failed", "succeeded"]
    assert attempts[1]["gateway_id"] == moved["gateway_id"] != attempts[0]["gateway_id"]
    history = (await payer.http.get(f"/payments/{moved['id']}/history")).json()["data"]
    assert [step["type"] for step in history] == ["payment.created", "payment.attempt_failed", "payment.success"]
    told = (await payer.http.get(f"/events/{history[1]['event_id']}")).json()["data"]
    assert (told["object"], told["number"], told["executed"]) == ("payment_attempt", 1, "no")
    assert await api_simulator.charges(moved["id"]) == 1
    refund = (await payer.http.post(f"/payments/{moved['id']}/refunds", json={"amount": 1})).json()
    await payer.refund_in(refund["id"], "processed")


async def test_a_late_success_of_the_first_gateway_is_never_hidden(
    payer: Payer, anonymous: httpx.AsyncClient, moved: dict[str, Any]
) -> None:
    """When the gateway that was given up reports a success, a review is opened, although the payment has ended."""
    late = event_about(f"{moved['id']}:authorise:1", amount=AMOUNT)
    assert (await send(anonymous, to=payer, event=late)).json() == {"status": "contradicts"}


async def test_a_gateway_speaks_of_its_own_attempt_only(
    payer: Payer, anonymous: httpx.AsyncClient, moved: dict[str, Any]
) -> None:
    """An event of the first gateway about the second attempt is foreign, and is not believed."""
    foreign = event_about(f"{moved['id']}:authorise:2", amount=AMOUNT)
    assert (await send(anonymous, to=payer, event=foreign)).json() == {"status": "foreign"}


async def test_a_card_is_not_moved(payer: Payer, api_simulator: Simulator) -> None:
    """A card token belongs to one gateway: the payment waits for that one and is not tried elsewhere."""
    second = {"kind": "simulator", "name": "Second", "priority": 200, "test": False}
    await payer.http.post("/gateways", json=second)
    card = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2031, "cvv": "123"}
    await api_simulator.switch(operation="authorise", fault="error_before", times=1, match={"method": "card"})
    paid = await payer.payment(method="card", card=card)
    await api_simulator.http.delete("/faults")
    attempts = (await payer.http.get(f"/payments/{paid['id']}/attempts")).json()["data"]
    assert len(attempts) == 1


async def test_the_first_gateways_reference_finds_its_attempt(moved: dict[str, Any], api_engine: AsyncEngine) -> None:
    """An event that names only the gateway's id of an attempt that another followed is still about that attempt."""
    first, page = payment_attempts.c.id == f"{moved['id']}:authorise:1", f"page of {moved['id']}"
    async with api_engine.begin() as connection:
        await connection.execute(update(payment_attempts).where(first).values(gateway_references={"payment": page}))
        at = await connection.scalar(select(payment_attempts.c.gateway_id).where(first))
        assert await across_merchants.find_by_reference(connection, at, page) == (moved["id"], 1)
        assert await across_merchants.find_by_reference(connection, moved["gateway_id"], page) is None


async def test_a_first_step_whose_outcome_is_unknown_is_tried_elsewhere(payer: Payer, api_simulator: Simulator) -> None:
    """An order at PayPal moves no money, so a payment whose order is not answered goes to the next gateway."""
    paypal = {
        "kind": "paypal",
        "name": "PayPal",
        "priority": 1,
        "test": False,
        "credentials": {"client_id": "client_failover", "client_secret": "secret_failover"},
        "settings": {"api_base": f"{api_simulator.url}/paypal"},
    }
    made = await payer.http.post("/gateways", json=paypal)
    assert made.status_code == 201, made.text
    await api_simulator.switch(operation="prepare", fault="error_before", times=9, match={"gateway": "paypal"})
    wallet = {"method": "wallet", "wallet": {"code": "paypal"}, "return_url": "https://shop.example/"}
    paid = await payer.payment(**wallet)
    await api_simulator.http.delete("/faults")
    attempts = (await payer.http.get(f"/payments/{paid['id']}/attempts")).json()["data"]
    assert [(attempt["gateway"], attempt["status"]) for attempt in attempts] == [
        ("paypal", "failed"),
        ("simulator", "succeeded"),
    ]
