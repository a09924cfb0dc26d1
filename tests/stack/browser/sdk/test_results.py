"""What comes of a payment in the modal: results, the lock while one is awaited, and where the customer goes."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.stack.browser.sdk.opened import PAID, Shop
from tests.stack.browser.sdk.site import Site
from tests.stack.browser.waits import until


async def test_a_success_reaches_the_shop_and_closes(page: Page, site: Site) -> None:
    """`onSuccess` gets what the page said, then the modal closes, and `onClose` knows why."""
    shop = await Shop.visit(page, site)
    await page.evaluate("window.calls = []")
    await shop.open()
    await page.evaluate("gateway.addEventListener('success', () => calls.push(history.state?.clearway))")
    await shop.say(**PAID)
    await shop.expect_closed()
    assert await shop.detail("success") == {name: value for name, value in PAID.items() if name != "type"}
    assert await shop.detail("close") == {"result": "success"}
    # A handler may navigate: nothing goes back in the history after it.
    assert await page.evaluate("calls") == [None]


async def test_a_shop_that_goes_on_itself_gets_there(page: Page, site: Site) -> None:
    """The modal's own way back in the history does not cancel the shop's navigation."""
    shop = await Shop.visit(page, site)
    await page.evaluate("""() => document.getElementById("buy").onclick = () =>
        make({onSuccess: () => { location.href = "/thanks" }}).open()""")
    await shop.open()
    await shop.say(**PAID)
    await page.wait_for_url("**/thanks")


async def test_a_success_leads_to_the_signed_return_address(page: Page, site: Site) -> None:
    """With `returnUrl` the customer goes to the address that the page signed, unless the shop prevents it."""
    shop = await Shop.visit(page, site)
    signed = f"{site.shop}/orders/7?status=success&signature=abc"
    frame = await shop.open(returnUrl=f"{site.shop}/orders/7")
    assert "return_url=http%3A%2F%2Flocalhost" in frame.url
    await shop.say(**{**PAID, "return_url": signed})
    await page.wait_for_url(signed)


async def test_a_shop_may_keep_a_success_open(page: Page, site: Site) -> None:
    """A prevented `success` changes nothing: the shop closes when it likes."""
    shop = await Shop.visit(page, site)
    await shop.open(returnUrl=f"{site.shop}/orders/7")
    await page.evaluate("gateway.addEventListener('success', event => event.preventDefault())")
    await shop.say(**{**PAID, "return_url": f"{site.shop}/elsewhere"})
    await shop.detail("success")
    await page.wait_for_timeout(200)
    await expect(shop.modal).to_be_visible()
    assert await page.evaluate("gateway.close()")
    await shop.expect_closed()
    assert page.url == f"{site.shop}/"


async def test_an_error_of_the_shop_does_not_keep_it_open(page: Page, site: Site) -> None:
    """A handler that throws is reported, and the modal closes all the same."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await page.evaluate("gateway.addEventListener('success', () => { throw new Error('of the shop') })")
    await shop.say(**PAID)
    await shop.expect_closed()
    assert await page.evaluate("errors.splice(0)") == ["Uncaught Error: of the shop"]


async def test_a_confirmed_payment_keeps_it_open_until_its_result(page: Page, site: Site) -> None:
    """While a result is awaited nothing closes the modal; a failure lets go of it, and it stays for another try."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await shop.say(type="confirmed")
    await shop.detail("confirmed")
    await expect(page.get_by_test_id("close-modal-button")).to_be_disabled()
    assert await page.evaluate("gateway.close()") is False
    for _ in range(4):
        await page.keyboard.press("Escape")
        await page.evaluate("document.querySelector('dialog').requestClose?.()")
    await shop.say(type="close_requested")
    await page.evaluate("history.back()")
    await page.wait_for_timeout(300)
    await expect(shop.modal).to_be_visible()
    await until(page, "document.querySelector('dialog').matches(':modal')")
    await shop.say(type="failed", payment_id="pay_1", code="card_declined", message="Declined.", retryable=True)
    assert await shop.detail("failure") == {
        "payment_id": "pay_1",
        "code": "card_declined",
        "message": "Declined.",
        "retryable": True,
    }
    await expect(page.get_by_test_id("close-modal-button")).to_be_enabled()
    await page.get_by_test_id("close-modal-button").click()
    await shop.expect_closed()
    assert await shop.detail("close") == {"result": "failure"}


async def test_the_second_escape_does_not_close_a_locked_modal(page: Page, site: Site) -> None:
    """A browser closes a dialog at the second Escape whoever prevents it: the modal opens again, frame and all."""
    shop = await Shop.visit(page, site)
    frame = await shop.open()
    await shop.say(type="confirmed")
    await shop.detail("confirmed")
    await frame.evaluate("window.kept = true")
    await page.evaluate("document.querySelector('dialog').close()")
    await until(page, "document.querySelector('dialog').matches(':modal')")
    assert await shop.frame.evaluate("window.kept")


async def test_a_late_result_lets_go_and_decides_nothing(page: Page, site: Site) -> None:
    """`pending` unlocks the modal: the customer may leave, and the shop hears that the result is not known."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await shop.say(type="confirmed")
    await shop.say(type="pending", payment_id="pay_1")
    assert await shop.detail("pending") == {"payment_id": "pay_1"}
    await page.get_by_test_id("close-modal-button").click()
    await shop.expect_closed()
    assert await shop.detail("close") == {"result": "pending"}


async def test_a_silent_page_does_not_hold_the_customer(page: Page, site: Site) -> None:
    """A page that says no more after `confirmed` lets go of the modal in the end, and the result stays unknown."""
    await page.clock.install()
    shop = await Shop.visit(page, site)
    await shop.open()
    await shop.say(type="confirmed")
    await shop.detail("confirmed")
    await page.clock.run_for(89_000)
    assert await page.evaluate("gateway.close()") is False
    await page.clock.run_for(2_000)
    assert await page.evaluate("gateway.close()") is True
    await page.clock.run_for(1_000)
    assert await shop.detail("close") == {"result": "pending"}


async def test_an_expired_order_is_a_failure_without_another_try(page: Page, site: Site) -> None:
    """`expired` reaches the shop as a failure."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await shop.say(type="expired")
    assert await shop.detail("failure") == {"code": "order_expired", "retryable": False}


async def test_the_shop_goes_to_the_bank_without_a_click(page: Page, site: Site) -> None:
    """The shop's window goes to the bank, popup blocker or not; coming back leads to the shop without a modal."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await shop.say(type="confirmed")
    await page.wait_for_timeout(100)
    await shop.say(type="redirect", url=f"{site.checkout}/bank", kind="bank")
    await page.wait_for_url(f"{site.checkout}/bank")
    await page.go_back()
    assert page.url == f"{site.shop}/"
    # Whether the browser kept the page or loads it again: the customer is not locked in.
    if await page.get_by_test_id("payment-modal").count():
        await page.get_by_test_id("close-modal-button").click()
        await expect(shop.modal).to_have_count(0)


async def test_a_shop_may_go_to_the_bank_itself(page: Page, site: Site) -> None:
    """`redirect` can be prevented; the modal is not locked then."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await page.evaluate("gateway.addEventListener('redirect', event => event.preventDefault())")
    await shop.say(type="redirect", url=f"{site.checkout}/bank", kind="three_ds")
    assert await shop.detail("redirect") == {"url": f"{site.checkout}/bank", "kind": "three_ds"}
    assert page.url == f"{site.shop}/"
    assert await page.evaluate("gateway.close()")


@pytest.mark.parametrize("url", ["javascript:heard.push(['x'])", "data:text/html,x", "//bank.example", "", None, 7])
async def test_it_goes_to_web_addresses_only(page: Page, site: Site, url: object) -> None:
    """What is no http address is not followed, and the customer can close the modal."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await shop.say(type="redirect", url=url, kind="bank")
    await shop.say(type="expired")
    await shop.detail("failure")
    assert await shop.heard() == ["loaded", "failure"]
    assert page.url == f"{site.shop}/"
