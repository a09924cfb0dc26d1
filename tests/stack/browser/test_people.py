"""What people do about their own access, in a browser and with the mails that they get: from registering to leaving."""

from __future__ import annotations

import re
import time
from typing import Any

import pyotp
from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.inbox import link_of, mails, wait_for_subject
from tests.stack.browser.merchants import open_shop
from tests.stack.browser.people import PASSWORD, add_member, age_step_ups, call_api, sign_in, sign_in_by_page
from tests.stack.browser.shop import Shop
from tests.stack.e2e.merchant import eventually

FRESH_PASSWORD = "seven quiet herons over the weir"


async def test_from_registration_to_a_refund(page: Page, stack: Stack):
    """Somebody registers, proves the address, makes a key, is paid and refunds; a late refund asks for the password."""
    await page.goto(f"{stack.dashboard_url}/login")
    await page.get_by_role("link", name="Register your business").click()
    await page.get_by_label("Your name").fill("Zoë Ñandú")
    await page.get_by_label("Name of the business").fill("Tea & Trains")
    await page.get_by_label("E-mail address").fill("zoe@example.test")
    await page.get_by_role("button", name="Send me the link").click()
    await expect(page.get_by_role("heading", name="Look into your inbox")).to_be_visible()
    await page.goto(await link_of(stack, "zoe@example.test", "/verify"))
    await page.get_by_label("Password", exact=True).fill(FRESH_PASSWORD)
    await page.get_by_role("button", name="Open the dashboard").click()
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()
    await expect(page.get_by_test_id("test-mode")).to_be_visible()

    key = await call_api(page, "POST", "/api_keys", {"name": "Shop", "permissions": ["orders:write", "payments:write"]})
    async with Shop.of(stack.api_url, stack.simulator_url, stack.checkout_url, key["id"], key["secret"]) as shop:
        payment = await _paid(page, shop)
    await call_api(page, "PATCH", "/settings", {"security": {"refund_step_up": {"INR": 1_000}}})
    await age_step_ups(stack)

    await page.goto(f"{stack.dashboard_url}/payments/{payment['id']}")
    await page.get_by_role("button", name="Refund", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("^Refund ₹")).click()
    proof = page.get_by_role("dialog", name="Confirm that it is you")
    await proof.get_by_label("Your password").fill("not the password at all")
    await proof.get_by_role("button", name="Confirm").click()
    await expect(proof.get_by_text("The password is wrong", exact=False)).to_be_visible()
    await proof.get_by_label("Your password").fill(FRESH_PASSWORD)
    await proof.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    refunds = (await call_api(page, "GET", f"/payments/{payment['id']}/refunds"))["data"]
    assert [refund["amount"] for refund in refunds] == [50_000], "the request is repeated once after the proof"


async def test_a_second_step_is_turned_on_used_and_turned_off(page: Page, stack: Stack):
    """TOTP asks for a code at each log-in, takes a recovery code once, and is off again when its owner says so."""
    await add_member(stack, "totp@example.test", Role.VIEWER)
    await sign_in(page, stack, "totp@example.test")
    await page.goto(f"{stack.dashboard_url}/account?tab=security")
    await page.get_by_role("button", name="Set up").click()
    dialog = page.get_by_role("dialog")
    secret = (await dialog.locator("code").first.inner_text()).strip()
    await dialog.get_by_label("Six-digit code").fill("000000")
    await dialog.get_by_role("button", name="Turn on").click()
    await expect(
        dialog.get_by_text("code", exact=False).filter(has_text=re.compile("wrong|not", re.IGNORECASE))
    ).to_be_visible()
    await dialog.get_by_label("Six-digit code").fill(pyotp.TOTP(secret).now())
    await dialog.get_by_role("button", name="Turn on").click()
    codes = page.get_by_role("dialog", name="Your recovery codes")
    await expect(codes.get_by_role("listitem")).to_have_count(10)
    recovery = [line.strip() for line in await codes.get_by_role("listitem").all_inner_texts()]
    assert len(set(recovery)) == 10
    await codes.get_by_role("button", name="I have kept them").click()
    await expect(page.get_by_text("Recovery codes left: 10.")).to_be_visible()
    await wait_for_subject(stack, "totp@example.test", "two-step log-in is on")

    await _log_out(page)
    await _first_step(page, "totp@example.test", PASSWORD)
    await page.get_by_label("Six-digit code").fill(pyotp.TOTP(secret).at(int(time.time()) + 30))
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()

    await _log_out(page)
    for heading in ("Home", "Second step"):
        await _first_step(page, "totp@example.test", PASSWORD)
        await page.get_by_role("button", name="Use a recovery code").click()
        await page.get_by_label("Recovery code").fill(recovery[0])
        await page.get_by_role("button", name="Log in").click()
        if heading == "Home":
            await expect(page.get_by_role("heading", name="Home")).to_be_visible()
            await _log_out(page)
    await expect(page.locator("form").get_by_text("wrong", exact=False)).to_be_visible()
    await page.get_by_label("Recovery code").fill(recovery[1])
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()

    await page.goto(f"{stack.dashboard_url}/account?tab=security")
    await expect(page.get_by_text("Recovery codes left: 8.")).to_be_visible()
    await age_step_ups(stack)
    await page.get_by_role("button", name="Turn off").click()
    proof = page.get_by_role("dialog", name="Confirm that it is you")
    await proof.get_by_role("button", name="Use the password instead").click()
    await proof.get_by_label("Your password").fill(PASSWORD)
    await proof.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("button", name="Set up")).to_be_visible()


async def test_a_password_and_an_address_are_changed_by_mail(page: Page, new_page: NewPage, stack: Stack):
    """A forgotten password, a new password and a new address: the old ones stop to work, and other sessions end."""
    await add_member(stack, "before@example.test", Role.VIEWER)
    await sign_in_by_page(page, stack, "before@example.test")
    other = await new_page()
    await other.goto(f"{stack.dashboard_url}/forgot")
    await other.get_by_label("E-mail address").fill("before@example.test")
    await other.get_by_role("button", name="Send me the link").click()
    await expect(other.get_by_role("heading", name="Look into your inbox")).to_be_visible()
    await other.goto(await link_of(stack, "before@example.test", "/reset"))
    await other.get_by_label("New password").fill(FRESH_PASSWORD)
    await other.get_by_role("button", name="Change the password").click()
    await other.get_by_role("link", name="Log in").click()
    await page.reload()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await sign_in_by_page(other, stack, "before@example.test", FRESH_PASSWORD)
    await wait_for_subject(stack, "before@example.test", "password")

    await sign_in_by_page(page, stack, "before@example.test", FRESH_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/account?tab=security")
    await page.get_by_label("New password").fill(f"{FRESH_PASSWORD} again")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("All other sessions have ended.")).to_be_visible()
    await other.reload()
    await expect(other.get_by_role("heading", name="Log in")).to_be_visible()

    await page.goto(f"{stack.dashboard_url}/account")
    await page.get_by_label("Your name").fill("Renamed Person")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    await page.get_by_label("New address").fill("after@example.test")
    await page.get_by_role("button", name="Send a link").click()
    await page.goto(await link_of(stack, "after@example.test", "/confirm-address"))
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("heading", name="The address is changed")).to_be_visible()
    await wait_for_subject(stack, "before@example.test", "address")
    await page.context.clear_cookies()
    await sign_in_by_page(page, stack, "after@example.test", f"{FRESH_PASSWORD} again")


async def test_a_team_is_invited_changed_and_parted(page: Page, new_page: NewPage, stack: Stack):
    """An invitation lets in a newcomer and somebody with a user; an owner changes a role and ends a membership."""
    await add_member(stack, "boss@example.test", Role.OWNER, "Boss")
    await sign_in(page, stack, "boss@example.test")
    await page.goto(f"{stack.dashboard_url}/team")
    await _invite(page, "newcomer@example.test", "support")
    newcomer = await new_page()
    await newcomer.goto(await link_of(stack, "newcomer@example.test", "/invitation"))
    await newcomer.get_by_label("Your name").fill("Newcomer")
    await newcomer.get_by_label("Choose a password").fill(FRESH_PASSWORD)
    await newcomer.get_by_role("button", name="Join").click()
    await expect(newcomer.get_by_role("heading", name="Home")).to_be_visible()

    await page.reload()
    await page.get_by_label("Role of Newcomer").select_option("viewer")
    await expect(page.get_by_text("The role is changed")).to_be_visible()
    await age_step_ups(stack)
    await page.get_by_role("button", name="Remove Newcomer").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    proof = page.get_by_role("dialog", name="Confirm that it is you")
    await proof.get_by_label("Your password").fill(PASSWORD)
    await proof.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_text("Newcomer no longer belongs to this business")).to_be_visible()
    await newcomer.reload()
    await expect(newcomer.get_by_text("You belong to no business yet")).to_be_visible()

    seen = len(await mails(stack, "newcomer@example.test"))
    await _invite(page, "newcomer@example.test", "finance")
    await eventually(lambda: mails(stack, "newcomer@example.test"), lambda found: len(found) > seen)
    await newcomer.context.clear_cookies()
    await newcomer.goto(await link_of(stack, "newcomer@example.test", "/invitation"))
    await newcomer.get_by_role("link", name="Log in as newcomer@example.test").click()
    await newcomer.get_by_label("E-mail address").fill("newcomer@example.test")
    await newcomer.get_by_label("Password").fill(FRESH_PASSWORD)
    await newcomer.get_by_role("button", name="Log in").click()
    await newcomer.get_by_role("button", name="Join").click()
    await expect(newcomer.get_by_role("heading", name="Home")).to_be_visible()
    await expect(newcomer.get_by_role("button", name="Business and mode")).to_contain_text("Finance")


async def test_a_long_team_is_turned_page_by_page(page: Page, stack: Stack):
    """Every member is on one of the pages, each once; a page can be linked to, and leads back."""
    crowd = [f"crowd-{number:03}@example.test" for number in range(110)]
    async with open_shop(stack, "A Crowded Shop", owner="crowd@example.test", crowd=crowd):
        await sign_in(page, stack, "crowd@example.test")
        await page.goto(f"{stack.dashboard_url}/team")
        members = page.get_by_role("list", name="Members").get_by_role("listitem")
        pages = page.get_by_role("navigation", name="Pages of members")
        seen: list[str] = []
        while True:
            await expect(members.first).to_be_visible()
            await expect(page.locator("[aria-busy=true]")).to_have_count(0)
            found = await members.all_inner_texts()
            seen += re.findall(r"crowd-\d+@example.test", "\n".join(found))
            older = pages.get_by_role("button", name="Older")
            if await older.is_disabled():
                break
            await older.click()
            await expect(members.filter(has_text=found[0].split("\n")[0])).to_have_count(0)
        assert sorted(seen) == crowd
        await page.reload()
        assert "cursor=" in page.url
        await expect(members.filter(has_text=seen[-1])).to_have_count(1)
        await pages.get_by_role("button", name="Newer").click()
        await expect(members.filter(has_text=seen[0])).to_have_count(1)


async def test_a_payment_appears_in_an_open_list(page: Page, stack: Stack, shop: Shop):
    """The socket reports a payment to a page that lists payments; nobody reloads."""
    await add_member(stack, "watcher@example.test", Role.VIEWER)
    await sign_in(page, stack, "watcher@example.test")
    await page.goto(f"{stack.dashboard_url}/payments")
    await expect(page.get_by_role("status").filter(has_text="Connected")).to_be_visible()
    order = await shop.order(77_700)
    body = {"order_id": order, "method": "upi", "vpa": "success@razorpay", "customer": {"name": "Just Now"}}
    (await shop.api.post("/payments", json=body)).raise_for_status()
    await expect(page.get_by_role("row").filter(has_text="Just Now")).to_contain_text("Succe", timeout=10_000)


async def _paid(page: Page, shop: Shop) -> dict[str, Any]:
    body = {"order_id": await shop.order(50_000), "method": "upi", "vpa": "success@razorpay"}
    made = (await shop.api.post("/payments", json=body)).raise_for_status().json()
    return await eventually(
        lambda: call_api(page, "GET", f"/payments/{made['id']}"), lambda payment: payment["status"] == "success"
    )


async def _invite(page: Page, address: str, role: str) -> None:
    await page.get_by_role("button", name="Invite", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("E-mail address").fill(address)
    await dialog.get_by_label("Role").select_option(role)
    await dialog.get_by_role("button", name="Invite").click()
    await expect(dialog).to_have_count(0)


async def _first_step(page: Page, address: str, password: str) -> None:
    await page.get_by_label("E-mail address").fill(address)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Second step")).to_be_visible()


async def _log_out(page: Page) -> None:
    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
