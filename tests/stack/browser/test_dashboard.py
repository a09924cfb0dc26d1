"""The dashboard in a real browser: people sign in, find a payment, refund it, and may do no more than their role."""

from __future__ import annotations

import contextlib
from typing import Any

from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from clearway.db.seed import TEST_MERCHANT
from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.people import PASSWORD, add_member, open_home, sign_in, sign_in_by_page
from tests.stack.browser.shop import Shop
from tests.stack.browser.waits import press_until


async def paid(shop: Shop, amount: int = 50_000, **customer: str) -> dict[str, Any]:
    """Make an order and have it paid by UPI; return the payment."""
    return await shop.payment("success", amount=amount, customer=customer)


async def test_from_the_log_in_to_a_refund(page: Page, stack: Stack, shop: Shop):
    """An owner signs in, finds a payment by its e-mail address, refunds a part, and sees what is left."""
    payment = await paid(shop, 123_450, name="محمد عبد الله", email="refund-me@example.test")
    await sign_in_by_page(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await expect(page.get_by_test_id("test-mode")).to_be_visible()
    await page.get_by_role("link", name="Transactions").click()
    search = page.get_by_role("searchbox")
    await search.fill("refund-me@example.test")
    await search.press("Enter")
    row = page.get_by_role("row").filter(has_text="محمد عبد الله")
    await expect(row).to_have_count(1)
    await row.get_by_role("link").click()
    await expect(page).to_have_url(f"{stack.dashboard_url}/payments/{payment['id']}")
    await expect(page.get_by_test_id("payment-status")).to_have_attribute("data-status", "success")
    await page.get_by_role("button", name="Refund", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Amount in INR").fill("9999999")
    await dialog.get_by_role("button", name="Refund").click()
    await expect(dialog.get_by_text("At most ₹1,234.50 can be refunded.")).to_be_visible()
    await dialog.get_by_label("Amount in INR").fill("200.50")
    await dialog.get_by_role("button", name="Refund ₹200.50").dblclick()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_text("₹1,034.00 can still be refunded.")).to_be_visible()
    refunds = (await shop.read(f"/payments/{payment['id']}/refunds"))["data"]
    assert [refund["amount"] for refund in refunds] == [20_050], "a double click refunds once"


async def test_a_viewer_looks_and_cannot_refund(page: Page, stack: Stack, shop: Shop):
    """A viewer sees a payment without its buttons, and the API refuses the same session's refund."""
    payment = await paid(shop)
    await add_member(stack, "viewer@example.test", Role.VIEWER)
    await sign_in(page, stack, "viewer@example.test")
    await page.goto(f"{stack.dashboard_url}/payments/{payment['id']}")
    await expect(page.get_by_test_id("payment-status")).to_have_attribute("data-status", "success")
    await expect(page.get_by_text("can still be refunded")).to_be_visible()
    assert await page.get_by_role("button", name="Refund", exact=True).count() == 0
    answer = await page.evaluate(
        """async ([path, merchant]) => {
            const headers = {"X-Clearway-Request": "1", "X-Clearway-Merchant": merchant,
                "Content-Type": "application/json", "Idempotency-Key": "viewer-tries"};
            const response = await fetch(path, {method: "POST", headers, body: "{}"});
            return [response.status, (await response.json()).code];
        }""",
        [f"/api/v1/payments/{payment['id']}/refunds", TEST_MERCHANT.merchant_id],
    )
    assert answer == [403, "permission_missing"]
    assert (await shop.read(f"/payments/{payment['id']}/refunds"))["data"] == []


async def test_a_wrong_password_says_so_and_a_deep_link_waits(page: Page, stack: Stack, shop: Shop):
    """Who opens a payment without a session logs in first and then sees that payment."""
    payment = await paid(shop)
    await page.goto(f"{stack.dashboard_url}/payments/{payment['id']}")
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.get_by_label("E-mail address").fill(OWNER_EMAIL)
    await page.get_by_label("Password").fill("not the password at all")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.locator("form").get_by_text("wrong", exact=False)).to_be_visible()
    await page.get_by_label("Password").fill(OWNER_PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(f"{stack.dashboard_url}/payments/{payment['id']}")
    await expect(page.get_by_test_id("payment-status")).to_be_visible()


async def test_the_palette_finds_a_pasted_id(page: Page, stack: Stack, shop: Shop):
    """The keyboard alone leads from any page to a payment whose id is pasted."""
    payment = await paid(shop)
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(page, stack)
    await press_until(page, "/", shown=page.get_by_role("combobox"))
    await page.get_by_role("combobox").fill(payment["id"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("payment-status")).to_be_visible()
    await press_until(page, "g", "o", shown=page.get_by_role("heading", name="Orders"))


async def test_a_session_that_ended_leads_to_the_log_in(page: Page, stack: Stack):
    """When a session is ended elsewhere, the next request leads to the log-in."""
    await add_member(stack, "leaver@example.test", Role.SUPPORT)
    await sign_in(page, stack, "leaver@example.test", PASSWORD)
    await open_home(page, stack)
    await page.context.clear_cookies()
    # Unless one in the background was quicker, and the link is gone.
    with contextlib.suppress(PlaywrightTimeout):
        await page.get_by_role("link", name="Orders").click(timeout=3_000)
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
