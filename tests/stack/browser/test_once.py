"""An order is charged once, whatever the customer's browser does: counted in the gateway's own journal."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page, Route, expect

from tests.stack.browser.conftest import NewPage
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_checkout import enter_card, enter_vpa, pay, status


async def test_a_double_click(page: Page, shop: Shop):
    """Two quick clicks are one payment."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page)
    await page.get_by_test_id("pay-button").dblclick()
    await expect(status(page, "success")).to_be_visible()
    assert len(await shop.payments(order)) == 1
    assert await shop.charges(order) == 1


async def test_a_double_click_without_script(new_page: NewPage, shop: Shop):
    """A browser without script posts twice, and both posts meet one payment."""
    order = await shop.order()
    page = await new_page(script=False)
    await page.goto(shop.page(order))
    await enter_vpa(page, "success@razorpay")
    await page.get_by_test_id("pay-button").dblclick(no_wait_after=True)
    await expect(status(page, "success")).to_be_visible()
    assert len(await shop.payments(order)) == 1
    assert await shop.charges(order) == 1


async def test_two_tabs_at_once(new_page: NewPage, shop: Shop):
    """Two tabs with different instruments make one payment, and both show it."""
    order = await shop.order()
    one, two = await new_page(), await new_page()
    for page in (one, two):
        await page.goto(shop.page(order))
    await enter_card(one)
    await enter_vpa(two, "success@razorpay")
    await asyncio.gather(pay(one), pay(two))
    for page in (one, two):
        await expect(status(page, "success")).to_be_visible()
    assert len(await shop.payments(order)) == 1
    assert await shop.charges(order) == 1


async def test_a_tab_that_is_behind(new_page: NewPage, shop: Shop):
    """A form that was opened before the order was paid in another tab shows that it is paid, and charges nothing."""
    order = await shop.order()
    behind, page = await new_page(), await new_page()
    for each in (behind, page):
        await each.goto(shop.page(order))
    await enter_card(page)
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    await enter_vpa(behind, "success@razorpay")
    await pay(behind)
    await expect(status(behind, "success")).to_be_visible()
    assert len(await shop.payments(order)) == 1


async def test_a_lost_answer(page: Page, shop: Shop):
    """The connection breaks after the payment was made: the page finds it, and does not make another."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page)

    async def lose(route: Route) -> None:
        if route.request.method == "POST":
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route(f"**/checkout/{order}?**", lose)
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    assert len(await shop.payments(order)) == 1
    assert await shop.charges(order) == 1


async def test_a_request_that_never_arrived(page: Page, shop: Shop):
    """The connection breaks before the payment was made: the page says so, and pressing again pays once."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page)
    lost: list[str] = []

    async def lose_first(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.request.url)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route(f"**/checkout/{order}?**", lose_first)
    await pay(page)
    await expect(page.locator("#form-error")).to_contain_text("not charged twice")
    await expect(page.get_by_test_id("pay-button")).to_have_attribute("aria-disabled", "false")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    assert await shop.charges(order) == 1


async def test_a_reload_and_back_after_paying(page: Page, shop: Shop):
    """Reloading and going back and forth after the payment shows that the order is paid."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page)
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    await page.reload()
    await expect(status(page, "success")).to_be_visible()
    await page.goto("about:blank")
    await page.go_back()
    await expect(status(page, "success")).to_be_visible()
    await expect(page.get_by_test_id("payment-form")).to_have_count(0)
    assert len(await shop.payments(order)) == 1


async def test_a_form_that_failed_is_not_sent_again(page: Page, shop: Shop):
    """A form whose payment was declined makes no second one, even with another instrument: only a new form does."""
    order = await shop.order()
    await page.goto(shop.page(order))
    token = await page.locator("[name=token]").input_value()
    form = {"token": token, "option": "upi", "vpa": "failure@razorpay"}
    await page.request.post(shop.page(order), form=form)
    await page.goto(shop.page(order))
    await expect(status(page, "failed")).to_be_visible()
    await page.request.post(shop.page(order), form=form | {"vpa": "success@razorpay"})
    assert [payment["status"] for payment in await shop.payments(order)] == ["failed"]
