"""Webhooks to merchants who are away, wrong, or hang: tried as scheduled, under one id, and in nobody's way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import eventually

SCHEDULE = [1, 1]
HANGING = 3


async def deliveries(site: Site, payment: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    """Return the deliveries about a payment."""
    answer = await site.merchant.http.get("/webhooks", params={"payment_id": payment["id"], **query})
    return list(answer.json()["data"])


@pytest.fixture
async def nowhere(steady: Site) -> AsyncIterator[dict[str, Any]]:
    """Register an endpoint at an address where nobody is, with a short schedule."""
    body = {"url": f"{steady.stack.receiver_url}/nowhere", "retry_intervals_s": SCHEDULE}
    answer = await steady.merchant.post("/webhook_endpoints", body)
    assert answer.status_code == 201, answer.text
    yield answer.json()
    await steady.merchant.http.delete(f"/webhook_endpoints/{answer.json()['id']}")


async def test_a_delivery_fails_after_exactly_its_schedule(steady: Site, nowhere: dict[str, Any]) -> None:
    """Each event is tried as often as the endpoint's schedule says, then shown as failed; other endpoints get it."""
    payment = await steady.merchant.paid()
    mine = {"endpoint_id": nowhere["id"]}
    failed = await eventually(
        lambda: deliveries(steady, payment, status="failed", **mine), lambda found: len(found) == 2
    )
    assert {found["attempt_count"] for found in failed} == {len(SCHEDULE) + 1}
    assert {found["last_response_status"] for found in failed} == {404}
    others = await eventually(lambda: deliveries(steady, payment, status="delivered"), lambda found: len(found) == 2)
    assert nowhere["id"] not in {found["endpoint_id"] for found in others}


async def test_a_failed_delivery_can_be_sent_again_by_hand(steady: Site) -> None:
    """What was refused is sent again when the merchant asks, under the id of its first attempt."""
    await steady.behave("fail", status=500)
    payment = await steady.merchant.paid()
    waiting = await eventually(
        lambda: deliveries(steady, payment, status="pending"),
        lambda found: len(found) == 2 and all(one["attempt_count"] for one in found),
    )
    await steady.behave("ok")
    for delivery in waiting:
        told = await steady.merchant.post(f"/webhooks/{delivery['id']}/retry")
        assert (told.status_code, told.json()["status"]) == (200, "delivered")
    await eventually(lambda: deliveries(steady, payment, status="delivered"), lambda found: len(found) == 2)
    for delivery in waiting:
        attempts = (await steady.merchant.read(f"/webhooks/{delivery['id']}"))["attempts"]
        assert {attempt["request"]["headers"]["webhook-id"] for attempt in attempts} == {delivery["event_id"]}


async def test_a_merchant_who_hangs_does_not_hold_up_payments(steady: Site) -> None:
    """While a receiver takes every webhook and answers none, payments and refunds go on; later it gets them all."""
    await steady.behave("hang")
    payments = [await steady.merchant.pay() for _ in range(HANGING)]
    for payment in payments:
        await steady.merchant.until(payment, "success")
    await steady.merchant.until(await steady.merchant.refund(payments[0]), "processed")
    for payment in payments:
        assert await deliveries(steady, payment, status="delivered") == []
    await steady.behave("ok")
