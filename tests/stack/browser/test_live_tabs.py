"""Live updates in several tabs of one browser."""

from __future__ import annotations

from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from tests.stack.browser.people import add_member, sign_in
from tests.stack.browser.shop import Shop


async def pay(shop: Shop, customer: str) -> None:
    """Make a payment of a customer."""
    body = {"method": "upi", "vpa": "success@razorpay", "customer": {"name": customer}}
    (await shop.api.post("/payments", json={"order_id": await shop.order(), **body})).raise_for_status()


async def test_two_tabs_share_one_socket(page: Page, stack: Stack, shop: Shop):
    """The second tab hears by the socket of the first; when that one is closed, it opens its own and goes on."""
    await add_member(stack, "two-tabs@example.test", Role.VIEWER)
    await sign_in(page, stack, "two-tabs@example.test")
    await page.goto(f"{stack.dashboard_url}/payments")
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
