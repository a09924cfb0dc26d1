"""Lists in the dashboard: views, columns, filters of refunds and exports; and the settings of notices and security."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from playwright.async_api import Page, Route, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.accessible import EVERY_LOOK, faults_in
from tests.stack.browser.merchants import open_shop
from tests.stack.browser.people import add_member, open_home, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid

ARABIC = "فاشلة هذا الأسبوع"


async def test_a_view_is_saved_chosen_renamed_and_deleted(page: Page, stack: Stack, shop: Shop):
    """It brings back filters and columns, in a page that was opened without them."""
    await paid(shop)
    await add_member(stack, "views@example.test", Role.VIEWER)
    await sign_in(page, stack, "views@example.test")
    await page.goto(f"{stack.dashboard_url}/payments?status=success&method=upi")
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("menuitemcheckbox", name="Gateway").click()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("menuitem", name="Save this view").click()
    await page.get_by_label("Name").fill(ARABIC)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("button", name=ARABIC)).to_be_visible()

    await page.evaluate("localStorage.removeItem('clearway.columns.payments')")
    await page.goto(f"{stack.dashboard_url}/payments")
    await expect(page.get_by_role("columnheader", name="Gateway")).to_have_count(0)
    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("menuitem", name=ARABIC).click()
    await expect(page).to_have_url(re.compile("status=success"))
    await expect(page).to_have_url(re.compile("method=upi"))
    await expect(page.get_by_role("columnheader", name="Gateway")).to_be_visible()

    await page.get_by_role("button", name=ARABIC).click()
    await page.get_by_role("menuitem", name="Manage views").click()
    await page.get_by_role("button", name=f"Rename the view {ARABIC}").click()
    await page.get_by_label("New name").fill("Paid by UPI")
    await page.get_by_role("button", name="Rename", exact=True).click()
    await page.get_by_role("button", name="Delete the view Paid by UPI").click()
    await expect(page.get_by_text("You have no views of this list.")).to_be_visible()


async def test_refunds_are_found_by_their_order(page: Page, stack: Stack, shop: Shop):
    """Filters of refunds stand in the address, and columns can be chosen."""
    mine, other = await paid(shop, 31_100), await paid(shop, 32_200)
    for payment in (mine, other):
        (await shop.api.post(f"/payments/{payment['id']}/refunds", json={})).raise_for_status()
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/refunds")
    await page.get_by_role("button", name="Filter").click()
    await page.get_by_role("menuitem", name="Order").click()
    await page.get_by_role("dialog").get_by_label("Order").fill(mine["order_id"])
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("row").filter(has_text="₹322.00")).to_have_count(0)
    await expect(page.get_by_role("row").filter(has_text="₹311.00")).to_have_count(1)
    await expect(page).to_have_url(f"{stack.dashboard_url}/refunds?order_id={mine['order_id']}")
    await page.goto(f"{stack.dashboard_url}/refunds?currency=INR&amount_min=32200&amount_max=32200")
    await expect(page.get_by_role("row").filter(has_text="₹322.00")).to_have_count(1)
    await expect(page.get_by_role("row").filter(has_text="₹311.00")).to_have_count(0)


async def test_a_filtered_list_is_exported_and_read_back(page: Page, stack: Stack, shop: Shop, tmp_path: Path):
    """The file has what the filters show; Settings say that it was made. A viewer has no button for it."""
    payment = await paid(shop, 45_600, name="=1+1", email="export@example.test")
    await paid(shop)
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/payments?customer=export@example.test")
    await page.get_by_role("button", name="Export", exact=True).click()
    async with page.expect_download() as downloading:
        await page.get_by_role("menuitem", name="CSV").click()
    file = tmp_path / "payments.csv"
    await (await downloading.value).save_as(file)
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
    assert [(row["id"], row["amount"], row["customer_name"]) for row in rows] == [(payment["id"], "456.00", "'=1+1")]
    await expect(page.get_by_text("1 row saved")).to_be_visible()

    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Exports").click()
    await expect(page.get_by_text("Saved: 1 row", exact=False)).to_be_visible()
    await expect(page.get_by_text("Transactions, CSV").last).to_be_visible()

    await add_member(stack, "no-export@example.test", Role.VIEWER)
    await page.context.clear_cookies()
    await sign_in(page, stack, "no-export@example.test")
    await page.goto(f"{stack.dashboard_url}/payments")
    await expect(page.get_by_role("button", name="Columns")).to_be_visible()
    assert await page.get_by_role("button", name="Export", exact=True).count() == 0


async def test_an_export_that_fails_says_why(page: Page, stack: Stack, shop: Shop):
    """A connection that is cut is no file: the page says so, and offers to try again."""
    await paid(shop)
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.route("**/api/v1/exports/**", lambda route: route.abort())
    await page.goto(f"{stack.dashboard_url}/settings?tab=exports")
    await page.get_by_role("button", name="Export", exact=True).click()
    await expect(page.get_by_text("Failed", exact=False).first).to_be_visible()
    await page.unroute("**/api/v1/exports/**")
    async with page.expect_download():
        await page.get_by_role("button", name="Again").click()
    await expect(page.get_by_text("Saved: ", exact=False).first).to_be_visible()


async def test_a_customer_that_is_summed_up_in_part_is_shown_as_such(page: Page, stack: Stack, shop: Shop):
    """The page says that the figures are of the newest payments only, and says nothing when they are of all."""
    await paid(shop, email="regular@example.test")

    async def answer(route: Route) -> None:
        found = await (await route.fetch()).json()
        await route.fulfill(json=found | {"complete": False, "payments": 1_000, "succeeded": 900})

    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/customers?q=regular@example.test")
    await expect(page.get_by_text("1, 1 succeeded")).to_be_visible()
    await expect(page.get_by_text("newest", exact=False)).to_have_count(0)
    await page.route(re.compile(r"/api/v1/customers\?"), answer)
    await page.reload()
    await expect(page.get_by_text("More than 1,000. Of the newest 1,000, 900 succeeded")).to_be_visible()
    await expect(page.get_by_text("Paid, newest 1,000")).to_be_visible()
    await expect(page.get_by_text("Refunded, newest 1,000")).to_be_visible()


async def test_a_chart_of_too_many_payments_says_what_to_do(page: Page, stack: Stack, shop: Shop):
    """A period with too many payments shows the API's words instead of a chart; a shorter one shows the chart again."""
    await paid(shop)
    detail = "The period has more than 500,000 payments, too many to add up at once."

    async def refuse(route: Route) -> None:
        problem = {"code": "statistics_period_invalid", "title": "Unprocessable", "status": 422, "detail": detail}
        await route.fulfill(status=422, json=problem, content_type="application/problem+json")

    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(page, stack)
    await page.route(re.compile(r"/api/v1/statistics/series\?"), refuse)
    await page.get_by_role("button", name="30 days").click()
    await expect(page.get_by_text(detail)).to_be_visible()
    await page.unroute(re.compile(r"/api/v1/statistics/series\?"))
    await page.get_by_role("button", name="24 hours").click()
    await expect(page.get_by_text(detail)).to_have_count(0)
    await expect(page.get_by_text("Days begin at midnight in")).to_be_visible()


async def test_a_member_chooses_notices(page: Page, stack: Stack):
    """What is saved is still chosen after a reload."""
    await add_member(stack, "notices@example.test", Role.SUPPORT)
    await sign_in(page, stack, "notices@example.test")
    await page.goto(f"{stack.dashboard_url}/settings?tab=notices")
    choice = page.get_by_role("checkbox", name="Webhooks failed")
    wanted = not await choice.is_checked()
    await choice.set_checked(wanted)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    await page.reload()
    await expect(choice).to_be_checked(checked=wanted)
    await expect(page.get_by_text("You have not chosen yet", exact=False)).to_have_count(0)


async def test_nobody_shuts_themselves_out_by_the_second_factor(page: Page, stack: Stack):
    """An owner without a second factor cannot require it of all: the page says what to do first."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/settings?tab=security")
    await page.get_by_role("checkbox", name="Every member needs a second factor").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Turn on your own second factor first", exact=False)).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("checkbox", name="Every member needs a second factor")).not_to_be_checked()


async def test_the_checklist_stands_below_once_there_are_payments(page: Page, stack: Stack):
    """Figures come first for a business that takes payments; what is true is ticked, and the rest leads to its page."""
    async with open_shop(stack, "Beginners", owner="beginner@example.test") as shop:
        await paid(shop)
    await sign_in(page, stack, "beginner@example.test")
    await open_home(page, stack)
    checklist = page.get_by_role("heading", name="Until the first live payment")
    await expect(checklist).to_be_visible()
    figures = await page.get_by_text("Volume today").bounding_box()
    below = await checklist.bounding_box()
    assert figures is not None
    assert below is not None
    assert below["y"] > figures["y"]
    row = page.get_by_role("listitem").filter(has_text="test merchant succeeded")
    await expect(row.get_by_role("img", name="Done")).to_be_visible()
    refund = page.get_by_role("listitem").filter(has_text="refund of the account's test merchant")
    await expect(refund.get_by_role("link", name="Choose a payment")).to_have_attribute("href", "/payments")


async def test_settings_and_menus_are_accessible(page: Page, stack: Stack, shop: Shop):
    """Axe finds nothing serious in any part of the settings, nor in the open menus of a list."""
    await paid(shop)
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    for tab in ("general", "security", "notices", "exports"):
        await page.goto(f"{stack.dashboard_url}/settings?tab={tab}")
        await expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        assert await faults_in(page, EVERY_LOOK) == [], tab
    await page.goto(f"{stack.dashboard_url}/payments?status=success")
    for name, item in (("Views", "Save this view"), ("Export", "CSV")):
        await page.get_by_role("button", name=name).click()
        await expect(page.get_by_role("menuitem", name=item)).to_be_visible()
        assert await faults_in(page, EVERY_LOOK) == [], name
        await expect(page.get_by_role("menuitem", name=item), "it was open in every look").to_be_visible()
        await page.keyboard.press("Escape")
