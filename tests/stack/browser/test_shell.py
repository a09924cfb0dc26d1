"""The frame of the dashboard: its shortcuts, and what it shows when the network, the API or a page breaks."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from playwright.async_api import Error, Page, Route, expect

from clearway.dev.stack import Stack
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.people import open_home, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid
from tests.stack.browser.waits import hurry_until, press_until

PROBLEM = {
    "type": "urn:clearway:internal_error",
    "title": "Internal Server Error",
    "status": 500,
    "code": "internal_error",
    "detail": "Something broke. Nothing was done.",
    "request_id": "req_of_the_test",
}
OF_PAGES = re.compile(r"/api/v1/(?!users/me|installation|live|notices$)")


async def test_keys_lead_to_pages(page: Page, stack: Stack):
    """`?` shows the sheet of shortcuts, and `g t` opens Transactions."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(page, stack)
    sheet = page.get_by_role("dialog")
    await press_until(page, "Shift+Slash", shown=sheet.get_by_text("Next and previous row"))
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await press_until(page, "g", "t", shown=page.get_by_role("heading", name="Transactions"))
    await page.wait_for_url(re.compile("/payments$"))


async def test_it_says_when_it_is_offline(page: Page, stack: Stack):
    """The connection is shown, and comes back by itself."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(page, stack)
    status = page.get_by_role("status")
    await expect(status.filter(has_text="Connected")).to_be_visible()
    await page.context.set_offline(True)
    await expect(status.filter(has_text="Offline")).to_be_visible()
    await page.context.set_offline(False)
    await expect(status.filter(has_text="Connected")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("path", ["", "payments", "orders", "webhooks", "gateways", "routing", "team", "audit"])
async def test_an_answer_that_is_missing_has_a_reason_and_a_way_on(page: Page, stack: Stack, path: str):
    """A failed request is shown with its request id, and *Try again* asks once more."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=500, content_type="application/problem+json", body=json.dumps(PROBLEM))

    await page.route(OF_PAGES, refuse)
    await page.clock.install()
    await page.goto(f"{stack.dashboard_url}/{path}")
    await hurry_until(page, page.get_by_role("alert").first)
    await expect(page.locator("main")).to_contain_text("req_of_the_test")
    await page.unroute_all()
    again = page.get_by_role("button", name="Try again")
    while await again.count():
        with suppress(Error):  # the page asks by itself, too, and the button may be gone
            await again.first.click(timeout=1_000)
        await page.wait_for_load_state("networkidle")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_page_that_breaks_leaves_the_frame(page: Page, stack: Stack, shop: Shop):
    """An answer of another shape breaks one page; the navigation stays, and another page works."""
    await paid(shop)
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    answer = '{"data": [{"id": 7}], "has_more": false, "next_cursor": null}'

    async def mangle(route: Route) -> None:
        await route.fulfill(status=200, content_type="application/json", body=answer)

    await page.route(re.compile(r"/api/v1/orders\?"), mangle)
    await page.goto(f"{stack.dashboard_url}/orders")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Transactions").click()
    await expect(page.get_by_role("table").get_by_role("row").nth(1)).to_be_visible()
