"""Refunds over the whole stack."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import payments
from tests.services.api.conftest import Caller, Payer
from tests.services.api.rows import forget_answer
from tests.support.database import Databases
from tests.support.forgetting import forget_refund


async def test_a_refund_is_reserved_and_then_processed(payer: Payer) -> None:
    """201 with `pending`; processed later, and then the payment shows it."""
    paid = await payer.payment()
    made = await payer.http.post(f"/payments/{paid['id']}/refunds", json={"amount": 20_000, "reason": "damaged"})
    assert made.status_code == 201
    refund = made.json()
    assert (refund["status"], refund["amount"], refund["reason"]) == ("pending", 20_000, "damaged")
    assert refund["payment_id"] == paid["id"]
    await payer.refund_in(refund["id"], "processed")
    assert (await payer.payment_in(paid["id"], "success"))["amount_refunded"] == 20_000


async def test_without_an_amount_all_that_is_left_is_refunded(payer: Payer) -> None:
    """A refund without a body refunds all that is left."""
    paid = await payer.payment()
    path = f"/payments/{paid['id']}/refunds"
    await payer.http.post(path, json={"amount": 15_000})
    rest = await payer.http.post(path)
    assert rest.json()["amount"] == 35_000
    assert (await payer.http.post(path)).json()["code"] == "amount_not_refundable"
    listed = (await payer.http.get(path)).json()["data"]
    assert [refund["amount"] for refund in listed] == [35_000, 15_000]


async def test_racing_refunds_never_give_back_too_much(payer: Payer, api_engine: AsyncEngine) -> None:
    """Twenty refunds of 4 000 race for 50 000: twelve are promised, eight are a 409."""
    paid = await payer.payment()
    path = f"/payments/{paid['id']}/refunds"
    answers = await asyncio.gather(*(payer.http.post(path, json={"amount": 4_000}) for _ in range(20)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 12 + [409] * 8
    async with api_engine.connect() as connection:
        row = (await connection.execute(select(payments).where(payments.c.id == paid["id"]))).one()
    assert row.refunded_minor + row.refund_pending_minor == 48_000


async def test_twenty_racing_requests_make_one_refund(payer: Payer) -> None:
    """Twenty requests at once with one key: one refund, twenty equal answers."""
    paid = await payer.payment()
    path = f"/payments/{paid['id']}/refunds"
    headers = {"Idempotency-Key": "r"}
    answers = await asyncio.gather(*(payer.http.post(path, json={"amount": 7}, headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len((await payer.http.get(path)).json()["data"]) == 1


async def test_more_than_was_captured_is_a_409_with_the_sums(payer: Payer) -> None:
    """The refusal says how much is left."""
    paid = await payer.payment()
    refused = await payer.http.post(f"/payments/{paid['id']}/refunds", json={"amount": 50_001})
    assert refused.status_code == 409
    assert refused.json()["code"] == "amount_not_refundable"
    assert "500.00" in refused.json()["detail"]


async def test_what_was_not_captured_cannot_be_refunded(payer: Payer) -> None:
    """An authorised payment has nothing to give back."""
    authorised = await payer.payment(until="authorized", capture_method="manual")
    refused = await payer.http.post(f"/payments/{authorised['id']}/refunds")
    assert refused.json()["code"] == "amount_not_refundable"


@pytest.mark.parametrize("body", [{"amount": 0}, {"amount": -5}, {"amount": "5"}, {"amount": 1.0}, {"amuont": 5}])
async def test_what_cannot_be_a_refund_is_refused(caller: Caller, body: dict[str, object]) -> None:
    """Invalid amounts and unknown fields are a 422."""
    refused = await caller.http.post("/payments/pay_00000000000000000000000000/refunds", json=body)
    assert refused.status_code == 422


async def test_refunds_are_listed_by_status(payer: Payer) -> None:
    """`GET /refunds` filters by status."""
    paid = await payer.payment()
    refund = (await payer.http.post(f"/payments/{paid['id']}/refunds")).json()
    await payer.refund_in(refund["id"], "processed")
    processed = (await payer.http.get("/refunds", params={"status": "processed"})).json()["data"]
    assert [item["id"] for item in processed] == [refund["id"]]
    assert (await payer.http.get("/refunds", params={"status": "failed"})).json()["data"] == []


@pytest.mark.parametrize("refund_id", ["rfnd_00000000000000000000000000", "x", "%00"])
async def test_a_refund_that_is_not_there_is_not_found(caller: Caller, refund_id: str) -> None:
    """404 for any text that is not an own refund's id."""
    assert (await caller.http.get(f"/refunds/{refund_id}")).json()["code"] == "refund_not_found"


async def test_a_repeat_is_not_answered_for_a_refund_that_was_lost(
    payer: Payer, api_engine: AsyncEngine, databases: Databases
) -> None:
    """The database was restored to when only the key was reserved: a 2xx waits until the refund is there again."""
    paid = await payer.payment()
    path, key = f"/payments/{paid['id']}/refunds", {"Idempotency-Key": "lost"}
    made = await payer.http.post(path, json={"amount": 20_000}, headers=key)
    refund_id = made.json()["id"]
    await payer.refund_in(refund_id, "processed")
    await forget_answer(api_engine, payer.id)
    await forget_refund(databases.url_of("api"), refund_id)

    again = await payer.http.post(path, json={"amount": 20_000}, headers=key)
    assert (again.status_code, again.json()["code"]) == (503, "temporal_unavailable")
    await payer.refund_in(refund_id, "processed")
    there = await payer.http.post(path, json={"amount": 20_000}, headers=key)
    assert (there.status_code, there.json()["id"]) == (201, refund_id)
    assert (await payer.payment_in(paid["id"], "success"))["amount_refunded"] == 20_000
