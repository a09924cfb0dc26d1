"""The whole circle in a browser: the sample shop, the SDK's modal, the checkout in it, and the webhook that decides.

The shop is opened at `localhost`, the checkout at 127.0.0.1: the frame is a third party without cookies or storage.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.async_api import FrameLocator, Locator, Page, expect

from clearway.dev.stack import Stack
from tests.stack.browser.accessible import EVERY_LOOK, show, too_wide, violations
from tests.stack.browser.shop import Shop

CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
CARD_WITH_3DS = "4000000000003220"
PATIENCE_MS = 30_000


@dataclass
class Customer:
    """A customer's window in the sample shop."""

    page: Page
    home: str

    async def buy(self, product: str = "coffee") -> None:
        """Buy something: the modal opens."""
        await self.page.goto(self.home)
        await self.page.get_by_test_id(f"buy-{product}").click()
        await expect(self.frame.get_by_test_id("payment-form")).to_be_visible(timeout=PATIENCE_MS)

    async def enter_card(self, number: str = CARD) -> None:
        """Enter a card in the modal and pay."""
        await self.frame.get_by_test_id("method-card").click()
        await self.frame.locator("[name=number]").press_sequentially(number)
        await self.frame.locator("[name=expiry]").press_sequentially("1231")
        await self.frame.locator("[name=cvc]").press_sequentially("123")
        await self.frame.get_by_test_id("pay-button").click()

    @property
    def frame(self) -> FrameLocator:
        """The checkout in the modal."""
        return self.page.frame_locator("[data-testid=payment-iframe]")

    @property
    def modal(self) -> Locator:
        """The dialog."""
        return self.page.get_by_test_id("payment-modal")

    @property
    def verdict(self) -> Locator:
        """What the shop says of the order."""
        return self.page.get_by_test_id("shop-verdict")

    @property
    def order(self) -> str:
        """The id of the order."""
        return self.page.url.partition("/orders/")[2].partition("?")[0]

    async def expect_paid(self) -> None:
        """Wait until the shop believes the payment, and look at both sides."""
        await expect(self.verdict).to_contain_text("The webhook says so", timeout=PATIENCE_MS)
        await expect(self.page.get_by_test_id("shop-server")).to_contain_text("payment.success")
        await expect(self.page.get_by_test_id("shop-server")).to_contain_text("amount and currency verified")


@pytest.fixture
async def customer(stack: Stack, page: Page) -> AsyncIterator[Customer]:
    """Stand in front of the shop, whose server answers webhooks as it should."""
    yield Customer(page, stack.receiver_url.replace("127.0.0.1", "localhost"))
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{stack.receiver_url}/behaviour", json={"mode": "ok"})


@pytest.fixture
async def soon(stack: Stack, shop: Shop) -> AsyncIterator[None]:
    """Let the shop's endpoint be tried again each second during a test, and be given up no sooner than usual."""
    endpoints = (await shop.read("/webhook_endpoints"))["data"]
    [endpoint] = [each for each in endpoints if each["url"] == f"{stack.receiver_url}/webhooks"]
    path = f"/webhook_endpoints/{endpoint['id']}"
    (await shop.api.patch(path, json={"retry_intervals_s": [*[1] * 10, *[5] * 9]})).raise_for_status()
    yield
    (await shop.api.patch(path, json={"retry_intervals_s": endpoint["retry_intervals_s"]})).raise_for_status()


async def test_a_card_is_paid_in_the_modal(customer: Customer, shop: Shop, stack: Stack) -> None:
    """The browser hears a success, the modal closes, the shop says paid by the webhook, and leads to the dashboard."""
    await customer.buy()
    await customer.enter_card()
    await expect(customer.modal).to_have_count(0, timeout=PATIENCE_MS)
    await expect(customer.page.get_by_test_id("shop-browser")).to_contain_text("success")
    await customer.expect_paid()
    found = customer.page.get_by_test_id("shop-found")
    await expect(found).to_have_attribute("href", re.compile(rf"^{re.escape(stack.dashboard_url)}/payments/pay_"))
    assert await shop.charges(customer.order) == 1


async def test_a_decline_can_be_tried_again(customer: Customer, shop: Shop) -> None:
    """After a decline the modal stays, and another card pays the order."""
    await customer.buy("notebook")
    await customer.enter_card(DECLINED_CARD)
    await expect(customer.page.get_by_test_id("shop-browser")).to_contain_text("failure", timeout=PATIENCE_MS)
    await expect(customer.modal).to_be_visible()
    await expect(customer.page.get_by_test_id("close-modal-button")).to_be_enabled()
    await customer.enter_card()
    await customer.expect_paid()
    assert await shop.charges(customer.order) == 1


async def test_3d_secure_leads_to_the_bank_and_back_to_the_shop(customer: Customer, shop: Shop) -> None:
    """The shop's window goes to the bank's page; the customer comes back to the order, which is paid by webhook."""
    await customer.buy("lamp")
    order = customer.order
    await customer.enter_card(CARD_WITH_3DS)
    await customer.page.wait_for_url("**/3ds/*", timeout=PATIENCE_MS)
    await customer.page.get_by_role("button", name="Complete authentication").click()
    await customer.page.wait_for_url(f"{customer.home}/orders/{order}*", timeout=PATIENCE_MS)
    await expect(customer.page.get_by_test_id("shop-browser")).to_contain_text("returned")
    await customer.expect_paid()
    assert await shop.charges(order) == 1


async def test_the_shop_waits_for_the_webhook(customer: Customer, stack: Stack, soon: None) -> None:
    """While the shop's server refuses webhooks, a browser's success is not enough; the retry makes it paid."""
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{stack.receiver_url}/behaviour", json={"mode": "fail", "status": 503})
        await customer.buy()
        await customer.enter_card()
        await expect(customer.verdict).to_contain_text("waits for the webhook", timeout=PATIENCE_MS)
        await client.post(f"{stack.receiver_url}/behaviour", json={"mode": "ok"})
    await customer.expect_paid()


async def test_another_language_in_the_frame_stays_connected(customer: Customer) -> None:
    """The page in the modal is loaded again in another language; its result still reaches the shop."""
    await customer.buy()
    await customer.frame.get_by_role("link", name="Deutsch").click()
    await expect(customer.frame.locator("html")).to_have_attribute("lang", "de")
    await customer.enter_card()
    await expect(customer.modal).to_have_count(0, timeout=PATIENCE_MS)
    await customer.expect_paid()


async def test_a_closed_modal_leaves_the_order_to_be_paid_later(customer: Customer) -> None:
    """Nothing was paid: the order waits, and can be paid later from its own address."""
    await customer.buy()
    await customer.frame.get_by_test_id("method-card").click()
    await customer.page.get_by_test_id("close-modal-button").click()
    await expect(customer.modal).to_have_count(0)
    await expect(customer.verdict).to_contain_text("Not paid yet")
    await customer.page.reload()
    await customer.page.get_by_test_id("shop-pay").click()
    await customer.enter_card()
    await customer.expect_paid()


async def test_the_shop_can_be_used_by_everybody(page: Page, stack: Stack) -> None:
    """Shelf, modal and order have no finding of axe, and fit a phone without scrolling sideways."""
    customer = Customer(page, stack.receiver_url)
    await page.goto(customer.home)
    await expect(page.get_by_test_id("buy-coffee")).to_be_visible()
    await _expect_usable(page)
    await customer.buy()
    await _expect_usable(page)
    await customer.enter_card()
    await customer.expect_paid()
    await _expect_usable(page)


async def _expect_usable(page: Page) -> None:
    for look in EVERY_LOOK:
        await show(page, look)
        assert await violations(page) == [], look
        assert await too_wide(page) == 0, look
