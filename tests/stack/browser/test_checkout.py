"""The hosted checkout in a real browser: an order is paid once, and the page always shows what is true."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.stack.browser.conftest import NewPage
from tests.stack.browser.shop import Shop

CARD = "4242424242424242"
CHOSEN = "label:has([name=option]:checked)"
"""The method that is chosen."""


def status(page: Page, value: str):
    """Return the part of the page that shows this status."""
    return page.locator(f'[data-testid=payment-status][data-status="{value}"]')


async def enter_card(page: Page, number: str = CARD) -> None:
    """Choose the card, and fill its fields as a customer types."""
    await page.get_by_test_id("method-card").click()
    await page.locator("[name=number]").press_sequentially(number)
    await page.locator("[name=expiry]").press_sequentially("1231")
    await page.locator("[name=cvc]").press_sequentially("123")


async def enter_vpa(page: Page, vpa: str) -> None:
    """Choose UPI, and fill in the address."""
    await page.get_by_test_id("method-upi").click()
    await page.locator("[name=vpa]").fill(vpa)


async def pay(page: Page) -> None:
    """Press the button."""
    await page.get_by_test_id("pay-button").click()


async def test_a_card_is_paid_without_a_reload(page: Page, shop: Shop):
    """The number is formatted and recognised, goes to the gateway alone, and the page shows the end by itself."""
    order = await shop.order(receipt="Invoice 7")
    bodies: list[str] = []
    page.on(
        "request", lambda request: bodies.append(request.post_data or "") if shop.checkout_url in request.url else None
    )
    await page.goto(shop.page(order))
    await expect(page.get_by_test_id("order-amount")).to_have_text("₹500.00")
    await enter_card(page)
    assert await page.locator("[name=number]").input_value() == "4242 4242 4242 4242"
    assert await page.locator("[name=expiry]").input_value() == "12/31"
    await expect(page.locator(".brand")).to_have_text("Visa")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    assert await shop.status(order) == "paid"
    assert await shop.charges(order) == 1
    assert not [body for body in bodies if "4242" in body], "a card number reached the checkout's server"


@pytest.mark.parametrize("method", ["card", "upi", "netbanking", "wallet"])
async def test_every_method_works_without_script(new_page: NewPage, shop: Shop, method: str):
    """A browser without JavaScript posts the same form, and its page loads itself until the payment has ended."""
    order = await shop.order()
    page = await new_page(script=False)
    await page.goto(shop.page(order))
    await page.get_by_test_id(f"method-{method}").click()
    match method:
        case "card":
            await page.locator("[name=number]").fill(CARD)
            await page.locator("[name=expiry]").fill("12/31")
            await page.locator("[name=cvc]").fill("123")
        case "upi":
            await page.locator("[name=vpa]").fill("success@razorpay")
        case "netbanking":
            await page.locator("[name=bank]").select_option("SUCC")
        case _:
            await page.locator("[name=wallet]").select_option("success")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    assert await shop.charges(order) == 1


async def test_the_method_of_the_last_visit_is_offered_first(page: Page, new_page: NewPage, shop: Shop):
    """The method that was chosen last is chosen already at the next order; somebody else begins with the usual one."""
    await page.goto(shop.page(await shop.order()))
    usual = await page.locator(CHOSEN).get_attribute("data-testid")
    assert usual != "method-wallet"
    await page.get_by_test_id("method-wallet").click()
    await page.locator("[name=wallet]").select_option("success")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()

    await page.goto(shop.page(await shop.order()))
    await expect(page.locator(CHOSEN)).to_have_attribute("data-testid", "method-wallet")
    await expect(page.locator("[name=wallet]")).to_be_visible()

    other = await new_page()
    await other.goto(shop.page(await shop.order()))
    await expect(other.locator(CHOSEN)).to_have_attribute("data-testid", usual or "")
    await expect(other.locator("[name=wallet]")).to_be_hidden()


async def test_a_decline_says_why_and_is_tried_again(page: Page, shop: Shop):
    """A declined payment shows its reason with the form, and another card then pays the order."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page, "4000000000009995")
    await pay(page)
    await expect(status(page, "failed")).to_contain_text("enough money")
    await expect(page.get_by_test_id("try-again")).to_be_visible()
    await enter_card(page)
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    assert [payment["status"] for payment in await shop.payments(order)] == ["success", "failed"]


async def test_3d_secure_at_the_top_and_back(page: Page, shop: Shop):
    """The customer is sent to the bank's page, comes back to the checkout, and sees that the order is paid."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page, "4000000000003220")
    await pay(page)
    await page.get_by_role("button", name="Complete authentication").click()
    await expect(status(page, "success")).to_be_visible()
    assert page.url.startswith(shop.checkout_url)
    assert await shop.charges(order) == 1


async def test_a_customer_who_turns_back_from_the_bank_pays_in_another_way(page: Page, shop: Shop):
    """Back from the bank's page shows what the bank waits for; the other way first closes the first payment."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page, "4000000000003220")
    await pay(page)
    await expect(page.get_by_role("button", name="Complete authentication")).to_be_visible()
    await page.go_back()
    await expect(status(page, "requires_action")).to_be_visible()
    await page.get_by_test_id("change-method").click()
    await expect(page.get_by_test_id("payment-form")).to_be_visible()
    await enter_vpa(page, "success@razorpay")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    assert await shop.charges(order) == 1


async def test_wrong_fields_are_named_and_reachable(page: Page, shop: Shop):
    """Each wrong field has its message tied to it, and the first one has the focus; nothing is sent."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await page.get_by_test_id("method-card").click()
    await page.locator("[name=number]").fill("4242424242424241")
    await page.locator("[name=expiry]").fill("12/20")
    await pay(page)
    await expect(page.locator("[name=number]")).to_be_focused()
    for name, words in {"number": "not right", "expiry": "expired", "cvc": "security code"}.items():
        field = page.locator(f"[name={name}]")
        assert await field.get_attribute("aria-invalid") == "true"
        described = await field.get_attribute("aria-describedby")
        await expect(page.locator(f"#{(described or '').split()[0]}")).to_contain_text(words)
    assert await shop.payments(order) == []


async def test_unknown_orders_and_foreign_keys_look_the_same(page: Page, shop: Shop):
    """An unknown order, an unknown key and no key are one page with the same words, and status 404."""
    order = await shop.order()
    seen = set()
    for address in (
        shop.page("order_01k9w2e3r4t5y6q7w8e9r0t1y2"),
        shop.page(order, key="key_of_nobody"),
        f"{shop.checkout_url}/checkout/{order}",
    ):
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == 404
        seen.add(await page.locator("main").inner_text())
    assert len(seen) == 1
