"""Webhooks of gateways: verified, stored once, passed on, and late ones change nothing."""

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
from clearway.db.tables import gateway_events
from clearway.domain.errors import DECLINE_CODES
from clearway.domain.ids import PAYMENT, new_id
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET, Settings
from tests.services.api.conftest import Payer, changed, client_of

PATH = "/gateways/simulator/webhooks"


def event_about(key: str, **data: Any) -> dict[str, Any]:
    """Describe an event of the simulator: an approved and captured payment unless told otherwise."""
    return {
        "id": new_id("sim_evt"),
        "occurred_at": "2026-11-21T10:00:00Z",
        "data": {
            "object": "operation",
            "id": "sim_pay_1",
            "type": "payment",
            "idempotency_key": key,
            "status": "captured",
            "amount": 50_000,
            "currency": "INR",
        }
        | data,
    }


async def send(client: httpx.AsyncClient, event: dict[str, Any], *, at: float | None = None) -> httpx.Response:
    """Send an event signed as the simulator signs."""
    body = json.dumps(event)
    moment = datetime.fromtimestamp(at or time.time(), UTC)
    signature = Webhook(DEVELOPMENT_SIMULATOR_SECRET).sign(event["id"], moment, body)
    headers = {
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
    return await client.post(PATH, content=body, headers=headers)


async def disposition(engine: AsyncEngine, event_id: str) -> str | None:
    """Return what became of an event, or None when it is not stored."""
    async with engine.connect() as connection:
        query = select(gateway_events.c.disposition).where(gateway_events.c.event_id == event_id)
        return (await connection.execute(query)).scalar_one_or_none()


async def test_news_moves_a_waiting_payment(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """A payment that waits at the gateway goes on by a webhook; the webhook is stored as signalled."""
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    event = event_about(f"{made['id']}:authorise:1")
    taken = await send(anonymous, event)
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
    assert (await send(anonymous, event)).json() == {"status": "signalled"}
    assert (await send(anonymous, event)).json() == {"status": "signalled"}
    # A signal that comes during a workflow task is not in the history before the task has ended.
    async with asyncio.timeout(15):
        while (signals := await count_signals(temporal, made["id"])) == 0:
            await asyncio.sleep(0.05)
    assert signals == 1


async def test_a_repeat_of_news_that_was_heard_contradicts_nothing(
    payer: Payer, anonymous: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An approval that was passed on in its time is no contradiction when it comes again after a cancellation."""
    made = await payer.payment(until="authorized", capture_method="manual")
    event = event_about(f"{made['id']}:authorise:1")
    assert (await send(anonymous, event)).json() == {"status": "signalled"}
    assert (await payer.http.post(f"/payments/{made['id']}/cancel")).status_code == 200
    await payer.payment_in(made["id"], "cancelled")
    assert (await send(anonymous, event)).json() == {"status": "signalled"}
    assert "late_news_contradicts_record" not in caplog.text


async def test_late_news_changes_nothing_and_says_when_it_contradicts(
    payer: Payer,
    anonymous: httpx.AsyncClient,
    api_engine: AsyncEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """News for a payment that has ended: 200, stored as late, nothing moves, and a contradiction is logged."""
    failed = await payer.payment(vpa="failure@razorpay", until="failed")
    await payer.payment_in(failed["id"], "failed")
    event = event_about(f"{failed['id']}:authorise:1")
    for _ in range(50):
        taken = await send(anonymous, event)
        if taken.json()["status"] == "late":
            break
        event = event_about(f"{failed['id']}:authorise:1")
    assert taken.json() == {"status": "late"}
    assert await disposition(api_engine, event["id"]) == "late"
    assert (await payer.http.get(f"/payments/{failed['id']}")).json() == failed
    assert "late_news_contradicts_record" in caplog.text


async def test_a_wrong_signature_is_refused(anonymous: httpx.AsyncClient, api_engine: AsyncEngine) -> None:
    """No signature, another body or another secret: 401, nothing stored."""
    event = event_about(f"{new_id(PAYMENT)}:authorise:1")
    unsigned = await anonymous.post(PATH, json=event)
    forged = {"webhook-id": event["id"], "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
    wrong = await anonymous.post(PATH, json=event, headers=forged)
    for response in (unsigned, wrong):
        assert response.status_code == 401
        assert response.json()["code"] == "signature_invalid"
    assert await disposition(api_engine, event["id"]) is None


@pytest.mark.parametrize("skew_s", [-3_600, 3_600])
async def test_a_stale_or_future_signature_is_refused(anonymous: httpx.AsyncClient, skew_s: int) -> None:
    """A replayed webhook of an hour ago, and one from the future, are a 401."""
    event = event_about(f"{new_id(PAYMENT)}:authorise:1")
    assert (await send(anonymous, event, at=time.time() + skew_s)).status_code == 401


@pytest.mark.parametrize(
    "event",
    [
        event_about("not-a-key-of-ours"),
        event_about("order_00000000000000000000000000:authorise:1"),
        {"id": "sim_evt_x", "something": "else"},
        event_about("pay_00000000000000000000000000:authorise:1", type="payout"),
    ],
)
async def test_signed_news_without_a_meaning_is_ignored(anonymous: httpx.AsyncClient, event: dict[str, Any]) -> None:
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
async def test_a_decline_ends_a_payment_whatever_its_message_holds(
    payer: Payer, anonymous: httpx.AsyncClient, message: object, shown: str
) -> None:
    """A gateway's words are made storable, and what is no text is left out: the decline counts all the same."""
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    failure = {"code": "insufficient_funds", "message": message}
    taken = await send(anonymous, event_about(f"{made['id']}:authorise:1", status="declined", failure=failure))
    assert (taken.status_code, taken.json()) == (200, {"status": "signalled"})
    failed = await payer.payment_in(made["id"], "failed")
    assert (failed["error_code"], failed["error_description"]) == ("insufficient_funds", shown)


@pytest.mark.parametrize("key", ["\x00:authorise:1", "\ud800:authorise:1", "x" * 300, "pay_\x00"])
async def test_a_key_that_cannot_be_stored_is_not_ours(anonymous: httpx.AsyncClient, key: str) -> None:
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
    """Temporal is away: 503, the news is kept as received, and a repeat passes it on."""
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    event = event_about(f"{made['id']}:authorise:1")
    away = create_app(changed(api_settings, temporal_address="127.0.0.1:1"))
    async with away.router.lifespan_context(away), client_of(away) as client:
        assert (await send(client, event)).status_code == 503
    assert await disposition(api_engine, event["id"]) == "received"
    assert (await send(anonymous, event)).json() == {"status": "signalled"}
    await payer.payment_in(made["id"], "success")


async def test_an_unknown_gateway_is_a_404(anonymous: httpx.AsyncClient) -> None:
    """Only gateways that are configured may speak."""
    assert (await anonymous.post("/gateways/nobody/webhooks", json={})).json()["code"] == "gateway_not_found"
