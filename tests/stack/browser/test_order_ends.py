"""Orders that have ended, in a real browser: the page says so, and a form that was open is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from clearway.db.engine import create_engine
from clearway.db.tables import orders
from clearway.dev.stack import Stack
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, Settings
from tests.stack.browser.accessible import faults
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.people import sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_checkout import enter_card, enter_vpa, pay, status


async def cancel(shop: Shop, order: str) -> None:
    """Cancel an order as its merchant."""
    (await shop.api.post(f"/orders/{order}/cancel")).raise_for_status()


async def expire(stack: Stack, order: str) -> None:
    """Let the end of an order be a minute ago."""
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    ended = datetime.now(UTC) - timedelta(minutes=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(update(orders).where(orders.c.id == order).values(expires_at=ended))
    finally:
        await engine.dispose()


async def test_a_cancelled_order_has_a_page(new_page: NewPage, shop: Shop):
    """The page says that the order was cancelled and that nothing was charged, with and without script; no form."""
    order = await shop.order()
    await cancel(shop, order)
    for script in (True, False):
        page = await new_page(script=script)
        await page.goto(shop.page(order))
        await expect(status(page, "order_cancelled")).to_contain_text("You were not charged")
        await expect(page.get_by_test_id("payment-form")).to_have_count(0)


async def test_a_form_that_was_open_is_refused(page: Page, shop: Shop):
    """Who pays an order that was cancelled meanwhile sees that it is cancelled, and is not charged."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_vpa(page, "success@razorpay")
    await cancel(shop, order)
    await pay(page)
    await expect(status(page, "order_cancelled")).to_be_visible()
    assert await shop.payments(order) == []


async def test_a_customer_at_the_bank_comes_back_to_a_cancelled_order(page: Page, shop: Shop):
    """The bank's page of a cancelled order takes no money, and the page behind it says what happened."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_card(page, "4000000000003220")
    await pay(page)
    await expect(page.get_by_role("button", name="Complete authentication")).to_be_visible()
    await cancel(shop, order)
    await page.get_by_role("button", name="Complete authentication").click()
    await page.goto(shop.page(order))
    await expect(status(page, "order_cancelled")).to_be_visible()
    assert await shop.charges(order) == 0


async def test_an_expired_order_has_a_page(new_page: NewPage, stack: Stack, shop: Shop):
    """The page says that the order has expired and that nothing was charged, with and without script; no form."""
    order = await shop.order()
    open_page = await new_page()
    await open_page.goto(shop.page(order))
    await enter_vpa(open_page, "success@razorpay")
    await expire(stack, order)
    await pay(open_page)
    await expect(status(open_page, "order_expired")).to_be_visible()
    for script in (True, False):
        page = await new_page(script=script)
        await page.goto(shop.page(order))
        await expect(status(page, "order_expired")).to_contain_text("You were not charged")
        await expect(page.get_by_test_id("payment-form")).to_have_count(0)
    assert await shop.payments(order) == []


async def test_a_paid_order_has_a_page(new_page: NewPage, shop: Shop):
    """Whoever opens the order later sees that it is paid and by which payment, with and without script; no form."""
    order = await shop.order()
    page = await new_page()
    await page.goto(shop.page(order))
    await enter_vpa(page, "success@razorpay")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    (payment,) = await shop.payments(order)
    for script in (True, False):
        page = await new_page(script=script)
        await page.goto(shop.page(order))
        await expect(status(page, "success")).to_contain_text(payment["id"])
        await expect(page.get_by_test_id("payment-form")).to_have_count(0)
    assert await shop.charges(order) == 1


LOOKS = ({"color_scheme": "light", "width": 1_280}, {"color_scheme": "dark", "width": 320, "locale": "ar"})


@pytest.mark.parametrize("look", LOOKS)
async def test_every_end_is_accessible(new_page: NewPage, stack: Stack, shop: Shop, look: dict[str, object]):
    """Axe finds nothing serious where no form is: cancelled, expired, paid, unknown, under way, under review, UPI."""
    made = {end: await shop.order() for end in ("cancelled", "expired", "paid", "review", "code")}
    await cancel(shop, made["cancelled"])
    await expire(stack, made["expired"])
    page = await new_page(**look)
    for end, instrument in (
        ("paid", {"method": "upi", "vpa": "success@razorpay"}),
        ("review", {"method": "upi", "vpa": "wrongamount@clearway"}),
        ("code", {"method": "upi"}),
    ):
        body = {"order_id": made[end], **instrument}
        (await shop.api.post("/payments", json=body)).raise_for_status()
    found: list[str] = []
    for end, shown in (
        ("cancelled", "order_cancelled"),
        ("expired", "order_expired"),
        ("paid", "success"),
        ("review", "needs_review"),
        ("code", "requires_action"),
    ):
        await page.goto(shop.page(made[end]))
        await expect(status(page, shown)).to_be_visible()
        found += await faults(page)
    await page.goto(f"{shop.checkout_url}/checkout/order_00000000000000000000000000?key=nobody")
    await expect(status(page, "unknown")).to_be_visible()
    found += await faults(page)
    assert found == []


async def test_the_public_link_of_a_payment_opens_its_order(page: Page, new_page: NewPage, stack: Stack, shop: Shop):
    """The link on a payment's page in the dashboard leads somebody without an account to the page of its order."""
    order = await shop.order(77_700)
    body = {"order_id": order, "method": "upi", "vpa": "failure@razorpay"}
    payment = (await shop.api.post("/payments", json=body)).raise_for_status().json()
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/payments/{payment['id']}")
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Public link"))
    await expect(card.get_by_role("img", name="QR code of the public link")).to_be_visible()
    link = str(await card.get_by_text(f"{stack.checkout_url}/checkout/{order}").text_content())
    customer = await new_page()
    await customer.goto(link)
    await expect(customer.get_by_test_id("order-amount")).to_have_text("₹777.00")
    await enter_vpa(customer, "success@razorpay")
    await pay(customer)
    await expect(status(customer, "success")).to_be_visible()
    assert await shop.charges(order) == 1
