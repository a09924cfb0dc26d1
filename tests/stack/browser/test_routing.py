"""Routing in a browser: rules are written, refused at their field, tried, switched on, explained and rolled back."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.accessible import EVERY_LOOK, faults_in
from tests.stack.browser.people import add_member, open_home, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid

SECOND = "Երկրորդ द्वितीय"


async def second_gateway(shop: Shop) -> str:
    """Return the id of a second gateway; connect it when it is not there yet."""
    listed = (await shop.api.get("/gateways")).json()["data"]
    found = next((each["id"] for each in listed if each["name"] == SECOND), None)
    if found is None:
        body = {"kind": "simulator", "name": SECOND, "priority": 900, "test": False}
        found = (await shop.api.post("/gateways", json=body)).raise_for_status().json()["id"]
    return str(found)


async def saved(shop: Shop, program: dict[str, Any], note: str) -> int:
    """Save a version over the API; return its number."""
    made = await shop.api.post("/routing/versions", json={"program": program, "note": note})
    return int(made.raise_for_status().json()["number"])


def rule(name: str, gateway: str, method: str = "upi") -> dict[str, Any]:
    """Return a rule about one method."""
    conditions = [{"field": "method", "is": "one_of", "value": [method]}]
    return {"name": name, "statements": [{"conditions": conditions}], "output": {"type": "single", "gateway": gateway}}


def names(page: Page) -> Locator:
    """Return the buttons that open rules, in their order."""
    return page.locator("ol > li button[aria-expanded]")


async def test_rules_are_written_tried_switched_on_and_rolled_back(page: Page, stack: Stack, shop: Shop):
    """What the API refuses is shown at its field; a draft routes nothing; a dry run says what moves before it is on."""
    second = await second_gateway(shop)
    first = await saved(shop, {"rules": []}, "no rules")
    (await shop.api.post(f"/routing/versions/{first}/activate")).raise_for_status()
    await paid(shop)
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(page, stack)
    await page.get_by_role("link", name="Routing").click()
    await page.get_by_role("link", name="New version").click()
    await page.get_by_role("button", name="Rule", exact=True).click()
    await page.get_by_label("Name", exact=True).fill("UPI to two")
    await page.get_by_role("button", name="Condition", exact=True).click()
    await page.get_by_role("checkbox", name="UPI").check()
    await page.get_by_label("It goes to").select_option("split")
    await page.get_by_label("Percent").nth(1).fill("30")
    await page.get_by_role("button", name="Save draft").click()
    await expect(page.get_by_text("Nothing was saved: one thing is to correct.")).to_be_visible()
    await expect(page.locator("li").get_by_text("The percentages sum to 110", exact=False).first).to_be_visible()
    await page.get_by_label("Percent").nth(0).fill("0")
    await page.get_by_label("Percent").nth(1).fill("100")
    await page.get_by_label("Gateway", exact=True).or_(page.get_by_label("First")).nth(1).select_option(second)
    await page.get_by_label("Note (optional)").fill("UPI moves")
    await page.get_by_role("button", name="Save draft").click()

    await expect(page.get_by_role("heading", level=1, name="Version")).to_be_visible()
    assert (await shop.api.get("/routing")).json()["version"]["number"] == first, "a draft routes nothing"
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_test_id("trial")).to_contain_text("would go elsewhere")
    await page.get_by_role("button", name="Switch on").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_test_id("trial")).to_contain_text("none would be left without a gateway")
    await dialog.get_by_role("button", name="Switch on").click()
    await expect(dialog).to_be_hidden()
    active = (await shop.api.get("/routing")).json()["version"]
    assert (active["note"], active["program"]["rules"][0]["name"]) == ("UPI moves", "UPI to two")

    await page.get_by_label("Method").select_option("upi")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_test_id("explanation")).to_contain_text(f"Tried first: {SECOND}")
    await page.get_by_label("Method").select_option("wallet")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_test_id("explanation")).to_contain_text("does not fit. It wants: method is UPI")

    await page.get_by_role("link", name="Routing").first.click()
    await page.get_by_role("button", name="Roll back").click()
    await page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert (await shop.api.get("/routing")).json()["version"]["number"] == first
    (await shop.api.delete("/routing")).raise_for_status()


async def test_rules_move_by_keyboard_and_by_mouse(page: Page, stack: Stack, shop: Shop):
    """The arrow keeps the focus and says where the rule is now; a dragged rule lands where it is dropped."""
    gateway = await second_gateway(shop)
    number = await saved(shop, {"rules": [rule(each, gateway) for each in ("Alpha", "Beta", "Gamma")]}, "to move")
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/routing/new?from={number}")
    await page.get_by_role("button", name="Move Alpha down").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Move Alpha down")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(names(page)).to_contain_text(["Beta", "Gamma", "Alpha"])
    await expect(page.get_by_role("button", name="Move Alpha up")).to_be_focused()
    await expect(page.get_by_text("Alpha is now number 3")).to_be_attached()
    await names(page).nth(2).drag_to(names(page).nth(0))
    await expect(names(page)).to_contain_text(["Alpha", "Beta", "Gamma"])
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_role("heading", level=1, name="Routing")).to_be_visible()


async def test_a_version_that_leaves_payments_without_a_gateway_is_forced_or_not(page: Page, stack: Stack, shop: Shop):
    """The page shows how many would be refused, and switches on only when a person says so."""
    await paid(shop)
    gateway = await second_gateway(shop)
    harsh = rule("Dollars only", gateway) | {"otherwise": "refuse"}
    (await shop.api.post(f"/gateways/{gateway}/disable")).raise_for_status()
    number = await saved(shop, {"rules": [harsh]}, "harsh")
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/routing/{number}")
    await expect(page.get_by_text(f"Gateway {SECOND} is disabled", exact=False)).to_be_visible()
    await page.get_by_role("button", name="Switch on").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("would find no gateway", exact=False)).to_be_visible()
    await expect(dialog.get_by_role("button", name="Switch on")).to_be_disabled()
    await dialog.get_by_label("Switch it on all the same").check()
    await dialog.get_by_role("button", name="Switch on").click()
    await expect(dialog).to_be_hidden()
    (await shop.api.delete("/routing")).raise_for_status()
    (await shop.api.post(f"/gateways/{gateway}/enable")).raise_for_status()


async def test_a_viewer_reads_rules_and_writes_none(page: Page, stack: Stack, shop: Shop):
    """A viewer sees versions and asks where a payment goes, and has no button that changes anything."""
    number = await saved(shop, {"rules": [rule("UPI", await second_gateway(shop))]}, "for viewers")
    await add_member(stack, "routing-viewer@example.test", Role.VIEWER)
    await sign_in(page, stack, "routing-viewer@example.test")
    await page.goto(f"{stack.dashboard_url}/routing/{number}")
    await expect(page.get_by_text("for viewers")).to_be_visible()
    await expect(page.get_by_role("button", name="Explain")).to_be_visible()
    for name in ("Switch on", "Edit as a new version"):
        assert await page.get_by_text(name, exact=True).count() == 0
    await page.goto(f"{stack.dashboard_url}/routing/new")
    await expect(page.get_by_text("Your role reads routing rules, and does not write them")).to_be_visible()


async def test_the_pages_are_accessible(page: Page, stack: Stack, shop: Shop):
    """Axe finds nothing serious on the pages of routing, and none is wider than its window."""
    gateway = await second_gateway(shop)
    long = "Maximilian von Hohenstein-Wuerttemberg zu Oberpfaffenhofen 0123"
    split = {"type": "split", "shares": [{"percent": 100, "gateways": [gateway]}]}
    number = await saved(shop, {"rules": [rule(long, gateway) | {"output": split}]}, "ملاحظة طويلة")
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    found: list[str] = []
    for path in ("/routing", f"/routing/{number}", f"/routing/new?from={number}"):
        await page.goto(stack.dashboard_url + path)
        found += await faults_in(page, EVERY_LOOK)
    await page.get_by_role("button", name="Save draft").wait_for()
    assert found == []
