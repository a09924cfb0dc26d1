"""The testing tools in a real browser: a test payment, a fault, a test event, test data; none in live mode."""

from __future__ import annotations

import json
import re

from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.people import add_member, sign_in
from tests.stack.browser.shop import Shop
from tests.support.receiver import running_receiver


async def pay(page: Page, value: str) -> None:
    """Pay with a test value."""
    await page.get_by_role("radio", name=value).check()
    await page.get_by_role("button", name="Pay", exact=True).click()


async def test_a_test_value_is_paid_with(page: Page, stack: Stack) -> None:
    """A value that succeeds and one that is declined do what they say, each by a real payment."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/testing?method=upi")
    status = page.get_by_test_id("test-payment-status")
    await pay(page, "success@razorpay")
    await expect(status).to_have_attribute("data-status", "success")
    await pay(page, "lowfunds@clearway")
    await expect(status).to_have_attribute("data-status", "failed")
    await expect(page.get_by_text("insufficient_funds", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Card", exact=True).click()
    await pay(page, "4000 0000 0000 3220")
    await expect(page.get_by_role("link", name="Act as the customer")).to_be_visible()
    await page.get_by_role("link", name="Open the payment").click()
    await expect(page.get_by_test_id("payment-status")).to_be_visible()


async def test_a_fault_is_switched_met_and_switched_off(page: Page, stack: Stack, shop: Shop) -> None:
    """A payment meets the fault that was switched on for its gateway, and succeeds all the same, charged once."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/testing/faults")
    await page.get_by_label("It does this").select_option("error_before")
    await page.get_by_role("button", name="Switch on").click()
    table = page.get_by_role("table", name="Faults that are switched on")
    await expect(table.get_by_text("0 of 1")).to_be_visible()
    await page.get_by_role("link", name="Test payment").click()
    await page.get_by_role("button", name="UPI", exact=True).click()
    await pay(page, "success@razorpay")
    await expect(page.get_by_test_id("test-payment-status")).to_have_attribute("data-status", "success")
    await page.get_by_role("link", name="Faults", exact=True).click()
    await expect(table.get_by_text("1 of 1")).to_be_visible()
    await page.get_by_role("button", name="Switch all off").click()
    await expect(page.get_by_text("No fault is switched on")).to_be_visible()


async def test_any_event_is_sent_and_validated(page: Page, stack: Stack, shop: Shop) -> None:
    """The chosen event reaches the endpoint; its signature is valid with the endpoint's secret, and with no other."""
    async with running_receiver() as receiver:
        made = (await shop.api.post("/webhook_endpoints", json={"url": receiver.url})).raise_for_status().json()
        await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
        await page.goto(f"{stack.dashboard_url}/testing/webhooks?type=refund.failed&endpoint={made['id']}")
        await expect(page.get_by_label("Data of the event")).to_have_value(re.compile('"status": "failed"'))
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.get_by_text("Delivered", exact=True)).to_be_visible(timeout=30_000)
        assert receiver.received[0].event["type"] == "refund.failed"
        secret = page.get_by_label("Signing secret of the endpoint")
        await secret.fill(made["secret"])
        await page.get_by_role("button", name="Validate the signature").click()
        await expect(page.get_by_text("The webhook is genuine")).to_be_visible()
        await secret.fill("whsec_" + "A" * 32)
        await page.get_by_role("button", name="Validate the signature").click()
        await expect(page.get_by_text("The signature does not match")).to_be_visible()
        await shop.api.delete(f"/webhook_endpoints/{made['id']}")


async def test_an_event_is_written_refused_mended_and_sent(page: Page, stack: Stack, shop: Shop) -> None:
    """Data that do not fit are refused under the editor, with their place; mended, they are what the endpoint gets."""
    async with running_receiver() as receiver:
        made = (await shop.api.post("/webhook_endpoints", json={"url": receiver.url})).raise_for_status().json()
        await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
        await page.goto(f"{stack.dashboard_url}/testing/webhooks?type=refund.failed&endpoint={made['id']}")
        editor = page.get_by_label("Data of the event")
        await expect(editor).to_have_value(re.compile('"status": "failed"'))
        example = json.loads(await editor.input_value())
        send = page.get_by_role("button", name="Send", exact=True)

        await editor.fill("{")
        await send.click()
        await expect(editor).to_have_accessible_description(re.compile("This is not JSON, and nothing was sent"))

        await editor.fill(json.dumps(example | {"amount": "7"}))
        await send.click()
        await expect(editor).to_have_accessible_description(re.compile(r"data\.amount This must be a JSON integer"))
        await expect(editor).to_have_attribute("aria-invalid", "true")
        assert receiver.received == []

        await editor.fill(json.dumps(example | {"amount": 7, "payment_id": "pay_mine"}))
        await expect(editor).not_to_have_attribute("aria-invalid", "true")
        await send.click()
        await expect(page.get_by_text("Delivered", exact=True)).to_be_visible(timeout=30_000)
        await expect(page.get_by_role("region", name="Body that was sent")).to_contain_text('"payment_id":"pay_mine"')
        await expect(page.get_by_text("Answered 200")).to_be_visible()
        assert receiver.received[0].event["data"] == example | {"amount": 7, "payment_id": "pay_mine"}

        await page.get_by_role("button", name="Back to the example").click()
        assert json.loads(await editor.input_value()) == example
        await shop.api.delete(f"/webhook_endpoints/{made['id']}")


async def test_test_data_are_made_with_progress(page: Page, stack: Stack) -> None:
    """So many payments are made as were asked for, and the list has them."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/testing/data")
    await expect(page.get_by_text("Time travel is not possible")).to_be_visible()
    await page.get_by_label("How many", exact=True).fill("60")
    await page.get_by_role("button", name="Make payments").click()
    await expect(page.get_by_text("60 of 60 payments are made.")).to_be_visible(timeout=60_000)
    await page.get_by_role("link", name="See them").click()
    await expect(page.get_by_role("table").get_by_role("row").nth(20)).to_be_visible()


async def test_live_mode_and_viewers_have_no_switches(page: Page, stack: Stack) -> None:
    """In live mode the page says what it is for; a viewer of test mode sees no button that does something."""
    await add_member(stack, "looks-at-tools@example.test", Role.VIEWER)
    await sign_in(page, stack, "looks-at-tools@example.test")
    for path in ("", "/faults", "/webhooks", "/data"):
        await page.goto(f"{stack.dashboard_url}/testing{path}")
        await expect(page.get_by_text("Your role does not allow you to")).to_be_visible()
    me = await (await page.context.request.get(f"{stack.dashboard_url}/api/v1/users/me")).json()
    (live,) = (each for each in me["memberships"][0]["merchants"] if each["mode"] == "live")
    await page.evaluate("id => localStorage.setItem('clearway.merchant', id)", live["id"])
    await page.goto(f"{stack.dashboard_url}/testing")
    await expect(page.get_by_text("Testing tools are for test mode")).to_be_visible()
