"""Gateways in the dashboard: connected by the wizard, put in order, switched, tested, and their events processed."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.people import sign_in
from tests.stack.browser.shop import Shop
from tests.stack.e2e.merchant import eventually

NAME = "Second till ԱԲ"


async def connect(page: Page, stack: Stack) -> None:
    """Connect a simulator by the wizard, which tests it, asks for its methods, and shows where its webhooks go."""
    await page.goto(f"{stack.dashboard_url}/gateways")
    await page.get_by_role("button", name="Connect a gateway").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=re.compile("Simulator")).click()
    await dialog.get_by_label(re.compile("Your name")).fill(NAME)
    await dialog.get_by_role("button", name="Test and save").click()
    await dialog.get_by_role("button", name="Save and go on").click()
    await expect(dialog.get_by_text("is connected")).to_be_visible()
    assert re.search(r"/gateways/gw_\w+/webhook$", await dialog.locator("code").first.inner_text())
    await dialog.get_by_role("button", name="Done").click()


async def test_the_wizard_asks_what_a_gateway_is_for(page: Page, stack: Stack, shop: Shop):
    """It shows what the kind can do, takes no payment before methods are chosen, and keeps to the chosen ones."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/gateways")
    await page.get_by_role("button", name="Connect a gateway").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name=re.compile("Square"))).to_contain_text("Takes card.")
    await dialog.get_by_role("button", name=re.compile("Simulator")).click()
    await dialog.get_by_label(re.compile("Your name")).fill(NAME)
    await dialog.get_by_role("button", name="Test and save").click()
    methods = dialog.get_by_role("group", name="Payment methods")
    await expect(methods.get_by_role("checkbox", checked=True)).to_have_count(4)
    await expect(dialog.get_by_text("Every currency")).to_be_visible()
    await expect(dialog.get_by_text("Yes, also in several parts")).to_be_visible()
    [made] = [each for each in await shop.gateways() if each["name"] == NAME]
    try:
        assert (made["enabled"], made["methods"]) == (False, None)
        for name in ("UPI", "Card", "Netbanking", "Wallet"):
            await methods.get_by_label(name).uncheck()
        await dialog.get_by_role("button", name="Save and go on").click()
        await expect(methods.get_by_role("alert")).to_contain_text("Choose at least one")
        await methods.get_by_label("Card").check()
        await dialog.get_by_role("button", name="Save and go on").click()
        await expect(dialog.get_by_text("is connected")).to_be_visible()
        await dialog.get_by_role("button", name="Done").click()
        saved = await shop.read(f"/gateways/{made['id']}")
        assert (saved["enabled"], saved["methods"]) == (True, ["card"])

        card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=NAME))
        await expect(card.get_by_text("Test", exact=True)).to_be_visible()
        await expect(card.get_by_text("only card")).to_be_visible()
        await card.get_by_role("link", name=NAME).click()
        await expect(page.get_by_text("UPI: not used")).to_be_visible()
        await page.get_by_role("button", name="Change").click()
        await page.get_by_role("group", name="Payment methods").get_by_label("UPI").check()
        await page.get_by_role("dialog").get_by_role("button", name="Test and save").click()
        await expect(page.get_by_text("UPI: not used")).to_have_count(0)
        assert (await shop.read(f"/gateways/{made['id']}"))["methods"] == ["upi", "card"]
    finally:
        (await shop.api.delete(f"/gateways/{made['id']}")).raise_for_status()


async def order(shop: Shop) -> list[str]:
    """Return the names of the gateways as routing takes them."""
    return [str(each["name"]) for each in sorted(await shop.gateways(), key=lambda each: each["priority"])]


async def test_a_gateway_is_connected_ordered_and_switched(page: Page, stack: Stack, shop: Shop):
    """Its card moves by buttons and by drag, which routing follows; a disabled one takes no payment."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await connect(page, stack)
    [made] = [each for each in await shop.gateways() if each["name"] == NAME]
    try:
        cards = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=re.compile("^(Dis|En)able")))
        card = cards.filter(has_text=NAME)
        await page.get_by_role("button", name=f"Move {NAME} up").click()
        await expect(page.get_by_text(re.compile(f"{NAME} is now number"))).to_have_count(1)
        by_button = await order(shop)
        await card.drag_to(cards.first)
        await expect(page.get_by_text(f"{NAME} is now number 1")).to_have_count(1)
        assert (await order(shop))[0] == NAME != by_button[-1]

        await card.get_by_role("button", name="Disable").click()
        await expect(card.get_by_text("Disabled", exact=True)).to_be_visible()
        refused = await shop.api.post(
            "/payments",
            json={
                "order_id": await shop.order(),
                "method": "upi",
                "vpa": "success@razorpay",
                "gateway_id": made["id"],
            },
        )
        assert (refused.status_code, refused.json()["code"]) == (409, "gateway_disabled"), refused.text
        await card.get_by_role("button", name="Enable").click()
        await expect(card.get_by_role("button", name="Disable")).to_be_visible()
    finally:
        (await shop.api.delete(f"/gateways/{made['id']}")).raise_for_status()


async def test_a_gateway_shows_its_health_and_its_events(page: Page, stack: Stack, shop: Shop):
    """It is tested by a button; its checks, performance and events are there, and an event is processed again."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await connect(page, stack)
    [made] = [each for each in await shop.gateways() if each["name"] == NAME]
    try:
        payment = await shop.payment("success", gateway_id=made["id"])
        heard = f"/gateway_events?subject_id={payment['id']}"
        await eventually(lambda: shop.read(heard), lambda found: bool(found["data"]))
        await page.goto(f"{stack.dashboard_url}/gateways/{made['id']}")
        await page.get_by_role("button", name="Test", exact=True).click()
        await expect(page.get_by_text("It answers")).to_be_visible()
        await expect(page.get_by_text("Good checks").first).to_be_visible()
        await expect(page.get_by_role("heading", name="Performance")).to_be_visible()
        await expect(page.get_by_role("link", name=payment["id"]).first).to_be_visible()
        await page.get_by_role("button", name="Process again").first.click()
        await expect(page.get_by_text("Processed again")).to_be_visible()
    finally:
        (await shop.api.delete(f"/gateways/{made['id']}")).raise_for_status()
