"""Webhooks that a gateway sends, or somebody in its name: late, repeated, out of order, forged, stale, or untrue."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine
from standardwebhooks import Webhook

from clearway.db.tables import gateway_events
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import Merchant, eventually

FORGERS_SECRET = "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAwMDAwMDAx"
AN_HOUR_S = 3_600
ACTION = "requires_action"


def gateway_event(payment_id: str, status: str, number: int = 1, **data: Any) -> dict[str, Any]:
    """Describe an event of the simulator about a payment of 50 000 INR."""
    return {
        "id": f"sim_evt_{payment_id}_{status}_{number}",
        "type": f"payment.{status}",
        "occurred_at": "2026-11-21T10:00:00Z",
        "data": {
            "object": "operation",
            "id": "sim_pay_1",
            "type": "payment",
            "idempotency_key": f"{payment_id}:authorise:1",
            "status": status,
            "amount": 50_000,
            "currency": "INR",
            "next_action": {"type": "redirect", "url": "http://127.0.0.1/3ds/1"} if status == ACTION else None,
        }
        | data,
    }


async def send(
    merchant: Merchant, event: dict[str, Any], *, secret: str = DEVELOPMENT_SIMULATOR_SECRET, age_s: float = 0
) -> httpx.Response:
    """Post an event to the API as the gateway does, signed with `secret` at a time `age_s` ago."""
    body, at = json.dumps(event), datetime.fromtimestamp(time.time() - age_s, UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event["id"], at, body),
    }
    configs = (await merchant.http.get("/gateways")).json()["data"]
    gateway = min(configs, key=lambda config: str(config["created_at"]))  # the one that the merchant was made with
    url = f"{str(merchant.http.base_url).rstrip('/')}/gateways/{gateway['id']}/webhook"
    return await merchant.gateway.post(url, content=body, headers=headers)


async def stored(site: Site, event: dict[str, Any]) -> int:
    """Return how often an event of the gateway is on record."""
    engine = create_async_engine(site.stack.database_url)
    async with engine.connect() as connection:
        query = select(func.count()).where(gateway_events.c.event_id == event["id"])
        count = (await connection.execute(query)).scalar_one()
    await engine.dispose()
    return int(count)


@pytest.mark.parametrize("status", ["processing", "declined", "authorized", ACTION, "canceled"])
async def test_a_late_event_never_moves_a_payment_back(steady: Site, status: str) -> None:
    """A successful payment stays a success for every later event, with the same books and events."""
    payment = await steady.merchant.paid()
    story = await steady.merchant.story(payment)
    event = gateway_event(payment["id"], status)
    for _ in range(3):
        assert (await send(steady.merchant, event)).status_code == 200
    assert await steady.merchant.read(f"/payments/{payment['id']}") == payment
    told = [told for told in await steady.merchant.story(payment) if told != "payment.contradicted"]
    assert told == story
    assert await stored(steady, event) == 1


@pytest.mark.parametrize("vpa", ["duplicate@clearway", "reordered@clearway"])
async def test_an_event_that_is_repeated_or_out_of_order_counts_once(merchant: Merchant, vpa: str) -> None:
    """A gateway that sends its webhook twice, or an older one after it, makes one charge and one success."""
    payment = await merchant.paid(vpa=vpa)
    health = merchant.gateway.get
    await eventually(lambda: health("/health"), lambda answer: answer.json()["undelivered_webhooks"] == 0)
    assert (await merchant.story(payment)).count("payment.success") == 1
    assert (await merchant.read(f"/payments/{payment['id']}"))["status"] == "success"


async def test_an_event_of_failure_after_a_refund_was_processed_changes_nothing(steady: Site) -> None:
    """A processed refund stays processed when a late event says that it failed."""
    payment = await steady.merchant.paid()
    refund = await steady.merchant.until(await steady.merchant.refund(payment), "processed")
    event = gateway_event(refund["id"], "failed", type="refund", idempotency_key=f"{refund['id']}:refund:1")
    assert (await send(steady.merchant, event)).status_code == 200
    assert (await steady.merchant.read(f"/refunds/{refund['id']}")) == refund


async def test_a_forged_event_is_refused_and_not_stored(steady: Site) -> None:
    """An event with a wrong signature is a 4xx, is not stored as the gateway's, and the payment keeps waiting."""
    merchant = steady.merchant
    payment = await merchant.pay(vpa="pending@razorpay")
    event = gateway_event(payment["id"], "captured")
    forged = await send(merchant, event, secret=FORGERS_SECRET)
    assert (forged.status_code, forged.json()["code"]) == (401, "signature_invalid")
    assert await stored(steady, event) == 0
    assert (await merchant.read(f"/payments/{payment['id']}"))["status"] in {"pending", "processing"}
    assert (await merchant.post(f"/payments/{payment['id']}/cancel")).json()["status"] == "cancelled"


@pytest.mark.parametrize("age_s", [AN_HOUR_S, -AN_HOUR_S], ids=["stale", "from the future"])
async def test_an_event_signed_at_another_time_is_refused(steady: Site, age_s: int) -> None:
    """A recorded webhook cannot be sent again later: its timestamp is part of the signature."""
    merchant = steady.merchant
    payment = await merchant.pay(vpa="pending@razorpay")
    event = gateway_event(payment["id"], "captured")
    assert (await send(merchant, event, age_s=age_s)).status_code == 401
    assert await stored(steady, event) == 0
    assert (await merchant.post(f"/payments/{payment['id']}/cancel")).json()["status"] == "cancelled"


@pytest.mark.parametrize("untrue", [{"amount": 49_999}, {"amount": 5_000_000}, {"currency": "JPY"}])
async def test_an_event_of_another_amount_is_for_a_person(steady: Site, untrue: dict[str, Any]) -> None:
    """An event with another amount or currency never makes a success: the payment needs review."""
    merchant = steady.merchant
    payment = await merchant.pay(vpa="pending@razorpay")
    assert (await send(merchant, gateway_event(payment["id"], "captured", **untrue))).status_code == 200
    reviewed = await merchant.until(payment, "needs_review", "success", "failed")
    assert (reviewed["status"], reviewed["captured"]) == ("needs_review", False)


async def test_a_gateway_that_charges_another_amount_is_for_a_person(merchant: Merchant) -> None:
    """A charge of another amount than requested is never shown as a success."""
    payment = await merchant.until(await merchant.pay(vpa="wrongamount@clearway"), "needs_review", "success")
    assert payment["status"] == "needs_review"


async def test_an_event_about_an_unknown_payment_is_answered_and_changes_nothing(steady: Site) -> None:
    """A signed event about an unknown payment is a 200 and changes nothing: a 4xx would make the gateway disable us."""
    event = gateway_event("pay_00000000000000000000000000", "captured")
    assert (await send(steady.merchant, event)).status_code == 200
    garbage = {"id": "sim_evt_garbage", "type": "payment.captured", "data": {"amount": "a lot"}}
    assert (await send(steady.merchant, garbage)).json() == {"status": "ignored"}
