"""Temporal loses its store, and operators press the wrong buttons: every payment and refund goes on or ends."""

from __future__ import annotations

import asyncio

import pytest

from tests.stack.e2e.conftest import RECOVERY_S, Site
from tests.stack.e2e.merchant import card, eventually

pytestmark = pytest.mark.timeout(400)

THREE_D_SECURE = "4000002500003155"


async def lose_store(site: Site) -> None:
    """Stop Temporal, remove its store, and start it with an empty one."""
    await site.stack.stop("temporal")
    for left in (site.stack.state_dir / "temporal").glob("temporal.db*"):
        left.unlink()
    await site.stack.start("temporal")


async def test_what_waits_goes_on_when_temporals_store_is_lost(fragile: Site) -> None:
    """A payment with its customer, one that is authorised and a pending refund all end as if nothing had happened."""
    merchant = fragile.merchant
    waiting = await merchant.until(await merchant.pay(9_100, **card(THREE_D_SECURE)), "requires_action")
    authorized = await merchant.authorized(9_200)
    paid = await merchant.paid(9_300, vpa="refundpending@clearway")
    refund = await merchant.refund(paid)
    await lose_store(fragile)
    captured = await merchant.insist(f"/payments/{authorized['id']}/capture", {}, key=f"c-{authorized['id']}")
    assert captured.status_code == 200, captured.text
    assert captured.json()["status"] == "success"
    await merchant.press(waiting)
    await merchant.until(waiting, "success", limit_s=RECOVERY_S)
    await merchant.until(refund, "processed", "failed", limit_s=RECOVERY_S)
    assert await merchant.charged(waiting) == [9_100]
    assert await merchant.charged(authorized) == [9_200]


async def test_the_sweep_finds_what_nobody_asks_about(fragile: Site) -> None:
    """Without a request or an event, a payment whose workflow was terminated is taken up by the schedule."""
    merchant = fragile.merchant
    await merchant.faults({"operation": "webhook", "fault": "no_webhook"})
    waiting = await merchant.until(await merchant.pay(9_400, vpa="approve@clearway"), "requires_action")
    await fragile.terminate(f"payment/{waiting['id']}")
    await merchant.press(waiting)
    await merchant.until(waiting, "success", limit_s=RECOVERY_S)
    assert await merchant.charged(waiting) == [9_400]


async def test_a_cancellation_in_temporal_calls_a_payment_off(fragile: Site) -> None:
    """Requested while the payment waits, it voids the payment at the gateway; the order can be paid again."""
    merchant = fragile.merchant
    waiting = await merchant.until(await merchant.pay(9_500, **card(THREE_D_SECURE)), "requires_action")
    await fragile.stack.temporal.get_workflow_handle(f"payment/{waiting['id']}").cancel()
    cancelled = await merchant.until(waiting, "cancelled")
    assert await merchant.charged(waiting) == []
    history = await merchant.read(f"/payments/{waiting['id']}/history")
    assert history["data"][-1]["actor"] == "operator"
    again = await merchant.post(
        "/payments", {"order_id": cancelled["order_id"], "method": "upi", "vpa": "success@razorpay"}
    )
    assert again.status_code == 201, again.text


@pytest.mark.parametrize("wait_s", [0.0, 0.1, 0.3, 0.6, 1.0])
async def test_a_cancellation_within_a_second_of_paying_strands_nothing(fragile: Site, wait_s: float) -> None:
    """The payment is cancelled, or it is too late; the API and the gateway's journal agree."""
    merchant = fragile.merchant
    payment = await merchant.pay(91_000)
    await asyncio.sleep(wait_s)
    await fragile.stack.temporal.get_workflow_handle(f"payment/{payment['id']}").cancel()
    ended = await merchant.until(payment, "success", "cancelled", "failed")
    assert await merchant.charged(payment) == ([91_000] if ended["status"] == "success" else [])
    if ended["status"] == "success":
        refund = await merchant.refund(payment)
        await merchant.until(refund, "processed")


async def test_a_refund_goes_on_when_its_cancellation_is_requested(fragile: Site) -> None:
    """The money may be out already, so the refund is followed to its end and nothing stays reserved."""
    merchant = fragile.merchant
    paid = await merchant.paid(9_600)
    refund = await merchant.refund(paid)
    handle = fragile.stack.temporal.get_workflow_handle(f"refund/{refund['id']}")
    await handle.cancel()
    await merchant.until(refund, "processed")
    timeline = await handle.query("timeline")
    assert any("cancellation requested in Temporal" in entry["what"] for entry in timeline)


async def test_a_capture_takes_a_terminated_payment_up_at_once(fragile: Site) -> None:
    """A capture of an authorised payment without a workflow is carried out at once, without waiting for the sweep."""
    merchant = fragile.merchant
    authorized = await merchant.authorized(9_700)
    await fragile.terminate(f"payment/{authorized['id']}")
    captured = await merchant.post(f"/payments/{authorized['id']}/capture", {})
    assert captured.status_code == 200, captured.text
    assert captured.json()["status"] == "success"
    assert await merchant.charged(authorized) == [9_700]


async def test_a_terminated_delivery_is_taken_up(fragile: Site) -> None:
    """A delivery whose workflow was terminated between two attempts is delivered by the next run."""
    merchant = fragile.merchant
    await fragile.behave("fail", status=500)
    payment = await merchant.paid(9_800)
    client = fragile.stack.temporal

    async def terminated() -> int:
        running = "ExecutionStatus = 'Running' AND WorkflowType = 'WebhookDeliveryWorkflow'"
        query = f"{running} AND PaymentId = '{payment['id']}'"
        count = 0
        async for found in client.list_workflows(query):
            await fragile.terminate(found.id)
            count += 1
        return count

    await eventually(terminated, lambda count: count > 0)
    await fragile.behave("ok")
    await eventually(
        lambda: merchant.read(f"/webhooks?payment_id={payment['id']}"),
        lambda found: {one["status"] for one in found["data"]} == {"delivered"},
        RECOVERY_S,
    )
