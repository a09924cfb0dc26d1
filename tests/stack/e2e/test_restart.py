"""The whole stack ends, in order or by SIGKILL, with everything under way, and goes on when it starts again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stack.e2e.conftest import RECOVERY_S, Site
from tests.stack.e2e.merchant import card, eventually, held_back

pytestmark = pytest.mark.timeout(400)

BEGUN, GIVEN_BACK = 12_001, 12_002
UNDELIVERED = 2
"""The events payment.created and refund.created, which the receiver refuses."""


@pytest.mark.parametrize("ending", ["stop_all", "kill_all"])
async def test_what_was_in_flight_goes_on(fragile: Site, ending: str) -> None:
    """Pending at the gateway, with the customer, authorised, refunded, just begun, undelivered: all go on and end."""
    stack, merchant = fragile.stack, fragile.merchant
    pending = await merchant.pay(vpa="pending@razorpay")
    waiting = await merchant.until(await merchant.pay(**card("4000002500003155")), "requires_action")
    authorised = await merchant.authorized()
    paid = await merchant.paid()
    await merchant.until(pending, "processing")
    await eventually(lambda: merchant.read("/webhooks?status=pending"), lambda page: page["data"] == [])
    await merchant.faults(held_back("authorise", BEGUN), held_back("refund", GIVEN_BACK))
    await fragile.behave("fail", status=503)
    begun, refund = await merchant.pay(BEGUN), await merchant.refund(paid, GIVEN_BACK)
    # Each has had an attempt: one that is on its way when all ends has a test of its own.
    retried = await eventually(lambda: merchant.read("/webhooks?status=pending"), _all_attempted)
    await fragile.witnesses.collect()

    await getattr(stack, ending)()
    await stack.start_all()

    await merchant.press(waiting)
    captured = await merchant.insist(f"/payments/{authorised['id']}/capture", {}, key=f"capture-{authorised['id']}")
    assert captured.json()["status"] == "success", captured.text
    cancelled = await merchant.insist(f"/payments/{pending['id']}/cancel", {}, key=f"cancel-{pending['id']}")
    assert cancelled.json()["status"] == "cancelled", cancelled.text
    for payment in (waiting, begun):
        await merchant.until(payment, "success", limit_s=RECOVERY_S)
        assert len(await merchant.charged(payment)) == 1
    await merchant.until(refund, "processed", limit_s=RECOVERY_S)
    assert len(await merchant.effects(paid, "refunded")) == 1
    assert await merchant.effects(pending) == []
    for delivery in retried["data"]:
        await _delivered_again(fragile, delivery["id"])


def _all_attempted(page: dict[str, Any]) -> bool:
    return len(page["data"]) >= UNDELIVERED and all(found["attempt_count"] for found in page["data"])


async def _delivered_again(site: Site, delivery_id: str) -> None:
    """Wait until a delivery that was refused before is taken, by a further attempt under the same id."""
    ended = await eventually(
        lambda: site.merchant.read(f"/webhooks/{delivery_id}"), lambda found: found["status"] == "delivered", RECOVERY_S
    )
    ids = [attempt["request"]["headers"]["webhook-id"] for attempt in ended["attempts"]]
    assert len(ids) >= 2
    assert set(ids) == {ended["event_id"]}
