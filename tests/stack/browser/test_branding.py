"""What a merchant sets in the dashboard, as its customers see it: logo, colours, and the choice of a gateway."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from tests.stack.browser.accessible import faults
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.merchants import open_shop
from tests.stack.browser.people import sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_checkout import CARD, pay, status
from tests.stack.browser.waits import open_until

LOGO: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGM4IWcDRAwQCgAh9gSJHoU67gAAAABJRU5ErkJggg=="
)
"""A picture of 2 by 2 pixels."""
SECOND: Final = "Երկրորդ द्वितीय دوم"
OWNER: Final = "brand@example.test"
METHODS: Final = ("upi", "card", "netbanking")


@pytest.fixture(scope="module")
async def branded(stack: Stack) -> AsyncIterator[Shop]:
    """Sell as a merchant of its own, whose settings nobody else needs."""
    async with open_shop(stack, "A Branded Shop", owner=OWNER) as shop:
        yield shop


async def test_logo_and_colours_are_those_of_the_settings(
    page: Page, new_page: NewPage, stack: Stack, branded: Shop
) -> None:
    """What an owner saves is on the next checkout and help page; what is no picture is refused at its field."""
    await sign_in(page, stack, OWNER)
    await page.goto(f"{stack.dashboard_url}/settings")
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Branding", exact=True))
    await card.get_by_label("Logo").set_input_files(
        {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}
    )
    await card.get_by_role("button", name="Save").click()
    await expect(card.locator("[aria-invalid=true]")).to_have_count(1)
    await card.get_by_label("Logo").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": LOGO})
    await card.get_by_label("Colour of buttons").fill("#0a7d33")
    await card.get_by_label("Colour of text on buttons").fill("#ffffff")
    await card.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    order = await branded.order()
    for scheme in ("light", "dark"):
        customer = await new_page(color_scheme=scheme)
        await customer.goto(branded.page(order))
        await expect(customer.get_by_test_id("merchant-name")).to_have_text("A Branded Shop")
        logo = customer.locator("img.logo")
        assert await logo.evaluate("each => [each.complete, each.naturalWidth]") == [True, 2]
        button = customer.get_by_test_id("pay-button")
        await expect(button).to_have_css("background-color", "rgb(10, 125, 51)")
        await expect(button).to_have_css("color", "rgb(255, 255, 255)")
        assert await faults(customer) == []
        await customer.get_by_role("navigation").first.get_by_role("link").first.click()
        assert await customer.locator("img.logo").evaluate("each => each.naturalWidth") == 2


async def test_a_customer_chooses_the_gateway_where_the_merchant_lets_them(
    page: Page, new_page: NewPage, stack: Stack, branded: Shop
) -> None:
    """Before, routing chooses and no gateway is named. Then each has its name and fields, and takes what is entered."""
    first = (await branded.gateways())[0]["id"]
    (await branded.api.patch(f"/gateways/{first}", json={"name": "First"})).raise_for_status()
    body = {"kind": "simulator", "name": SECOND, "priority": 900, "test": False}
    second = (await branded.api.post("/gateways", json=body)).raise_for_status().json()["id"]
    customer = await new_page()
    await customer.goto(branded.page(await branded.order(currency="USD")))
    await expect(customer.get_by_test_id("method-upi")).to_have_count(1)
    await expect(customer.get_by_text(SECOND)).to_have_count(0)

    await sign_in(page, stack, OWNER)
    await page.goto(f"{stack.dashboard_url}/settings")
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Checkout", exact=True))
    await card.get_by_label("Customers choose the gateway").check()
    await card.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    for script, name, gateway in ((True, SECOND, second), (True, "First", first), (False, SECOND, second)):
        for method in METHODS:
            customer = await new_page(script=script)
            order = await branded.order(currency="USD")
            await open_until(customer, branded.page(order), customer.get_by_test_id(f"method-{method}"), 2)
            await choose_and_fill(customer, method, name)
            await pay(customer)
            await expect(status(customer, "success")).to_be_visible()
            (payment,) = await branded.payments(order)
            assert (payment["gateway_id"], payment["method"]) == (gateway, method)
    await customer.context.close()


async def choose_and_fill(page: Page, method: str, name: str) -> None:
    """Choose a method at a gateway, and fill in what it asks for."""
    pick = page.get_by_test_id(f"method-{method}").filter(has_text=name)
    await pick.click()
    panel = page.locator(".method").filter(has=pick)
    match method:
        case "card":
            await panel.get_by_label("Card number").press_sequentially(CARD)
            await panel.locator("[autocomplete=cc-exp]").press_sequentially("12/31")
            await panel.locator("[autocomplete=cc-csc]").press_sequentially("123")
        case "upi":
            await panel.locator("input[placeholder='name@bank']").fill("success@razorpay")
        case _:
            await panel.locator("select").select_option(index=1)


@pytest.mark.parametrize("script", ["with", "without"])
async def test_what_is_wrong_is_said_at_the_chosen_gateway(new_page: NewPage, branded: Shop, script: str) -> None:
    """The message stands at the field of the gateway that the customer chose, and at no other; nothing is paid."""
    settings = {"checkout": {"customer_chooses_gateway": True}}
    (await branded.api.patch("/settings", json=settings)).raise_for_status()
    await second_is_there(branded)
    page = await new_page(script=script == "with")
    order = await branded.order(currency="USD")
    await open_until(page, branded.page(order), page.get_by_test_id("method-upi"), 2)
    pick = page.get_by_test_id("method-upi").filter(has_text=SECOND)
    await pick.click()
    panel = page.locator(".method").filter(has=pick)
    await panel.locator("input[placeholder='name@bank']").fill("no vpa")
    await pay(page)
    await expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    field = panel.locator("[aria-invalid=true]")
    await expect(field).to_have_value("no vpa")
    message = page.locator(f"[id='{str(await field.get_attribute('aria-describedby')).split(' ')[0]}']")
    await expect(message).to_contain_text("name@bank")
    assert await branded.payments(order) == []
    if script == "with":
        assert await faults(page) == []


async def second_is_there(shop: Shop) -> None:
    """Have a second gateway with its name, whichever test came first."""
    if not [each for each in await shop.gateways() if each["name"] == SECOND]:
        body = {"kind": "simulator", "name": SECOND, "priority": 900, "test": False}
        (await shop.api.post("/gateways", json=body)).raise_for_status()
