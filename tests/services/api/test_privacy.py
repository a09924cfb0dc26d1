"""Personal data: sealed wherever they are kept for good, in clear only in rows that can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.db.tables import webhook_deliveries
from clearway.durable.messages import delivery_workflow_id, payment_workflow_id, refund_workflow_id
from tests.services.api.conftest import Payer
from tests.services.api.test_gateway_events import event_about, send
from tests.support.receiver import Receiver, Reply, running_receiver
from tests.support.traces import MARKERS, found_in, kept_by_temporal, payment_fields


@pytest.fixture
async def echo() -> AsyncIterator[Receiver]:
    """Run a merchant's endpoint that answers with what it received, personal data and all."""
    async with running_receiver() as receiver:

        async def answer_with_the_last() -> None:
            receiver.usual = Reply(body=receiver.received[-1].body)

        receiver.before_reply = answer_with_the_last
        yield receiver


async def paid_and_refunded(payer: Payer, receiver: Receiver) -> tuple[str, str]:
    """Authorise, capture in parts, refund, each with webhooks; return the ids of payment and refund."""
    made = await payer.http.post("/webhook_endpoints", json={"url": receiver.url})
    assert made.status_code == 201, made.text
    payment = await payer.payment(until="authorized", capture_method="manual", key="pay", **payment_fields())
    captured = await payer.http.post(f"/payments/{payment['id']}/capture", json={"amount": 40_000, "final": False})
    assert captured.status_code == 200, captured.text
    released = await payer.http.post(f"/payments/{payment['id']}/cancel", json={})
    assert released.status_code == 200, released.text
    for answer in (captured.json(), released.json(), payment):
        assert (answer["vpa"], answer["customer"]["email"]) == (MARKERS["vpa"], MARKERS["e-mail"])
        assert answer["notes"] == {MARKERS["name of a note"]: MARKERS["note"]}
    refund = await payer.http.post(f"/payments/{payment['id']}/refunds", json={"amount": 10_000})
    await payer.refund_in(refund.json()["id"], "processed")
    return payment["id"], refund.json()["id"]


async def reviewed(payer: Payer) -> str:
    """Have an operator decide a payment of which the gateway took another amount; return its id."""
    fields = payment_fields() | {"vpa": "wrongamount@clearway"}
    payment = await payer.payment(until="needs_review", **fields)
    decision = {"outcome": "success", "reason": "seen at the acquirer", "amount": payment["amount"] - 1}
    resolved = await payer.http.post(f"/payments/{payment['id']}/resolve", json=decision)
    assert resolved.status_code == 200, resolved.text
    assert resolved.json()["customer"]["email"] == MARKERS["e-mail"]
    return str(payment["id"])


async def deliveries_of(engine: AsyncEngine, payment_ids: list[str]) -> list[Any]:
    """Return the deliveries about these payments."""
    query = select(webhook_deliveries).where(webhook_deliveries.c.payment_id.in_(payment_ids))
    async with engine.connect() as connection:
        return list(await connection.execute(query))


async def delivered(engine: AsyncEngine, payment_ids: list[str]) -> list[Any]:
    """Return the deliveries about these payments once all are delivered."""
    async with asyncio.timeout(20):
        while not (found := await deliveries_of(engine, payment_ids)) or any(
            each.status == "pending" for each in found
        ):
            await asyncio.sleep(0.05)
    return found


async def test_nothing_personal_is_kept_in_clear_where_it_cannot_be_removed(
    payer: Payer, echo: Receiver, temporal: Client, api_engine: AsyncEngine, anonymous: httpx.AsyncClient
) -> None:
    """Of payments with webhooks, captures, refunds and reviews, no history and no row for good shows a payer."""
    payment_id, refund_id = await paid_and_refunded(payer, echo)
    reviewed_id = await reviewed(payer)
    about = event_about(f"{payment_id}:capture:1", type="capture", status="succeeded", amount=40_000)
    about["data"] |= {"email": MARKERS["e-mail"], "contact": MARKERS["phone"], "vpa": MARKERS["vpa"]}
    assert (await send(anonymous, about)).status_code == 200
    sent = await delivered(api_engine, [payment_id, reviewed_id])

    workflows = [payment_workflow_id(payment_id), payment_workflow_id(reviewed_id), refund_workflow_id(refund_id)]
    workflows += [delivery_workflow_id(each.event_id, each.endpoint_id) for each in sent]
    kept = await kept_by_temporal(temporal, workflows)
    assert {place: found_in(what) for place, what in kept.items() if found_in(what)} == {}
    assert all(MARKERS["e-mail"].encode() in delivery.body for delivery in echo.about('"object":"payment"'))
    assert echo.about('"object":"payment"')
