"""A merchant's Stripe account, from its keys to the money: the whole stack, with the stand-in of Stripe as the gateway.

What was really charged is what the gateway's journal says.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import Merchant, card, eventually

EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.amount_capturable_updated",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "refund.created",
    "refund.updated",
)
TIMED_OUT = {"operation": "authorise", "times": 1, "delay_s": 8}
"""The API's programs give a gateway five seconds."""


@dataclass
class StripeShop:
    """A merchant who takes payments by Stripe."""

    merchant: Merchant
    gateway_id: str

    async def pay(self, amount: int, number: str = "4242424242424242", **fields: Any) -> dict[str, Any]:
        """Create a card payment by Stripe."""
        return await self.merchant.pay(amount, gateway_id=self.gateway_id, **card(number), **fields)

    async def events(self, payment: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the received events of Stripe about a payment."""
        listed = await self.merchant.read(f"/gateway_events?gateway_id={self.gateway_id}&limit=100")
        return [event for event in listed["data"] if event.get("subject_id") == payment["id"]]


@pytest.fixture
async def shop(steady: Site) -> StripeShop:
    """Connect a Stripe account, as docs/stripe.md says: keys, a webhook endpoint at Stripe, and its secret."""
    merchant, account = steady.merchant, f"sk_test_e2e_{secrets.token_hex(8)}"
    made = await merchant.post(
        "/gateways",
        {
            "kind": "stripe",
            "name": "Stripe",
            "priority": 900,
            "credentials": {"secret_key": account},
            "settings": {"api_base": f"{steady.stack.simulator_url}/stripe", "multicapture": True},
        },
    )
    assert made.status_code == 201, made.text
    gateway = made.json()
    assert any("webhook signing secret" in warning for warning in gateway["warnings"])
    form = {"url": gateway["webhook_url"], "api_version": "2026-10-28.endive"}
    form |= {f"enabled_events[{number}]": name for number, name in enumerate(EVENTS)}
    endpoint = await merchant.gateway.post(
        "/stripe/v1/webhook_endpoints", data=form, headers={"authorization": f"Bearer {account}"}
    )
    changed = await merchant.http.patch(
        f"/gateways/{gateway['id']}", json={"credentials": {"webhook_secret": endpoint.json()["secret"]}}
    )
    assert changed.status_code == 200, changed.text
    assert account not in changed.text
    tested = await merchant.post(f"/gateways/{gateway['id']}/test")
    assert tested.json()["ok"] is True, tested.text
    return StripeShop(merchant, gateway["id"])


async def test_a_payment_a_partial_refund_and_the_events_of_stripe(shop: StripeShop) -> None:
    """A payment is charged once, its signed events arrive, and a part of it is refunded."""
    merchant = shop.merchant
    payment = await merchant.until(await shop.pay(50_000), "success")
    assert (payment["gateway"], payment["gateway_id"]) == ("stripe", shop.gateway_id)
    assert await merchant.charged(payment) == [50_000]
    await eventually(lambda: shop.events(payment), lambda found: found)
    refund = await merchant.until(await merchant.refund(payment, 20_000), "processed")
    assert refund["amount"] == 20_000
    assert [effect["amount"] for effect in await merchant.effects(payment, "refunded")] == [20_000]


async def test_a_decline(shop: StripeShop) -> None:
    """A card that Stripe declines fails the payment with a unified code, and takes nothing."""
    payment = await shop.merchant.until(await shop.pay(51_000, "4000000000009995"), "failed")
    assert payment["error_code"] == "insufficient_funds"
    assert await shop.merchant.effects(payment) == []


async def test_three_d_secure(shop: StripeShop) -> None:
    """The customer is sent to Stripe's page; after it the payment is charged once."""
    waiting = await shop.merchant.until(await shop.pay(52_000, "4000000000003220"), "requires_action")
    await shop.merchant.press(waiting)
    payment = await shop.merchant.until(waiting, "success")
    assert await shop.merchant.charged(payment) == [52_000]


async def test_captures_in_parts_and_a_release(shop: StripeShop) -> None:
    """A hold is captured in two parts, and the rest is released."""
    merchant = shop.merchant
    held = await merchant.until(await shop.pay(53_000, capture_method="manual"), "authorized")
    for amount in (20_000, 10_000):
        answer = await merchant.post(f"/payments/{held['id']}/capture", {"amount": amount, "final": False})
        assert answer.status_code == 200, answer.text
    released = await merchant.post(f"/payments/{held['id']}/cancel", {})
    assert released.status_code == 200, released.text
    assert await merchant.charged(held) == [20_000, 10_000]
    assert [effect["amount"] for effect in await merchant.effects(held, "voided")] == [23_000]


@pytest.mark.parametrize(
    ("fault", "amount"),
    [("executed_then_timeout", 54_001), ("executed_then_dropped", 54_002), ("error_after_charge", 54_003)],
)
async def test_no_double_charge_when_the_answer_is_lost(shop: StripeShop, fault: str, amount: int) -> None:
    """A charge whose answer was lost is found by the intent's id, and is the only one; a stored 500 is not believed."""
    await shop.merchant.faults(TIMED_OUT | {"fault": fault, "match": {"amount": amount}})
    payment = await shop.merchant.until(await shop.pay(amount), "success")
    assert await shop.merchant.charged(payment) == [amount]
    attempts = (await shop.merchant.read(f"/payments/{payment['id']}/attempts"))["data"]
    assert [attempt["gateway"] for attempt in attempts] == ["stripe"]


async def test_a_forged_webhook_changes_nothing(shop: StripeShop) -> None:
    """An event that is not signed with the endpoint's secret is refused, and the payment stays as it is."""
    waiting = await shop.merchant.until(await shop.pay(55_000, "4000000000003220"), "requires_action")
    answer: httpx.Response = await shop.merchant.http.post(
        f"/gateways/{shop.gateway_id}/webhook", content=b"{}", headers={"stripe-signature": "t=1,v1=00"}
    )
    assert answer.status_code == 401
    assert (await shop.merchant.read(f"/payments/{waiting['id']}"))["status"] == "requires_action"
    assert (await shop.merchant.post(f"/payments/{waiting['id']}/cancel", {})).status_code == 200
    assert await shop.merchant.effects(waiting) == []
