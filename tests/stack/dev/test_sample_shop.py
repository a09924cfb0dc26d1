"""The sample shop believes a payment when its webhook is verified, and only what that webhook says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from clearway.sample_merchant.receiver import create_app
from clearway.sample_merchant.shop import PRODUCTS, Order, Shop, ShopSettings
from tests.stack.dev.test_sample_merchant import signed, talking_to

NOWHERE = ShopSettings(api_url="http://127.0.0.1:1")


@dataclass
class Selling:
    """A shop with one order."""

    client: httpx.AsyncClient
    order: Order

    async def deliver(self, event_id: str = "evt_1", kind: str = "payment.success", **changed: Any) -> int:
        """Deliver a signed event about the order; return the status of the answer."""
        data = {"id": "pay_1", "order_id": self.order.id, "amount": self.order.amount, "currency": "INR", **changed}
        body = json.dumps({"id": event_id, "type": kind, "data": data}).encode()
        return (await self.client.post("/webhooks", content=body, headers=signed(body))).status_code

    async def status(self) -> str:
        """Return what the page is shown."""
        state = (await self.client.get(f"/orders/{self.order.id}/state")).json()
        return str(state["status"])


@pytest.fixture
async def selling() -> AsyncIterator[Selling]:
    """Put an order into a shop, as if Clearway had made it."""
    app = create_app(settings=NOWHERE)
    shop: Shop = app.state.shop
    order = Order("order_1", PRODUCTS[0], PRODUCTS[0].amount, "INR")
    shop._orders[order.id] = order
    async with talking_to(app) as client:
        yield Selling(client, order)


async def test_a_verified_webhook_makes_it_paid(selling: Selling) -> None:
    """The order is paid after the webhook, and a repeated one changes nothing."""
    assert await selling.status() == "unpaid"
    assert [await selling.deliver() for _ in range(2)] == [200, 200]
    assert await selling.status() == "paid"
    assert len(selling.order.events) == 1


async def test_a_forged_webhook_does_not(selling: Selling) -> None:
    """Without a signature the shop learns nothing, whatever the body says."""
    data = {"id": "pay_1", "order_id": "order_1", "amount": selling.order.amount, "currency": "INR"}
    event = {"id": "evt_1", "type": "payment.success", "data": data}
    assert (await selling.client.post("/webhooks", json=event)).status_code == 400
    assert await selling.status() == "unpaid"
    assert selling.order.events == []


@pytest.mark.parametrize("changed", [{"amount": 1}, {"currency": "USD"}, {"order_id": "order_2"}])
async def test_what_was_paid_must_be_what_is_owed(selling: Selling, changed: dict[str, Any]) -> None:
    """A signed event with another amount, currency or order pays nothing."""
    assert await selling.deliver(**changed) == 200
    assert await selling.status() == "unpaid"


async def test_a_webhook_that_is_refused_does_not_count(selling: Selling) -> None:
    """A shop that answers 500 has not taken the event; it is delivered again."""
    await selling.client.post("/behaviour", json={"mode": "fail", "times": 1})
    assert await selling.deliver() == 500
    assert await selling.status() == "unpaid"
    assert await selling.deliver() == 200
    assert await selling.status() == "paid"


async def test_a_failure_is_not_the_end_and_a_late_one_is_nothing(selling: Selling) -> None:
    """After a failed payment the order can be paid; an older event that arrives later does not undo that."""
    await selling.deliver("evt_1", "payment.failed")
    assert await selling.status() == "failed"
    await selling.deliver("evt_3")
    await selling.deliver("evt_2", "payment.expired")
    assert await selling.status() == "paid"


async def test_the_secret_and_the_price_stay_on_the_server(selling: Selling) -> None:
    """The page gets the id of the key and never the secret; it names a product and never a price."""
    state = (await selling.client.get("/orders/order_1/state")).text
    assert "key_test_abc123" in state
    assert "secret_" not in state
    assert (await selling.client.post("/orders", json={"product": "coffee", "amount": 1})).status_code == 422
    assert (await selling.client.post("/orders", json={"product": "yacht"})).status_code == 404


async def test_a_shop_without_clearway_says_so(selling: Selling) -> None:
    """When Clearway does not answer there is no order, and the page can say what to do."""
    answer = await selling.client.post("/orders", json={"product": "coffee"})
    assert answer.status_code == 502
    assert "Try again" in answer.json()["detail"]
    assert (await selling.client.get("/orders/order_9/state")).status_code == 404


async def test_the_page_allows_the_checkout_and_nothing_else(selling: Selling) -> None:
    """The policy of the shop's page is the one that docs/sdk.md asks for, without inline script or style."""
    for path in ("/", "/orders/order_1"):
        page = await selling.client.get(path)
        policy = page.headers["content-security-policy"]
        assert "script-src 'self' http://127.0.0.1:3001;" in policy
        assert "frame-src http://127.0.0.1:3001;" in policy
        assert "unsafe" not in policy
        assert "{checkout}" not in page.text
    assert "innerHTML" not in (await selling.client.get("/shop.js")).text
