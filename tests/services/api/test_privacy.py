"""Personal data: sealed wherever it is kept for good, in clear only in rows that can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.db import tables
from clearway.db.roles import APPEND_ONLY
from clearway.db.tables import audit_log, webhook_deliveries
from clearway.domain.api import API_PREFIX
from clearway.durable.messages import delivery_workflow_id, payment_workflow_id, refund_workflow_id
from tests.services.api.conftest import NewCaller, Payer
from tests.services.api.gateway_sending import event_about, send
from tests.support.receiver import Receiver, Reply, running_receiver
from tests.support.traces import MARKERS, found_in, kept_by_temporal, payment_fields, rows_of

ONCE: Final[dict[str, Any]] = {"key": "planted"}
KEPT_FOR_GOOD: Final = (*sorted(APPEND_ONLY), "gateway_events", "reviews", "payment_commands")


@pytest.fixture
async def person(payer: Payer, app: FastAPI) -> AsyncIterator[Payer]:
    """Make a merchant whose requests come from the planted network address."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(MARKERS["network address"], 4711))
    headers = dict(payer.http.headers)
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://api.test{API_PREFIX}", headers=headers, timeout=60
    ) as http:
        yield Payer(payer.id, payer.credentials, http)


@pytest.fixture
async def echo() -> AsyncIterator[Receiver]:
    """Run a merchant's endpoint that answers with what it received, personal data and all."""
    async with running_receiver() as receiver:

        async def answer_with_the_last() -> None:
            receiver.usual = Reply(body=receiver.received[-1].body)

        receiver.before_reply = answer_with_the_last
        yield receiver


async def paid_and_refunded(person: Payer, receiver: Receiver) -> tuple[str, str]:
    """Authorise, capture in parts, refund, each with webhooks; return the ids of payment and refund."""
    made = await person.http.post("/webhook_endpoints", json={"url": receiver.url})
    assert made.status_code == 201, made.text
    order = await person.order(notes={"about": MARKERS["note of an order"]})
    payment = await person.payment(order, until="authorized", capture_method="manual", **ONCE, **payment_fields())
    captured = await person.http.post(f"/payments/{payment['id']}/capture", json={"amount": 40_000, "final": False})
    assert captured.status_code == 200, captured.text
    released = await person.http.post(f"/payments/{payment['id']}/cancel", json={})
    assert released.status_code == 200, released.text
    for answer in (captured.json(), released.json(), payment):
        assert (answer["vpa"], answer["customer"]["email"]) == (MARKERS["vpa"], MARKERS["e-mail"])
        assert answer["notes"] == {MARKERS["name of a note"]: MARKERS["note"]}
    refund = await person.http.post(f"/payments/{payment['id']}/refunds", json={"amount": 10_000})
    await person.refund_in(refund.json()["id"], "processed")
    return payment["id"], refund.json()["id"]


async def reviewed(person: Payer) -> str:
    """Have an operator decide a payment of which the gateway took another amount; return its id."""
    fields = payment_fields() | {"vpa": "wrongamount@clearway"}
    payment = await person.payment(until="needs_review", **fields)
    decision = {"outcome": "success", "reason": "seen at the acquirer", "amount": payment["amount"] - 1}
    resolved = await person.http.post(f"/payments/{payment['id']}/resolve", json=decision)
    assert resolved.status_code == 200, resolved.text
    assert resolved.json()["customer"]["email"] == MARKERS["e-mail"]
    return str(payment["id"])


async def told_by_gateway(client: httpx.AsyncClient, payment_id: str) -> None:
    """Have the gateway send an event that names the person, as gateways do."""
    about = event_about(f"{payment_id}:capture:1", type="capture", status="succeeded", amount=40_000)
    about["data"] |= {"email": MARKERS["e-mail"], "contact": MARKERS["phone"], "vpa": MARKERS["vpa"]}
    assert (await send(client, about)).status_code == 200


async def deliveries_of(engine: AsyncEngine, payment_ids: list[str]) -> list[Any]:
    """Return the deliveries about these payments."""
    query = select(webhook_deliveries).where(webhook_deliveries.c.payment_id.in_(payment_ids))
    async with engine.connect() as connection:
        return list(await connection.execute(query))


async def delivered(engine: AsyncEngine, payment_ids: list[str]) -> list[Any]:
    """Return the deliveries about these payments once all are delivered."""
    async with asyncio.timeout(60):
        while not (found := await deliveries_of(engine, payment_ids)) or any(
            each.status == "pending" for each in found
        ):
            await asyncio.sleep(0.05)
    return found


async def test_nothing_personal_is_kept_in_clear_where_it_cannot_be_removed(
    person: Payer, echo: Receiver, temporal: Client, api_engine: AsyncEngine, anonymous: httpx.AsyncClient
) -> None:
    """No workflow history and no permanent row of a payment shows a person in clear."""
    payment_id, refund_id = await paid_and_refunded(person, echo)
    reviewed_id = await reviewed(person)
    await told_by_gateway(anonymous, payment_id)
    sent = await delivered(api_engine, [payment_id, reviewed_id])

    workflows = [payment_workflow_id(payment_id), payment_workflow_id(reviewed_id), refund_workflow_id(refund_id)]
    workflows += [delivery_workflow_id(each.event_id, each.endpoint_id) for each in sent]
    kept = await kept_by_temporal(temporal, workflows)
    places = kept | {name: await rows_of(api_engine, tables.metadata.tables[name]) for name in KEPT_FOR_GOOD}
    assert {place: found_in(what) for place, what in places.items() if found_in(what)} == {}
    about_payments = echo.about('"object":"payment"')
    assert about_payments
    assert all(MARKERS["e-mail"].encode() in delivery.body for delivery in about_payments)


async def test_a_forgotten_payment_is_nowhere_in_the_database(
    person: Payer, echo: Receiver, api_engine: AsyncEngine, anonymous: httpx.AsyncClient
) -> None:
    """After a payment is forgotten, no row of any table holds the person, and answers say that it is forgotten."""
    payment_id, _ = await paid_and_refunded(person, echo)
    await told_by_gateway(anonymous, payment_id)
    sent = await delivered(api_engine, [payment_id])
    order_id = (await person.http.get(f"/payments/{payment_id}")).json()["order_id"]
    found = await person.http.get("/payments", params={"search": MARKERS["e-mail"]})
    assert [each["id"] for each in found.json()["data"]] == [payment_id]

    forgotten = await person.http.post(f"/payments/{payment_id}/forget", json={"reason": "a request of 1 May"})
    assert forgotten.status_code == 200, forgotten.text
    shown = (await person.http.get(f"/payments/{payment_id}")).json()
    assert shown == forgotten.json()
    assert (shown["vpa"], shown["customer"], shown["notes"], shown["amount_captured"]) == (None, None, {}, 40_000)
    assert shown["forgotten_at"] is not None

    mine = {
        name: rows
        for name, table in tables.metadata.tables.items()
        if found_in(rows := await rows_of(api_engine, table, about=(payment_id, order_id, *(each.id for each in sent))))
    }
    assert {name: found_in(rows) for name, rows in mine.items()} == {}
    for term in (MARKERS["e-mail"], MARKERS["vpa"]):
        found = await person.http.get("/payments", params={"search": term})
        assert found.json()["data"] == []


async def test_what_is_sent_again_of_a_forgotten_payment_has_no_person(
    person: Payer, echo: Receiver, api_engine: AsyncEngine
) -> None:
    """Events, deliveries and repeats of requests show the payment as forgotten; a repeat charges nobody twice."""
    payment_id, _ = await paid_and_refunded(person, echo)
    sent = await delivered(api_engine, [payment_id])
    order_id = (await person.http.get(f"/payments/{payment_id}")).json()["order_id"]
    assert (await person.http.post(f"/payments/{payment_id}/forget")).status_code == 200
    echo.forget()

    of_payment = next(each for each in sent if each.event_type == "payment.authorized")
    again = await person.http.post(f"/webhooks/{of_payment.id}/retry")
    assert again.json()["attempt"]["error_code"] is None
    (received,) = echo.received
    assert received.headers["webhook-id"] == of_payment.event_id
    data = received.event["data"]
    assert (data["vpa"], data["customer"], data["notes"], data["status"]) == (None, None, {}, "authorized")
    read = await person.http.get(f"/events/{of_payment.event_id}")
    assert read.content == received.body
    shown = await person.http.get(f"/webhooks/{of_payment.id}")
    assert found_in(shown.content, read.content, received.body) == []

    repeated = await person.post_payment(order_id, capture_method="manual", **ONCE, **payment_fields())
    assert (repeated.status_code, repeated.headers["idempotent-replayed"]) == (201, "true")
    assert repeated.json()["id"] == payment_id
    assert found_in(repeated.content) == []


async def test_only_what_has_ended_is_forgotten(payer: Payer, api_engine: AsyncEngine) -> None:
    """A payment under way is a 409 and stays as it is; one forgotten twice stays forgotten since the first time."""
    payment = await payer.payment(until="authorized", capture_method="manual", **payment_fields())
    path = f"/payments/{payment['id']}"
    refused = await payer.http.post(f"{path}/forget")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_forgettable")
    assert (await payer.http.get(path)).json() == payment
    assert (await payer.http.post(f"{path}/cancel")).status_code == 200

    first = await payer.http.post(f"{path}/forget", json={"reason": "asked by letter"})
    second = await payer.http.post(f"{path}/forget")
    assert first.json()["forgotten_at"] == second.json()["forgotten_at"]
    query = select(audit_log).where(audit_log.c.subject_id == payment["id"], audit_log.c.action == "payment.forget")
    async with api_engine.connect() as connection:
        lines = [*(await connection.execute(query.order_by(audit_log.c.id)))]
    assert [line.detail for line in lines] == [{"reason": "asked by letter"}, {"reason": "asked for by the merchant"}]
    assert {line.actor for line in lines} == {f"key:{payer.credentials.api_key}"}


async def test_nobody_forgets_anothers_payment(payer: Payer, new_caller: NewCaller) -> None:
    """Another merchant's payment is not found, and stays as it is."""
    payment = await payer.payment(**payment_fields())
    stranger = await new_caller()
    refused = await stranger.http.post(f"/payments/{payment['id']}/forget")
    assert (refused.status_code, refused.json()["code"]) == (404, "payment_not_found")
    assert (await payer.http.get(f"/payments/{payment['id']}")).json() == payment
