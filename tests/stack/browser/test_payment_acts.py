"""What people do with payments in the dashboard: capture a part, release the rest, select rows of a list that moves."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.people import add_member, call_api, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid


async def test_a_part_is_captured(page: Page, stack: Stack, shop: Shop):
    """The amount is asked for, and the page shows what was taken."""
    payment_id = (await shop.payment("authorized", amount=100_000, capture_method="manual"))["id"]
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/payments/{payment_id}")
    await page.get_by_role("button", name="Capture").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Amount in INR").fill("400")
    await dialog.get_by_role("button", name="Capture").click()
    await expect(page.get_by_text("₹400.00 captured")).to_be_visible()
    await expect(page.get_by_test_id("payment-status")).to_have_attribute("data-status", "success")
    assert (await shop.read(f"/payments/{payment_id}"))["amount_captured"] == 40_000


async def test_the_timeline_names_the_member_who_acted(page: Page, stack: Stack, shop: Shop):
    """A member's capture has their name in the timeline; what is kept of it is their id, and never name or address."""
    payment_id = (await shop.payment("authorized", amount=30_000, capture_method="manual"))["id"]
    await add_member(stack, "captures-by-hand@example.test", Role.ADMIN, "Nare Sargsyan")
    await sign_in(page, stack, "captures-by-hand@example.test")
    await page.goto(f"{stack.dashboard_url}/payments/{payment_id}")
    await page.get_by_role("button", name="Capture").click()
    await page.get_by_role("dialog").get_by_role("button", name="Capture").click()
    step = page.get_by_role("listitem").filter(has_text="Payment succeeded").filter(has_text="Nare Sargsyan")
    await expect(step).to_be_visible()
    history = (await shop.read(f"/payments/{payment_id}/history"))["data"]
    members = (await call_api(page, "GET", "/members?limit=100"))["data"]
    (member,) = (each for each in members if each["email"] == "captures-by-hand@example.test")
    assert {each["actor"] for each in history if each["type"] == "payment.success"} == {f"user:{member['user_id']}"}
    assert "Sargsyan" not in str(history)
    assert "captures-by-hand" not in str(history)


async def test_reserved_money_is_released(page: Page, stack: Stack, shop: Shop):
    """Cancelling asks once more, and takes no money."""
    payment_id = (await shop.payment("authorized", amount=70_000, capture_method="manual"))["id"]
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/payments/{payment_id}")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("Cancel (the )?payment")).click()
    await expect(page.get_by_test_id("payment-status")).to_have_attribute("data-status", "cancelled")
    assert (await shop.read(f"/payments/{payment_id}"))["amount_captured"] == 0


async def test_a_list_does_not_move_under_selected_rows(new_page: NewPage, stack: Stack, shop: Shop):
    """While rows are selected, a new payment waits behind a button; ids are copied as they were selected."""
    page = await new_page(permissions=["clipboard-read", "clipboard-write"])
    payments = [await paid(shop, 11_100 + number) for number in range(2)]
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/payments")
    await expect(page.get_by_role("status").filter(has_text="Connected")).to_be_visible()
    for payment in payments:
        amount = f"₹{payment['amount'] / 100:,.2f}"
        await page.get_by_role("row").filter(has_text=amount).first.get_by_role("checkbox").check()
    await expect(page.get_by_text("2 selected")).to_be_visible()
    await page.get_by_role("button", name="Copy ids").click()
    copied = (await page.evaluate("navigator.clipboard.readText()")).split()
    assert set(copied) == {payment["id"] for payment in payments}
    late = page.get_by_role("row").filter(has_text="Late Comer")
    await paid(shop, 99_900, name="Late Comer")
    await expect(page.get_by_role("button", name=re.compile("1 new"))).to_be_visible()
    await expect(late).to_have_count(0)
    await page.get_by_role("button", name=re.compile("1 new")).click()
    await expect(late).to_have_count(1)
