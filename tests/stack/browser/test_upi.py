"""UPI in a real browser: a QR code on a wide screen, an app link on Android, and every end that the app can have."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.simulator.scenarios import BRIEF_INTENT_AMOUNT
from tests.stack.browser.conftest import PATIENCE_MS, NewPage
from tests.stack.browser.merchants import open_shop
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_checkout import pay, status

ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156 Mobile Safari/537.36"
)
TOO_LITTLE_MONEY = 20_100


async def show_code(page: Page, shop: Shop, order: str, **query: str) -> str:
    """Choose UPI, go on without a UPI ID, and return the gateway's reference in the intent that is shown."""
    await page.goto(shop.page(order, **query))
    await page.get_by_test_id("method-upi").click()
    await pay(page)
    await expect(page.get_by_test_id("upi-code")).to_be_visible()
    return await reference_on(page)


async def reference_on(page: Page) -> str:
    """Return the reference in the intent on the page."""
    link = await page.get_by_test_id("upi-url").text_content()
    [reference] = parse_qs(urlsplit(link or "").query)["tr"]
    return reference


async def press(shop: Shop, reference: str, button: str) -> None:
    """Do in the app what a customer does, while the page waits."""
    (await shop.gateway.post(f"/upi/{reference}/{button}")).raise_for_status()


async def test_a_code_is_scanned_and_paid_in_the_app(page: Page, shop: Shop):
    """A wide screen shows the code and the time left, no app link; the payment in the app is shown by itself."""
    order = await shop.order()
    reference = await show_code(page, shop, order)
    await expect(status(page, "requires_action")).to_be_visible()
    await expect(page.get_by_test_id("upi-app-link")).to_have_count(0)
    box = await page.get_by_test_id("upi-code").bounding_box()
    assert box is not None
    assert box["width"] >= 200
    assert abs(box["width"] - box["height"]) < 1
    first = await page.get_by_test_id("upi-left").text_content()
    assert (first or "")[:2] in {"4:", "5:"}
    await expect(page.get_by_test_id("upi-left")).not_to_have_text(first or "")
    assert page.url.startswith(shop.checkout_url), "nothing on a desktop opens a upi: link"
    await press(shop, reference, "complete")
    await expect(status(page, "success")).to_be_visible()
    assert await shop.charges(order) == 1


async def test_the_code_is_the_intent(page: Page, shop: Shop):
    """The code on the page is that of the gateway's own link, unchanged, with the order's amount."""
    order = await shop.order(amount=123_450)
    await show_code(page, shop, order)
    link = await page.get_by_test_id("upi-url").text_content() or ""
    [payment] = await shop.payments(order)
    assert link == payment["next_action"]["url"]
    assert parse_qs(urlsplit(link).query)["am"] == ["1234.50"]
    assert await read_code(page) == link


async def test_android_gets_a_link_to_the_app_first(new_page: NewPage, shop: Shop):
    """On Android a link with the intent comes before the code; nothing opens before the customer taps it."""
    page = await new_page(width=390, height=844, user_agent=ANDROID)
    order = await shop.order()
    reference = await show_code(page, shop, order)
    link = page.get_by_test_id("upi-app-link")
    assert (await link.get_attribute("href") or "").startswith("upi://pay?pa=")
    above, code = await link.bounding_box(), await page.get_by_test_id("upi-code").bounding_box()
    assert above is not None
    assert code is not None
    assert above["y"] < code["y"]
    await press(shop, reference, "complete")
    await expect(status(page, "success")).to_be_visible()
    assert await shop.charges(order) == 1


@pytest.mark.parametrize(("button", "words"), [("fail", "declined"), ("cancel", "You cancelled the payment")])
async def test_a_refusal_in_the_app_is_shown_and_tried_again(page: Page, shop: Shop, button: str, words: str):
    """The page says why, and the next try is another payment with another code."""
    order = await shop.order()
    reference = await show_code(page, shop, order)
    await press(shop, reference, button)
    await expect(status(page, "failed")).to_contain_text(words)
    assert await shop.charges(order) == 0
    again = await show_code(page, shop, order)
    assert again != reference
    await press(shop, again, "complete")
    await expect(status(page, "success")).to_be_visible()
    assert await shop.charges(order) == 1


async def test_the_bank_declines_after_the_pin(page: Page, shop: Shop):
    """A decline after the customer has paid in the app has its reason on the page."""
    order = await shop.order(amount=TOO_LITTLE_MONEY)
    await press(shop, await show_code(page, shop, order), "complete")
    await expect(status(page, "failed")).to_contain_text("not enough money")


async def test_the_time_is_over(page: Page, shop: Shop):
    """When the code ends, the page says so by itself, and an app that comes later is refused."""
    order = await shop.order(amount=BRIEF_INTENT_AMOUNT)
    reference = await show_code(page, shop, order)
    await expect(status(page, "failed")).to_contain_text("not finished in time", timeout=PATIENCE_MS)
    await press(shop, reference, "complete")
    assert await shop.charges(order) == 0
    assert [payment["error_code"] for payment in await shop.payments(order)] == ["payment_expired"]


async def test_a_closed_tab_loses_nothing(new_page: NewPage, shop: Shop):
    """The same address shows the same code again; after a payment in the app meanwhile it shows that it is paid."""
    order = await shop.order()
    first = await new_page()
    reference = await show_code(first, shop, order)
    await first.close()
    second = await new_page()
    await second.goto(shop.page(order))
    await expect(second.get_by_test_id("upi-code")).to_be_visible()
    assert await reference_on(second) == reference
    await second.close()
    await press(shop, reference, "complete")
    third = await new_page()
    await third.goto(shop.page(order))
    await expect(status(third, "success")).to_be_visible()
    assert await shop.charges(order) == 1


async def test_another_way_closes_the_code_first(page: Page, shop: Shop):
    """Who chooses another way cannot be charged by the code that is still on their phone."""
    order = await shop.order()
    reference = await show_code(page, shop, order)
    await page.get_by_test_id("change-method").click()
    await expect(page.get_by_test_id("payment-form")).to_be_visible()
    await press(shop, reference, "complete")
    assert await shop.charges(order) == 0


async def test_without_script_the_code_is_there_too(new_page: NewPage, shop: Shop):
    """The server draws the code; a page without script loads itself until the payment has ended."""
    page = await new_page(script=False)
    order = await shop.order()
    reference = await show_code(page, shop, order)
    await press(shop, reference, "complete")
    await expect(status(page, "success")).to_be_visible()


async def test_the_test_app_is_one_click_away(page: Page, shop: Shop):
    """In test mode the page links to the simulator's page that stands for the app."""
    order = await shop.order()
    await show_code(page, shop, order)
    async with page.expect_popup() as opening:
        await page.get_by_test_id("upi-test-app").click()
    app = await opening.value
    await app.get_by_role("button", name="Pay with UPI PIN").click()
    await expect(app.get_by_text("Thank you")).to_be_visible()
    await expect(status(page, "success")).to_be_visible()


async def test_the_field_for_a_upi_id_is_there_only_where_the_gateway_collects(page: Page, stack: Stack, shop: Shop):
    """A gateway without `upi_collect` gets no field, and the code works; with it the field is optional."""
    async with open_shop(stack, "A Shop That Collects Nothing") as other:
        [simulator] = await other.gateways()
        await other.set_gateway(simulator["id"], upi_collect=False)
        order = await other.order()
        await page.goto(other.page(order))
        await expect(page.get_by_test_id("method-upi")).to_be_visible()
        await expect(page.locator("[name=vpa]")).to_have_count(0)
        await press(other, await show_code(page, other, order), "complete")
        await expect(status(page, "success")).to_be_visible()
    await page.goto(shop.page(await shop.order()))
    await expect(page.locator("[name=vpa]")).to_have_count(1)
    await page.get_by_test_id("method-upi").click()
    await page.locator("[name=vpa]").fill("no-handle")
    await pay(page)
    await expect(page.locator("#vpa-error")).to_contain_text("name@bank")


async def test_other_currencies_have_no_code(page: Page, shop: Shop):
    """An intent is in rupees: for another currency the page asks for a UPI ID, as before."""
    await page.goto(shop.page(await shop.order(currency="USD")))
    await page.get_by_test_id("method-upi").click()
    await pay(page)
    await expect(page.locator("#vpa-error")).to_contain_text("Enter your UPI ID")


async def read_code(page: Page) -> str:
    """Read the QR code from a picture of the page, as a phone does."""
    picture = Image.open(BytesIO(await page.get_by_test_id("upi-code").screenshot()))
    [found] = zxingcpp.read_barcodes(picture)
    return str(found.text)
