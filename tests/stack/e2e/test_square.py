"""A merchant's Square account, from its token to the money: the whole stack, with the stand-in of Square.

What was really charged is what the gateway's journal says.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import Merchant, eventually

TYPES = ["payment.created", "payment.updated", "refund.created", "refund.updated"]
TIMED_OUT = {"operation": "authorise", "times": 1, "delay_s": 8}
"""The API's programs give a gateway five seconds."""


@dataclass
class SquareShop:
    """A merchant who takes payments by Square."""

    merchant: Merchant
    gateway_id: str

    async def pay(self, amount: int, token: str = "cnon:card-nonce-ok", **fields: Any) -> dict[str, Any]:  # noqa: S107 - of a card
        """Create a card payment by Square."""
        order_id = await self.merchant.order(amount, "USD")
        given = {"gateway_id": self.gateway_id, "order_id": order_id, "method": "card", "token": token, **fields}
        return await self.merchant.pay(amount, **given)

    async def events(self, payment: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the received events of Square about a payment."""
        listed = await self.merchant.read(f"/gateway_events?gateway_id={self.gateway_id}&limit=100")
        return [event for event in listed["data"] if event.get("subject_id") == payment["id"]]


@pytest.fixture
async def shop(steady: Site) -> SquareShop:
    """Connect a Square account, as docs/gateways/square.md says: token, location, a subscription and its key."""
    merchant, token = steady.merchant, f"EAAA_e2e_{secrets.token_hex(8)}"
    headers = {"authorization": f"Bearer {token}"}
    listed = (await merchant.gateway.get("/square/v2/locations", headers=headers)).json()["locations"]
    location = next(one["id"] for one in listed if one["currency"] == "USD")
    made = await merchant.post(
        "/gateways",
        {
            "kind": "square",
            "name": "Square",
            "priority": 910,
            "credentials": {"access_token": token},
            "settings": {
                "location_id": location,
                "currency": "USD",
                "api_base": f"{steady.stack.simulator_url}/square",
            },
        },
    )
    assert made.status_code == 201, made.text
    gateway = made.json()
    assert any("webhook signature key" in warning for warning in gateway["warnings"])
    subscription = {"name": "Clearway", "event_types": TYPES, "notification_url": gateway["webhook_url"]}
    subscribed = await merchant.gateway.post(
        "/square/v2/webhooks/subscriptions", json={"subscription": subscription}, headers=headers
    )
    key = subscribed.json()["subscription"]["signature_key"]
    changed = await merchant.http.patch(f"/gateways/{gateway['id']}", json={"credentials": {"signature_key": key}})
    assert changed.status_code == 200, changed.text
    assert token not in changed.text
    tested = await merchant.post(f"/gateways/{gateway['id']}/test")
    assert tested.json()["ok"] is True, tested.text
    return SquareShop(merchant, gateway["id"])


async def test_a_payment_a_partial_refund_and_the_events_of_square(shop: SquareShop) -> None:
    """A payment is charged once, its signed events arrive, and a part of it is refunded."""
    merchant = shop.merchant
    payment = await merchant.until(await shop.pay(60_000), "success")
    assert (payment["gateway"], payment["gateway_id"]) == ("square", shop.gateway_id)
    assert await merchant.charged(payment) == [60_000]
    found = await eventually(lambda: shop.events(payment), lambda found: found)
    assert {event["disposition"] for event in found} <= {"late", "signalled", "duplicate"}
    refund = await merchant.until(await merchant.refund(payment, 20_000), "processed")
    assert refund["amount"] == 20_000
    assert [effect["amount"] for effect in await merchant.effects(payment, "refunded")] == [20_000]


async def test_a_decline(shop: SquareShop) -> None:
    """A card that Square declines fails the payment with a unified code, and takes nothing."""
    payment = await shop.merchant.until(await shop.pay(61_000, "cnon:card-nonce-rejected-cvv"), "failed")
    assert payment["error_code"] == "incorrect_cvc"
    assert await shop.merchant.effects(payment) == []


async def test_a_partial_capture_releases_the_rest(shop: SquareShop) -> None:
    """A hold is captured in part, once; a part that is not final is refused, and nothing contradicts the record."""
    merchant = shop.merchant
    held = await merchant.until(await shop.pay(63_000, capture_method="manual"), "authorized")
    refused = await merchant.post(f"/payments/{held['id']}/capture", {"amount": 20_000, "final": False})
    assert refused.status_code != 200, refused.text
    answer = await merchant.post(f"/payments/{held['id']}/capture", {"amount": 20_000})
    assert answer.status_code == 200, answer.text
    assert await merchant.charged(held) == [20_000]
    assert [effect["amount"] for effect in await merchant.effects(held, "voided")] == [43_000]
    found = await eventually(lambda: shop.events(held), lambda found: len(found) >= 3)
    assert "contradicts" not in {event["disposition"] for event in found}


async def test_a_hold_is_released(shop: SquareShop) -> None:
    """A hold that is cancelled is released at Square."""
    merchant = shop.merchant
    held = await merchant.until(await shop.pay(64_000, capture_method="manual"), "authorized")
    assert (await merchant.post(f"/payments/{held['id']}/cancel", {})).status_code == 200
    await merchant.until(held, "cancelled")
    assert [effect["amount"] for effect in await merchant.effects(held, "voided")] == [64_000]


@pytest.mark.parametrize(
    ("fault", "amount"),
    [("executed_then_timeout", 65_001), ("executed_then_dropped", 65_002), ("error_after_charge", 65_003)],
)
async def test_no_double_charge_when_the_answer_is_lost(shop: SquareShop, fault: str, amount: int) -> None:
    """A charge whose answer was lost is found in Square's list, or by its event, and is the only one."""
    await shop.merchant.faults(TIMED_OUT | {"fault": fault, "match": {"amount": amount}})
    payment = await shop.merchant.until(await shop.pay(amount), "success")
    assert await shop.merchant.charged(payment) == [amount]
    attempts = (await shop.merchant.read(f"/payments/{payment['id']}/attempts"))["data"]
    assert [attempt["gateway"] for attempt in attempts] == ["square"]


async def test_a_forged_webhook_changes_nothing(shop: SquareShop) -> None:
    """An event that is not signed with the subscription's key is refused, and the payment stays as it is."""
    held = await shop.merchant.until(await shop.pay(66_000, capture_method="manual"), "authorized")
    answer = await shop.merchant.http.post(
        f"/gateways/{shop.gateway_id}/webhook", content=b"{}", headers={"x-square-hmacsha256-signature": "AAAA"}
    )
    assert answer.status_code == 401
    assert (await shop.merchant.read(f"/payments/{held['id']}"))["status"] == "authorized"
    assert (await shop.merchant.post(f"/payments/{held['id']}/cancel", {})).status_code == 200
