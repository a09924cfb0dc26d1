"""Each gateway's own component on the page: the card stays in the gateway's frame, and only its token is sent."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect

from clearway.dev import stand_ins
from clearway.dev.stack import Stack
from tests.stack.browser.merchants import open_shop
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_checkout import pay, status

FIRST = 10
"""Before the simulator."""


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    """Sell as a merchant of its own: no process knows its former gateways, which it would for five seconds."""
    async with open_shop(stack, "A Shop With Another Gateway") as shop:
        yield shop


@pytest.fixture
async def stripe(shop: Shop) -> dict[str, Any]:
    """Connect an account at the stand-in of Stripe, before the simulator."""
    return await stand_ins.connect(shop.api, shop.gateway, stand_ins.stripe(secrets.token_hex(8), FIRST))


@pytest.fixture
async def paypal(shop: Shop) -> dict[str, Any]:
    """Connect an app at the stand-in of PayPal."""
    return await stand_ins.connect(shop.api, shop.gateway, stand_ins.paypal(secrets.token_hex(8), FIRST))


@pytest.fixture
async def square(shop: Shop) -> dict[str, Any]:
    """Connect a location at the stand-in of Square, before the simulator."""
    token = f"EAAA_{secrets.token_hex(8)}"
    headers = {"authorization": f"Bearer {token}"}
    listed = (await shop.gateway.get("/square/v2/locations", headers=headers)).json()["locations"]
    settings = {
        "location_id": next(one["id"] for one in listed if one["currency"] == "USD"),
        "currency": "USD",
        "environment": "sandbox",
        "application_id": "sandbox-sq0idb-browser",
        "api_base": f"{str(shop.gateway.base_url).rstrip('/')}/square",
    }
    body = {"kind": "square", "priority": FIRST, "credentials": {"access_token": token}, "settings": settings}
    made: dict[str, Any] = (await shop.api.post("/gateways", json=body)).raise_for_status().json()
    return made


def bodies_of(page: Page, shop: Shop) -> list[str]:
    """Return the bodies that reach the checkout's server, as they come."""
    bodies: list[str] = []

    def note(request: Request) -> None:
        if shop.checkout_url in request.url:
            bodies.append(request.post_data or "")

    page.on("request", note)
    return bodies


async def enter(page: Page, number: str) -> None:
    """Fill in the gateway's frame."""
    await page.get_by_test_id("method-card").first.click()
    frame = page.frame_locator(".method:has(input:checked) .hosted iframe")
    await frame.locator("#number").fill(number)
    await frame.locator("#expiry").fill("12/31")
    await frame.locator("#cvc").fill("123")


async def assert_paid_by(shop: Shop, order: str, gateway: dict[str, Any]) -> None:
    """The order has one successful payment, at this gateway."""
    (payment,) = [each for each in await shop.payments(order) if each["status"] == "success"]
    assert payment["gateway_id"] == gateway["id"]


async def test_stripes_payment_element(page: Page, shop: Shop, stripe: dict[str, Any]):
    """The Payment Element takes the card, says what is missing, and its payment method is charged at Stripe."""
    order = await shop.order(currency="USD")
    bodies = bodies_of(page, shop)
    await page.goto(shop.page(order))
    await enter(page, "42")
    await pay(page)
    await expect(page.locator(".hosted-error").first).to_contain_text("incomplete")
    await enter(page, "4242424242424242")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    await assert_paid_by(shop, order, stripe)
    assert any("gateway_token=pm_" in body for body in bodies)
    assert not [body for body in bodies if "4242" in body]


async def test_stripes_declined_card(page: Page, shop: Shop, stripe: dict[str, Any]):
    """A card that Stripe declines shows the unified reason, and the element is drawn again for another card."""
    order = await shop.order(currency="USD")
    await page.goto(shop.page(order))
    await enter(page, "4000000000009995")
    await pay(page)
    await expect(status(page, "failed")).to_be_visible()
    await enter(page, "4242424242424242")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    await assert_paid_by(shop, order, stripe)


async def test_squares_card(page: Page, shop: Shop, square: dict[str, Any]):
    """The Web Payments card is verified and tokenised with the amount, and charged at Square."""
    order = await shop.order(currency="USD")
    bodies = bodies_of(page, shop)
    await page.goto(shop.page(order))
    await enter(page, "4111111111111111")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    await assert_paid_by(shop, order, square)
    assert not [body for body in bodies if "4111" in body]


async def test_paypals_buttons(page: Page, shop: Shop, paypal: dict[str, Any]):
    """The button makes the payment, PayPal's window approves it, and the page shows that it is paid."""
    order = await shop.order(currency="USD")
    await page.goto(shop.page(order))
    await page.get_by_test_id("method-paypal").click()
    async with page.expect_popup() as opened:
        await page.locator(".hosted button").click()
    window = await opened.value
    await window.get_by_role("button", name="Pay with the balance").click()
    await expect(status(page, "success")).to_be_visible()
    await assert_paid_by(shop, order, paypal)


async def test_a_payer_who_closes_paypals_window(page: Page, shop: Shop, paypal: dict[str, Any]):
    """The page then shows what it waits for, and another way to pay first closes the payment at PayPal."""
    order = await shop.order(currency="USD")
    await page.goto(shop.page(order))
    await page.get_by_test_id("method-paypal").click()
    async with page.expect_popup() as opened:
        await page.locator(".hosted button").click()
    window = await opened.value
    await expect(window.get_by_role("button", name="Cancel")).to_be_enabled()
    await window.close()
    await expect(status(page, "requires_action")).to_be_visible()
    await page.get_by_test_id("change-method").click()
    await expect(page.get_by_test_id("payment-form")).to_be_visible()
