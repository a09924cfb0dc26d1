"""The modal as a customer meets it: what is in it, how it is closed, what the page behind does."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from playwright.async_api import Browser, Page, expect

from tests.stack.browser.sdk.opened import Shop
from tests.stack.browser.sdk.site import Site
from tests.stack.browser.waits import until


async def test_it_opens_in_a_dialog_with_names(page: Page, site: Site) -> None:
    """A modal dialog has a name, its frame a title and the right to pay, and the keyboard is in the frame."""
    shop = await Shop.visit(page, site)
    frame = await shop.open(locale="de")
    assert await page.evaluate("document.querySelector('dialog').matches(':modal')")
    await expect(shop.modal).to_have_attribute("aria-label", "Zahlung")
    iframe = page.get_by_test_id("payment-iframe")
    await expect(iframe).to_have_attribute("title", "Zahlung")
    assert "payment" in str(await iframe.get_attribute("allow")).split("; ")
    await expect(page.get_by_test_id("close-modal-button")).to_have_accessible_name("Schließen")
    assert await page.evaluate("document.activeElement.tagName") == "IFRAME"
    assert "lang=de" in frame.url
    assert await shop.heard() == ["loaded"]


async def test_the_page_behind_does_not_scroll_or_jump(page: Page, site: Site) -> None:
    """While the modal is open the page behind keeps its place and its width."""
    shop = await Shop.visit(page, site)
    before = await page.evaluate("document.body.clientWidth")
    await shop.open()
    await page.mouse.move(30, 700)
    await page.mouse.wheel(0, 500)
    await page.wait_for_timeout(200)
    assert await page.evaluate("scrollY") == 0
    assert await page.evaluate("document.body.clientWidth") == before


async def test_the_close_button_closes_it(page: Page, site: Site) -> None:
    """Closing gives back the focus, the scrolling and the history, and says that nothing was paid."""
    shop = await Shop.visit(page, site)
    length = await page.evaluate("history.length")
    await shop.open()
    await page.get_by_test_id("close-modal-button").click()
    await shop.expect_closed()
    assert await shop.detail("close") == {"result": "none"}
    assert await page.evaluate("document.activeElement.id") == "buy"
    assert await page.evaluate("history.length") == length + 1
    assert await shop.heard() == ["loaded", "beforeclose", "close"]


async def test_escape_closes_it_from_outside_and_inside_the_frame(page: Page, site: Site) -> None:
    """A browser keeps Escape inside a frame of another origin: the page forwards it."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await page.get_by_test_id("close-modal-button").focus()
    await page.keyboard.press("Escape")
    await shop.expect_closed()
    frame = await shop.open()
    await frame.focus("#pay")
    with contextlib.suppress(TimeoutError):  # the frame goes while the key is down, and Chromium may never answer
        await asyncio.wait_for(page.keyboard.press("Escape"), 2)
    await shop.expect_closed()


async def test_the_back_button_closes_it(page: Page, site: Site) -> None:
    """Back closes the modal and stays in the shop; once more leaves the shop."""
    await page.goto(f"{site.stranger}/blank")
    shop = await Shop.visit(page, site)
    await shop.open()
    await page.evaluate("history.back()")
    await shop.expect_closed()
    await page.go_back()
    assert page.url == f"{site.stranger}/blank"


async def test_it_opens_again_at_once(page: Page, site: Site) -> None:
    """A modal that is opened while the former still goes back in the history stays open."""
    shop = await Shop.visit(page, site)
    await shop.open()
    assert await page.evaluate("gateway.close() && gateway.open()")
    await page.wait_for_timeout(600)
    await expect(shop.modal).to_be_visible()
    await page.get_by_test_id("close-modal-button").click()
    await shop.expect_closed()


async def test_a_shop_may_keep_it_open(page: Page, site: Site) -> None:
    """`beforeclose` can be prevented, whichever way the customer closes."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await page.evaluate("gateway.addEventListener('beforeclose', event => event.preventDefault())")
    await page.get_by_test_id("close-modal-button").click()
    for _ in range(3):
        await page.keyboard.press("Escape")
    await page.evaluate("history.back()")
    await page.wait_for_timeout(300)
    await expect(shop.modal).to_be_visible()
    await until(page, "history.state?.clearway != null")
    assert await page.evaluate("gateway.close()")
    await shop.expect_closed()


async def test_two_modals_are_one(page: Page, site: Site) -> None:
    """A page shows one modal, also when two copies of the script are in it."""
    shop = await Shop.visit(page, site, "/?copies=2")
    await shop.open()
    assert await page.evaluate("make({orderId: 'order_other'}).open()") is False
    assert await page.evaluate("gateway.open()") is False
    await expect(shop.modal).to_have_count(1)


async def test_it_fits_a_desktop_and_grows_with_the_page(page: Page, site: Site) -> None:
    """On a desktop the modal is in the middle, as high as its page, and never higher than the window."""
    shop = await Shop.visit(page, site)
    await shop.open()
    for height, expected in ((300, 344), (5000, 752)):
        await shop.say(type="resize", height=height)
        await until(
            page, "height => document.querySelector('dialog').getBoundingClientRect().height === height", arg=expected
        )
    box = await shop.modal.bounding_box()
    assert (box["x"], box["y"], box["width"]) == (420, 24, 440)


@pytest.mark.parametrize("size", [(320, 568), (390, 844), (844, 390)])
async def test_it_fills_a_phone(browser: Browser, site: Site, size: tuple[int, int]) -> None:
    """On a phone, upright or not, the modal is the screen."""
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=True, is_mobile=True)
    shop = await Shop.visit(await context.new_page(), site)
    await shop.open()
    box = await shop.modal.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, *size)
    assert await shop.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    await context.close()


async def test_languages_are_written_in_their_direction(page: Page, site: Site) -> None:
    """Arabic is written from the right; a language that the SDK does not have is English."""
    shop = await Shop.visit(page, site)
    await shop.open(locale="ar-EG")
    await expect(shop.modal).to_have_attribute("dir", "rtl")
    await page.evaluate("gateway.close()")
    await shop.expect_closed()
    await shop.open(locale="nl")
    await expect(shop.modal).to_have_attribute("aria-label", "Payment")


async def test_the_theme_is_the_shops_or_the_systems(page: Page, site: Site) -> None:
    """`dark` and `light` are taken as they are; without a theme the modal follows the system."""
    shop = await Shop.visit(page, site)
    scheme = "getComputedStyle(document.querySelector('dialog')).colorScheme"
    await shop.open(theme="dark")
    assert await page.evaluate(scheme) == "dark"
    await page.evaluate("gateway.close()")
    await shop.expect_closed()
    await shop.open(theme="auto")
    assert await page.evaluate(scheme) == "light dark"
