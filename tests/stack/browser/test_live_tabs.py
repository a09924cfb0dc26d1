"""Live updates: in several tabs of one browser, and while no socket can be had."""

from __future__ import annotations

import re

from playwright.async_api import Page, WebSocketRoute, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from tests.stack.browser.people import add_member, sign_in
from tests.stack.browser.shop import Shop

POLL_MS = 16_000


async def pay(shop: Shop, customer: str) -> None:
    """Make a payment of a customer."""
    body = {"method": "upi", "vpa": "success@razorpay", "customer": {"name": customer}}
    (await shop.api.post("/payments", json={"order_id": await shop.order(), **body})).raise_for_status()


async def test_two_tabs_share_one_socket(page: Page, stack: Stack, shop: Shop):
    """The second tab hears by the socket of the first; when that one is closed, it opens its own and goes on."""
    await add_member(stack, "two-tabs@example.test", Role.VIEWER)
    await sign_in(page, stack, "two-tabs@example.test")
    await page.goto(f"{stack.dashboard_url}/payments")
    await expect(page.get_by_role("status").filter(has_text="Connected")).to_be_visible()
    other = await page.context.new_page()
    opened: list[str] = []
    other.on("websocket", lambda socket: opened.append(socket.url))
    await other.goto(f"{stack.dashboard_url}/payments")
    for tab in (page, other):
        await expect(tab.get_by_role("status").filter(has_text="Connected")).to_be_visible()
    await pay(shop, "Both Tabs")
    for tab in (page, other):
        await expect(tab.get_by_role("row").filter(has_text="Both Tabs")).to_be_visible()
    assert opened == [], "one socket is enough for a browser"

    async with other.expect_event("websocket"):
        await page.close()
    await expect(other.get_by_role("status").filter(has_text="Connected")).to_be_visible()
    await pay(shop, "The Tab That Stayed")
    await expect(other.get_by_role("row").filter(has_text="The Tab That Stayed")).to_be_visible()


async def test_without_a_socket_the_page_polls_and_says_so(page: Page, stack: Stack, shop: Shop):
    """While every socket is refused, the indicator says so, and a payment made elsewhere comes with the next poll."""
    refused: list[str] = []

    async def refuse(socket: WebSocketRoute) -> None:
        refused.append(socket.url)
        await socket.close()

    await add_member(stack, "no-socket@example.test", Role.VIEWER)
    await page.route_web_socket(re.compile("/api/v1/live"), refuse)
    await sign_in(page, stack, "no-socket@example.test")
    await page.clock.install()
    await page.goto(f"{stack.dashboard_url}/payments")
    indicator = page.get_by_role("status").filter(has_text="Connecting")
    await expect(indicator).to_have_attribute("title", "Updates every 15 seconds; connecting again")
    await expect(page.get_by_role("row").nth(1).or_(page.get_by_text("No payments yet"))).to_be_visible()
    await pay(shop, "While Not Connected")
    await page.clock.run_for(POLL_MS)
    await expect(page.get_by_role("row").filter(has_text="While Not Connected")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="Connected")).to_have_count(0)
    assert len(refused) > 1, "it goes on trying"
