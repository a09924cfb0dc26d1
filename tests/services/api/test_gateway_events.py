"""Events of gateways: verified, stored once, passed on, and late ones change nothing."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from api.app import create_app
from clearway.crypto.encryption import Cipher
from clearway.db import gateway_events as storing
from clearway.db.seed import TEST_MERCHANT_ID
from clearway.db.tables import audit_log, gateway_events, reviews
from clearway.domain.actor import Actor
from clearway.domain.errors import DECLINE_CODES, ConflictError, NotFoundError
from clearway.domain.gateway import first_gateway_id
from clearway.domain.gateway_event import Verdict, body_context
from clearway.domain.ids import PAYMENT, new_id
from clearway.gateway_events.reviewing import close_review, list_reviews
from clearway.settings import DEVELOPMENT_SECRET_KEYS, DEVELOPMENT_SIMULATOR_SECRET, Settings
from tests.services.api.conftest import Caller, Payer, changed, client_of
from tests.services.api.gateway_sending import PATH, disposition, event_about, send
from tests.services.gateways.running import Simulator


async def test_an_event_moves_a_waiting_payment(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """A payment that waits at the gateway goes on by a webhook; the webhook is stored as signalled."""
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    event = event_about(f"{made['id']}:authorise:1")
    taken = await send(anonymous, to=payer, event=event)
    assert (taken.status_code, taken.json()) == (200, {"status": "signalled"})
    await payer.payment_in(made["id"], "success")
    assert await disposition(api_engine, event["id"]) == "signalled"


async def count_signals(temporal: Any, payment_id: str) -> int:
    """Count the signals in a payment's history."""
    history = await temporal.get_workflow_handle(f"payment/{payment_id}").fetch_history()
    return sum(entry.HasField("workflow_execution_signaled_event_attributes") for entry in history.events)


async def test_a_repeat_is_answered_and_not_passed_on_again(
    payer: Payer, anonymous: httpx.AsyncClient, temporal: Any
) -> None:
    """The same event twice: both are a 200, and the workflow is signalled once."""
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    event = event_about(f"{made['id']}:authorise:1", status="processing")
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "signalled"}
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "signalled"}
    # A signal that comes during a workflow task is not in the history before the task has ended.
    async with asyncio.timeout(30):
        while (signals := await count_signals(temporal, made["id"])) == 0:
            await asyncio.sleep(0.05)
    assert signals == 1


async def test_a_repeat_of_a_signalled_event_contradicts_nothing(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """An approval that was passed on in its time is no contradiction when it comes again after a cancellation."""
    made = await payer.payment(until="authorized", capture_method="manual")
    event = event_about(f"{made['id']}:authorise:1")
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "signalled"}
    assert (await payer.http.post(f"/payments/{made['id']}/cancel")).status_code == 200
    await payer.payment_in(made["id"], "cancelled")
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "signalled"}
    assert await reviews_of(api_engine, made["id"]) == []


async def reviews_of(engine: AsyncEngine, subject_id: str) -> list[str]:
    """Return the kinds of the reviews of a payment or refund."""
    async with engine.connect() as connection:
        query = select(reviews.c.kind).where(reviews.c.subject_id == subject_id).order_by(reviews.c.id)
        return list((await connection.execute(query)).scalars())


async def contradictions_told(payer: Payer, payment_id: str) -> list[dict[str, Any]]:
    """Return the data of the events that report contradictions to the merchant."""
    listed = (await payer.http.get("/events")).json()["data"]
    told = [event["data"] for event in listed if event["type"].endswith(".contradicted")]
    return [data for data in told if data["payment_id"] == payment_id]


async def send_when_ended(client: httpx.AsyncClient, event: dict[str, Any], *, to: Caller) -> str:
    """Send an event, each time as a new one, until the workflow it is about has ended; return its disposition."""
    for number in range(100):
        answer = await send(client, event | {"id": f"{event['id']}_{number}"}, to=to)
        if answer.json()["status"] != "signalled":
            return str(answer.json()["status"])
    raise AssertionError("the workflow runs on")


async def test_money_taken_after_the_end_is_reviewed_and_reported(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """An approval after a failure changes nothing, opens one review, and the merchant receives one event of it."""
    failed = await payer.payment(vpa="failure@razorpay", until="failed")
    event = event_about(f"{failed['id']}:authorise:1")
    assert await send_when_ended(anonymous, to=payer, event=event) == "contradicts"
    for again in (event, event, event | {"id": "sim_evt_other"}):
        assert (await send(anonymous, to=payer, event=again)).json() == {"status": "contradicts"}
    assert await disposition(api_engine, event["id"]) == "contradicts"
    assert (await payer.http.get(f"/payments/{failed['id']}")).json() == failed
    assert await reviews_of(api_engine, failed["id"]) == ["taken_after_end"]
    [told] = await contradictions_told(payer, failed["id"])
    assert (told["recorded_status"], told["reported_outcome"], told["reported_amount"]) == (
        "failed",
        "approved",
        50_000,
    )


@pytest.mark.parametrize(
    ("report", "kinds"),
    [
        ({"status": "declined"}, ["declined_after_success"]),
        ({"amount": 49_999}, ["amount_differs"]),
        ({"currency": "USD"}, ["amount_differs"]),
        ({}, []),
        ({"status": "processing"}, []),
        ({"status": "succeeded", "type": "void"}, []),
    ],
)
async def test_a_late_report_about_a_success(
    payer: Payer,
    anonymous: httpx.AsyncClient,
    api_engine: AsyncEngine,
    report: dict[str, Any],
    kinds: list[str],
) -> None:
    """What cannot be true together with a success is reviewed; what agrees with it is only late."""
    paid = await payer.payment()
    operation = "void" if report.get("type") == "void" else "authorise"
    became = await send_when_ended(anonymous, to=payer, event=event_about(f"{paid['id']}:{operation}:1", **report))
    assert became == ("contradicts" if kinds else "late")
    assert await reviews_of(api_engine, paid["id"]) == kinds
    assert (await payer.http.get(f"/payments/{paid['id']}")).json() == paid


async def test_a_void_that_the_gateway_refused_after_the_end_is_reviewed(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """A hold that stays on the customer's account after the payment was recorded as failed is somebody's business."""
    failed = await payer.payment(vpa="failure@razorpay", until="failed")
    event = event_about(f"{failed['id']}:void:1", type="void", id="sim_void_9", status="declined")
    assert await send_when_ended(anonymous, to=payer, event=event) == "contradicts"
    assert await reviews_of(api_engine, failed["id"]) == ["not_released"]


async def test_a_capture_that_is_not_recorded_is_reviewed(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """A capture that the gateway reports after the end, and that the books do not have, is a contradiction."""
    paid = await payer.payment()
    event = event_about(f"{paid['id']}:capture:9", type="capture", id="sim_capture_9", status="succeeded")
    assert await send_when_ended(anonymous, to=payer, event=event) == "contradicts"
    assert await reviews_of(api_engine, paid["id"]) == ["capture_not_recorded"]


async def test_a_refund_that_failed_and_was_paid_out_is_reviewed(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """A refund that is recorded as failed and reported as paid out opens a review of the refund."""
    paid = await payer.payment(vpa="refundfails@clearway")
    made = (await payer.http.post(f"/payments/{paid['id']}/refunds", json={"amount": 100})).json()
    failed = await payer.refund_in(made["id"], "failed")
    event = event_about(f"{made['id']}:refund:1", type="refund", status="succeeded", amount=100)
    assert await send_when_ended(anonymous, to=payer, event=event) == "contradicts"
    assert await reviews_of(api_engine, made["id"]) == ["refunded_after_failure"]
    assert (await payer.http.get(f"/refunds/{made['id']}")).json() == failed


async def test_a_refund_that_came_back_is_reversed(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine, api_simulator: Simulator
) -> None:
    """A processed refund that the gateway took back is reversed, with an event; the amount can be refunded again."""
    paid = await payer.payment(vpa="refundreversed@clearway")
    path = f"/payments/{paid['id']}/refunds"
    made = (await payer.http.post(path, json={"amount": 100})).json()
    await payer.refund_in(made["id"], "processed")
    async with asyncio.timeout(30):
        while not await api_simulator.effects(paid["id"], "refund_reversed"):
            await asyncio.sleep(0.05)

    event = event_about(f"{made['id']}:refund:1", type="refund", status="failed", amount=100)
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "signalled"}

    reversed_refund = await payer.refund_in(made["id"], "reversed")
    assert reversed_refund["error_code"] == "refund_failed"
    assert (await payer.payment_in(paid["id"], "success"))["amount_refunded"] == 0
    told = {event["type"] for event in (await payer.http.get("/events")).json()["data"]}
    assert "refund.reversed" in told
    assert await reviews_of(api_engine, made["id"]) == []
    assert (await payer.http.post(path)).json()["amount"] == 50_000


async def test_a_refund_that_the_gateway_says_it_paid_out_is_not_reversed(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """The event says failed and the gateway's look-up says paid out: a review, and the refund stays processed."""
    paid = await payer.payment()
    made = (await payer.http.post(f"/payments/{paid['id']}/refunds", json={"amount": 100})).json()
    await payer.refund_in(made["id"], "processed")

    event = event_about(f"{made['id']}:refund:1", type="refund", status="failed", amount=100)
    assert await send_when_ended(anonymous, to=payer, event=event) == "contradicts"

    assert await reviews_of(api_engine, made["id"]) == ["refund_declined_after_processed"]
    await payer.refund_in(made["id"], "processed")


async def test_closing_a_review_is_audited_and_happens_once(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """Only the merchant's own or an installation's operator closes a review; a second time is refused."""
    failed = await payer.payment(vpa="failure@razorpay", until="failed")
    await send_when_ended(anonymous, to=payer, event=event_about(f"{failed['id']}:authorise:1"))
    metrics = (await anonymous.get("/metrics")).text
    assert float(metrics.partition('clearway_reviews_open{kind="taken_after_end"} ')[2].split()[0]) >= 1
    async with api_engine.begin() as connection:
        [opened] = await list_reviews(connection, merchant_id=payer.id)
        with pytest.raises(NotFoundError):
            await close_review(connection, Actor("key:other", "mer_other"), opened["id"], "not mine")
        closed = await close_review(connection, Actor("operator:eve", None), opened["id"], "refunded \x00 there")
        with pytest.raises(ConflictError):
            await close_review(connection, Actor("operator:bob", None), opened["id"], "again")
        assert await list_reviews(connection, merchant_id=payer.id) == []
        query = select(audit_log).where(audit_log.c.subject_id == opened["id"])
        line = (await connection.execute(query)).one()
    assert closed["resolution"] == "refunded \N{REPLACEMENT CHARACTER} there"
    assert (line.merchant_id, line.actor, line.action) == (payer.id, "operator:eve", "review.close")


async def test_an_event_of_an_unknown_payment_is_kept_as_such(
    workers: None, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """An event about an unknown payment is a 200, and is stored with its disposition."""
    event = event_about(f"{new_id(PAYMENT)}:authorise:1")
    assert (await send(anonymous, event)).json() == {"status": "unknown_subject"}
    assert await disposition(api_engine, event["id"]) == "unknown_subject"


async def test_a_wrong_signature_is_refused(anonymous: httpx.AsyncClient, api_engine: AsyncEngine) -> None:
    """No signature, another body or another secret: 401, and kept as unsigned, with its headers but no credentials."""
    event = event_about(f"{new_id(PAYMENT)}:authorise:1")
    unsigned = await anonymous.post(PATH, json=event)
    forged = {"webhook-id": event["id"], "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
    forged |= {"Authorization": "Bearer secret"}
    wrong = await anonymous.post(PATH, json=event, headers=forged)
    for response in (unsigned, wrong):
        assert response.status_code == 401
        assert response.json()["code"] == "signature_invalid"
    assert await disposition(api_engine, event["id"]) is None
    async with api_engine.connect() as connection:
        query = select(gateway_events).where(gateway_events.c.headers["webhook-id"].astext == event["id"])
        kept = (await connection.execute(query)).one()
    assert (kept.verdict, kept.disposition, kept.event_id) == ("unsigned", "refused", None)
    assert "authorization" not in kept.headers
    body = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS).decrypt(kept.sealed_body, body_context(kept.id))
    assert json.loads(body) == event


async def test_unsigned_events_are_limited(api_settings: Settings) -> None:
    """One address may have few refused: then it is a 429, and nothing more of it is kept."""
    limited = create_app(changed(api_settings, rate_limit_address="3/minute"))
    async with limited.router.lifespan_context(limited), client_of(limited) as client:
        statuses = [(await client.post(PATH, json={})).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


async def test_what_is_not_believed_never_fills_the_table(api_engine: AsyncEngine, monkeypatch: Any) -> None:
    """Beyond so many within an hour, refused events are dropped."""
    monkeypatch.setattr(storing, "REFUSED_MAX", 0)
    async with api_engine.connect() as connection:
        source = ("simulator", first_gateway_id(TEST_MERCHANT_ID), TEST_MERCHANT_ID)
        raw = storing.Raw("gwe_1", *source, "POST", "", {}, "v1.dev.x", datetime.now(UTC))
        refused = storing.Refused(raw, Verdict.UNSIGNED, "no signature")
        assert await storing.keep_refused(connection, refused) is False


@pytest.mark.parametrize(
    "event",
    [
        event_about("not-a-key-of-ours"),
        event_about("order_00000000000000000000000000:authorise:1"),
        {"id": "sim_evt_x", "something": "else"},
        event_about("pay_00000000000000000000000000:authorise:1", type="payout"),
    ],
)
async def test_a_signed_event_without_a_meaning_is_ignored(anonymous: httpx.AsyncClient, event: dict[str, Any]) -> None:
    """Sending it again would not help, so it is a 200 that says `ignored`."""
    taken = await send(anonymous, event)
    assert (taken.status_code, taken.json()) == (200, {"status": "ignored"})


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("NUL \x00 in it", "NUL \N{REPLACEMENT CHARACTER} in it"),
        ("half \ud800 a character", "half \N{REPLACEMENT CHARACTER} a character"),
        ("x" * 10_000, "x" * 500),
        (5, DECLINE_CODES["insufficient_funds"]),
        ({"deep": [[]]}, DECLINE_CODES["insufficient_funds"]),
    ],
    ids=["NUL", "lone surrogate", "long", "number", "object"],
)
async def test_a_decline_with_any_message_ends_a_payment(
    payer: Payer, anonymous: httpx.AsyncClient, message: object, shown: str
) -> None:
    """The gateway's text is made storable, and other types are left out: the decline counts all the same."""
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    failure = {"code": "insufficient_funds", "message": message}
    taken = await send(
        anonymous, to=payer, event=event_about(f"{made['id']}:authorise:1", status="declined", failure=failure)
    )
    assert (taken.status_code, taken.json()) == (200, {"status": "signalled"})
    failed = await payer.payment_in(made["id"], "failed")
    assert (failed["error_code"], failed["error_description"]) == ("insufficient_funds", shown)


@pytest.mark.parametrize("key", ["\x00:authorise:1", "\ud800:authorise:1", "x" * 300, "pay_\x00"])
async def test_a_key_that_cannot_be_stored_is_ignored(anonymous: httpx.AsyncClient, key: str) -> None:
    """An operation key with a NUL or half a character names nothing here: taken, and ignored."""
    taken = await send(anonymous, event_about(key))
    assert (taken.status_code, taken.json()) == (200, {"status": "ignored"})


async def test_json_without_end_is_ignored(anonymous: httpx.AsyncClient) -> None:
    """A signed body nested 2,000 deep is unreadable, not an error of the server."""
    body = "[" * 2_000 + "]" * 2_000
    now = datetime.now(UTC)
    signature = Webhook(DEVELOPMENT_SIMULATOR_SECRET).sign("sim_evt_deep", now, body)
    headers = {
        "webhook-id": "sim_evt_deep",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
    taken = await anonymous.post(PATH, content=body, headers=headers)
    assert (taken.status_code, taken.json()) == (200, {"status": "ignored"})


async def test_without_temporal_the_gateway_is_asked_to_come_again(
    api_settings: Settings, api_engine: AsyncEngine, anonymous: httpx.AsyncClient, payer: Payer
) -> None:
    """While Temporal is down, an event is a 503 and kept as received; a repeat passes it on."""
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    event = event_about(f"{made['id']}:authorise:1")
    away = create_app(changed(api_settings, temporal_address="127.0.0.1:1"))
    async with away.router.lifespan_context(away), client_of(away) as client:
        assert (await send(client, to=payer, event=event)).status_code == 503
    assert await disposition(api_engine, event["id"]) == "received"
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "signalled"}
    await payer.payment_in(made["id"], "success")


async def test_an_unknown_gateway_is_a_404(caller: Caller, anonymous: httpx.AsyncClient) -> None:
    """Only configured gateways can send events: an unknown or deleted one is a 404."""
    await caller.http.delete(f"/gateways/{first_gateway_id(caller.id)}")
    for gateway_id in ("nobody", new_id("gw"), first_gateway_id(caller.id)):
        answer = await anonymous.post(f"/gateways/{gateway_id}/webhook", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "gateway_not_found")
