"""Webhooks in the dashboard: an endpoint of its own making, its secret, what failed and is sent again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.people import sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid
from tests.stack.e2e.merchant import eventually
from tests.support.receiver import Receiver, Reply, running_receiver

GIVEN_UP_S = 60.0


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Run the merchant's server."""
    async with running_receiver() as running:
        yield running


async def add_endpoint(page: Page, stack: Stack, url: str) -> tuple[str, str]:
    """Add an endpoint of two events and two retries by the page; return its id and its secret."""
    await page.goto(f"{stack.dashboard_url}/webhooks")
    await page.get_by_role("button", name="Add endpoint").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Address").fill(url)
    await dialog.get_by_label("All events").uncheck()
    for event in ("payment.success", "refund.processed"):
        await dialog.get_by_label(event, exact=True).check()
    await dialog.get_by_label(re.compile("Waits between")).fill("1s, 2s")
    await dialog.get_by_role("button", name="Add endpoint").click()
    shown = page.get_by_role("dialog", name="The signing secret")
    secret = (await shown.locator("code").first.inner_text()).strip()
    await page.keyboard.press("Escape")
    await expect(shown, "a secret is not closed by mistake").to_be_visible()
    await shown.get_by_label("I have stored the secret").check()
    await shown.get_by_role("button", name="Done").click()
    await page.get_by_role("row").filter(has_text=url).first.get_by_role("link").first.click()
    await page.wait_for_url(re.compile("/webhooks/whe_"))
    return page.url.rsplit("/", 1)[1], secret


async def failed_delivery(shop: Shop, endpoint_id: str) -> dict[str, Any]:
    """Pay an order, and return the delivery of it after its last retry."""
    payment = await paid(shop)

    async def delivery() -> dict[str, Any]:
        found = (await shop.read(f"/payments/{payment['id']}/webhooks"))["data"]
        return next((dict(each) for each in found if each["endpoint_id"] == endpoint_id), {"status": "pending"})

    return await eventually(delivery, lambda now: now["status"] == "failed", limit_s=GIVEN_UP_S)


async def test_an_endpoint_is_added_tried_and_verified(page: Page, stack: Stack, shop: Shop, receiver: Receiver):
    """It has the chosen events and waits; its secret is shown once; the page tells a genuine webhook from another."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    endpoint_id, secret = await add_endpoint(page, stack, receiver.url)
    made = await shop.read(f"/webhook_endpoints/{endpoint_id}")
    assert (made["event_types"], made["retry_intervals_s"]) == (["payment.success", "refund.processed"], [1, 2])
    assert secret not in await page.content()

    await page.get_by_role("button", name="Send a test event").click()
    await expect(page.get_by_text("Delivered", exact=True).first).to_be_visible()
    [delivery] = receiver.received
    await page.goto(f"{stack.dashboard_url}/webhooks/verify")
    await page.get_by_label("Signing secret").fill(secret)
    await page.get_by_label("Headers").fill("\n".join(f"{name}: {value}" for name, value in delivery.headers.items()))
    await page.get_by_label("Body").fill(delivery.body.decode())
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("The webhook is genuine")).to_be_visible()
    await page.get_by_label("Body").fill(delivery.body.decode().replace("payment", "Payment", 1))
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("does not match")).to_be_visible()

    await page.goto(f"{stack.dashboard_url}/webhooks/{endpoint_id}")
    await page.get_by_role("button", name="Rotate").click()
    await page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    shown = page.get_by_role("dialog", name="The new signing secret")
    assert (await shown.locator("code").first.inner_text()).strip() != secret
    await shown.get_by_label("I have stored the secret").check()
    await shown.get_by_role("button", name="Done").click()
    await expect(page.get_by_text("The former secret signs beside")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await page.wait_for_url(re.compile("/webhooks$"))
    assert endpoint_id not in {each["id"] for each in (await shop.read("/webhook_endpoints"))["data"]}


async def test_what_failed_is_sent_again(page: Page, stack: Stack, shop: Shop, receiver: Receiver):
    """A delivery shows what the server answered, and is retried; all that failed since are sent again together."""
    receiver.usual = Reply(500, body=b"the shelf is full")
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    endpoint_id, _ = await add_endpoint(page, stack, receiver.url)
    first, second = await asyncio.gather(failed_delivery(shop, endpoint_id), failed_delivery(shop, endpoint_id))
    await page.goto(f"{stack.dashboard_url}/webhooks/deliveries/{first['id']}")
    await expect(page.get_by_text("the shelf is full").first).to_be_visible()
    tried = len(receiver.received)
    receiver.usual = Reply()
    await page.get_by_role("button", name=re.compile("Retry|Send (it )?again")).first.click()
    await expect(page.get_by_text("Delivered").first).to_be_visible()
    assert len(receiver.received) == tried + 1

    await page.goto(f"{stack.dashboard_url}/webhooks/{endpoint_id}")
    await page.get_by_role("button", name="Send what was missed").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog.get_by_text("Started")).to_be_visible()

    async def of_second() -> dict[str, Any]:
        return await shop.read(f"/webhooks/{second['id']}")

    await eventually(of_second, lambda now: now["status"] == "delivered", limit_s=GIVEN_UP_S)
    assert len(receiver.received) == tried + 2
    (await shop.api.delete(f"/webhook_endpoints/{endpoint_id}")).raise_for_status()
