"""How the SDK comes into a page: as a script with a digest, as one tag, as options that are wrong."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.stack.browser.sdk.opened import PAID, Shop
from tests.stack.browser.sdk.site import Site


async def test_the_published_digest_holds(page: Page, site: Site) -> None:
    """A shop that gives the published digest gets the script of that version; with another digest it gets none."""
    async with httpx.AsyncClient() as client:
        known = (await client.get(f"{site.checkout}/sdk/versions.json")).json()
    digest = known["versions"]["1.0.0"]["integrity"]
    shop = await Shop.visit(page, site, f"/?integrity={httpx.QueryParams({'i': digest})['i'].replace('+', '%2B')}")
    await shop.open()
    wrong = "sha384-" + "A" * 64
    await page.goto(f"{site.shop}/?integrity={wrong}")
    assert await page.evaluate("typeof PaymentGateway") == "undefined"


async def test_one_tag_is_a_button(page: Page, site: Site) -> None:
    """The tag becomes a button in the customer's language, and its events bubble through the shop's page."""
    shop = await Shop.visit(page, site, "/?tag=data-locale=fr")
    await page.get_by_role("button", name="Payer").click()
    await expect(shop.modal).to_have_attribute("aria-busy", "false")
    await shop.say(**PAID)
    assert (await shop.detail("clearway:success"))["payment_id"] == "pay_1"
    assert await shop.detail("clearway:close") == {"result": "success"}
    await expect(page.locator(".clearway-button")).to_be_focused()


async def test_a_tag_has_the_text_that_the_shop_gives(page: Page, site: Site) -> None:
    """`data-label` is the button's text, and is only text."""
    await Shop.visit(page, site, "/?tag=data-label=%22<b>Donate</b>%22")
    await expect(page.locator(".clearway-button")).to_have_text("<b>Donate</b>")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ("{key: 'secret_test_xyz789'}", "never the secret"),
        ("{key: undefined}", "key"),
        ("{orderId: ''}", "orderId"),
    ],
)
async def test_wrong_options_are_refused_at_once(page: Page, site: Site, options: str, word: str) -> None:
    """A developer sees what is wrong when the page is made, above all that a secret is in it."""
    await Shop.visit(page, site)
    text = await page.evaluate(f"(() => {{ try {{ make({options}) }} catch (error) {{ return error.message }} }})()")
    assert word in text


async def test_an_order_id_is_no_path(page: Page, site: Site) -> None:
    """An order's id with other characters stays one part of the address."""
    shop = await Shop.visit(page, site)
    await shop.buy(orderId="../bank?x=")
    assert "/checkout/..%2Fbank%3Fx%3D?" in str(await page.get_by_test_id("payment-iframe").get_attribute("src"))
    await page.evaluate("gateway.close()")
