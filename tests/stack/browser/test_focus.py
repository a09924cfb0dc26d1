"""The keyboard in dialogs: each takes it, and gives it back to the button that opened it."""

from __future__ import annotations

import re
from typing import Final

import pytest
from playwright.async_api import Locator, Page, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.people import PASSWORD, add_member, age_step_ups, call_api, open_home, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid
from tests.stack.browser.test_routing import saved
from tests.stack.browser.waits import press_until

BEGIN: Final = "void (window.visited = new Set([document.activeElement]))"
VISIT: Final = """(() => {
    const now = document.activeElement;
    if (!now?.closest('[role=dialog]')) return 'outside';
    if (visited.has(now)) return 'around';
    visited.add(now);
    return 'on';
})()"""
"""Where the focus is: on a new place, around at one where it was, or outside the dialog."""
DIALOGS: Final = (
    ("/", "Find a page or an id"),
    ("/payments/{success}", "Refund"),
    ("/payments/{authorized}", "Capture"),
    ("/payments/{authorized}", "Cancel"),
    ("/webhooks", "Add endpoint"),
    ("/webhooks/{endpoint}", "Change"),
    ("/webhooks/{endpoint}", "Rotate"),
    ("/webhooks/{endpoint}", "Send what was missed"),
    ("/webhooks/{endpoint}", "Delete"),
    ("/gateways", "Connect a gateway"),
    ("/gateways/{gateway}", "Change"),
    ("/gateways/{gateway}", "Delete"),
    ("/team", "Invite"),
    ("/team", "Remove Other Person"),
    ("/audit", "Webhook endpoint create"),
    ("/account", "Delete my account"),
    ("/account", "Leave"),
    ("/account?tab=security", "Set up"),
    ("/orders/{order}", "Cancel"),
    ("/developers", "Create key"),
    ("/developers/keys/{key}", "Rotate"),
    ("/developers/keys/{key}", "Revoke"),
    ("/routing", "Roll back"),
    ("/routing", "Use priority alone"),
    ("/routing/{draft}", "Switch on"),
    ("/routing/new", "As JSON"),
    ("/operator", "Decide"),
)
"""Every button that opens a dialog, with its page."""
MENUS: Final = (
    ("/payments?status=success", "Views", "Save this view"),
    ("/payments?status=success", "Views", "Manage views"),
)
"""Every item of a menu that opens a dialog, with its page and the button of the menu."""
STEPS_MAX: Final = 100
"""More than any dialog has places for the focus."""


@pytest.fixture
async def ids(stack: Stack, shop: Shop) -> dict[str, str]:
    """Make what the pages are about."""
    held = {"order_id": await shop.order(), "method": "upi", "vpa": "success@razorpay", "capture_method": "manual"}
    made = (await shop.api.post("/payments", json=held)).raise_for_status().json()
    url = f"{stack.receiver_url}/nowhere"
    endpoint = (await shop.api.post("/webhook_endpoints", json={"url": url})).raise_for_status().json()
    gateway = (await shop.api.get("/gateways")).raise_for_status().json()["data"][0]
    key = (await shop.api.post("/api_keys", json={"name": "Focus"})).raise_for_status().json()
    active = await saved(shop, {"rules": []}, "on")
    (await shop.api.post(f"/routing/versions/{active}/activate")).raise_for_status()
    await shop.payment("needs_review", vpa="wrongamount@clearway")  # one unit too little was taken
    return {
        "order": await shop.order(),
        "key": key["id"],
        "draft": str(await saved(shop, {"rules": []}, "a draft")),
        "success": (await paid(shop))["id"],
        "authorized": made["id"],
        "endpoint": endpoint["id"],
        "gateway": gateway["id"],
    }


async def test_each_dialog_gives_the_keyboard_back(page: Page, stack: Stack, ids: dict[str, str]):
    """Opened by the keyboard, closed by Escape: the focus stays inside, and is on the same button again."""
    await add_member(stack, "keys@example.test", Role.OWNER, is_operator=True)
    await add_member(stack, "other@example.test", Role.SUPPORT, "Other Person")
    await sign_in(page, stack, "keys@example.test")
    for path, name in DIALOGS:
        await page.goto(stack.dashboard_url + path.format(**ids))
        button = page.get_by_role("button", name=re.compile(f"^{name}")).first
        await button.focus()
        await button.press("Enter")
        await assert_keeps_the_keyboard(page, button, f"{name} at {path}")


async def assert_keeps_the_keyboard(page: Page, opener: Locator, what: str) -> None:
    """The open dialog has the focus, keeps it while Tab goes once around, and gives it back on Escape."""
    dialog = page.get_by_role("dialog")
    await expect(dialog, what).to_have_count(1)
    await expect(dialog.locator(":focus"), what).to_have_count(1)
    for key in ("Tab", "Shift+Tab"):
        await page.evaluate(BEGIN)
        assert await _once_around(page, key) == "around", f"{what}: {key} leaves the dialog"
    await page.keyboard.press("Escape")
    await expect(dialog, what).to_have_count(0)
    await expect(opener, what).to_be_focused()


async def _once_around(page: Page, key: str) -> str:
    """Press a key until the focus is where it was already, or outside the dialog."""
    for _ in range(STEPS_MAX):
        await page.keyboard.press(key)
        if (where := str(await page.evaluate(VISIT))) != "on":
            return where
    return "on"


async def test_a_dialog_of_a_menu_gives_back_to_the_menus_button(page: Page, stack: Stack, ids: dict[str, str]):
    """The item that opened the dialog is gone with its menu: the button of the menu has the focus."""
    assert ids
    await add_member(stack, "menus@example.test", Role.OWNER)
    await sign_in(page, stack, "menus@example.test")
    await open_home(page, stack)
    view = {"page": "payments", "name": "Mine", "query": {"status": ["failed"]}, "columns": []}
    await call_api(page, "POST", "/saved_views", view)
    for path, menu, item in MENUS:
        await page.goto(stack.dashboard_url + path)
        button = page.get_by_role("button", name=menu, exact=True)
        await button.press("Enter")
        await page.get_by_role("menuitem", name=item).press("Enter")
        await assert_keeps_the_keyboard(page, button, f"{item} of {menu}")


async def test_what_no_button_opens_gives_back_what_was_focused(new_page: NewPage, stack: Stack):
    """The sheet of shortcuts leaves the focus where it was; the menu of a phone gives it back to its button."""
    await add_member(stack, "phone@example.test", Role.VIEWER)
    page = await new_page()
    await sign_in(page, stack, "phone@example.test")
    await open_home(page, stack)
    link = page.get_by_role("link", name="Transactions")
    await link.focus()
    await press_until(page, "?", shown=page.get_by_role("dialog"))
    await assert_keeps_the_keyboard(page, link, "the shortcuts")
    await page.set_viewport_size({"width": 390, "height": 800})
    menu = page.get_by_role("button", name="Menu", exact=True)
    await menu.press("Enter")
    await assert_keeps_the_keyboard(page, menu, "the drawer")


async def test_a_proof_in_between_takes_nothing_away(page: Page, stack: Stack, ids: dict[str, str]):
    """A dialog over a dialog gives back to it; what opened the first one has the focus in the end."""
    await add_member(stack, "proof@example.test", Role.OWNER)
    await sign_in(page, stack, "proof@example.test")
    await age_step_ups(stack)
    await page.goto(f"{stack.dashboard_url}/webhooks/{ids['endpoint']}")
    opener = page.get_by_role("button", name="Rotate")
    await opener.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Rotate").press("Enter")
    proof = page.get_by_role("dialog", name="Confirm that it is you")
    await proof.get_by_label("Your password").fill(PASSWORD)
    await proof.get_by_label("Your password").press("Enter")
    secret = page.get_by_role("dialog", name="The new signing secret")
    await secret.get_by_label("I have stored the secret").check()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()
