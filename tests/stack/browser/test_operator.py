"""The operator's page in a browser: over all merchants, with decisions and retries; to others it does not exist."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from clearway.db.engine import create_engine
from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, Settings
from tests.services.api.gateway_sending import event_about, send
from tests.stack.browser.accessible import EVERY_LOOK, faults_in, settled
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.people import add_member, open_home, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.e2e.merchant import eventually
from tests.support.receiver import Reply, running_receiver

TABS = ("reviews", "merchants", "gateways", "jobs", "dead_letters", "system")
KINDS = ("delivery", "gateway_event", "mail", "workflow")


GIVEN_UP_S: Final = 60.0
"""A delivery is given up after its one retry, a second later."""


async def test_to_others_there_is_no_such_page(page: Page, stack: Stack):
    """An owner finds no page at its address and no line that leads to it."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(page, stack)
    assert await page.get_by_role("link", name="Operator").count() == 0
    await page.goto(f"{stack.dashboard_url}/operator")
    await expect(page.get_by_text("There is no page at this address")).to_be_visible()


async def test_an_operator_decides_what_waits(page: Page, stack: Stack, shop: Shop):
    """The amount that moved is asked for where it is needed; the decision is that of the runbook.

    The operator is a viewer of that merchant, too: a role takes nothing away from what an operator may do.
    """
    payment = await shop.payment("needs_review", vpa="wrongamount@clearway")  # one unit too little was taken
    await add_member(stack, "operator-decides@example.test", Role.VIEWER, is_operator=True)
    await sign_in(page, stack, "operator-decides@example.test")
    await open_home(page, stack)
    await page.get_by_role("link", name="Operator").click()
    await expect(page.get_by_role("heading", level=1, name="Operator")).to_be_visible()
    row = page.get_by_role("listitem").filter(has_text=str(payment["id"]))
    await row.get_by_role("button", name="Decide").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("Asked for")).to_be_visible()
    await dialog.get_by_label("The money was taken").check()
    await dialog.get_by_label("What you found").fill("499.99 in the settlement file")
    await dialog.get_by_role("button", name="Record the decision").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("amount")
    await dialog.get_by_label("Amount that moved, in INR").fill("499.99")
    await dialog.get_by_role("button", name="Record the decision").click()
    await expect(dialog).to_be_hidden()
    await expect(row).to_have_count(0)
    after = (await shop.api.get(f"/payments/{payment['id']}")).json()
    assert (after["status"], after["amount_captured"]) == ("success", 49_999)
    history = (await shop.api.get(f"/payments/{payment['id']}/history")).json()["data"]
    assert any("499.99 in the settlement file" in str(each) for each in history), history


async def test_operators_alone_get_a_link_to_the_workflow(new_page: NewPage, stack: Stack, shop: Shop):
    """A payment's page leads operators to its workflow, which is there; to members it shows no such link."""
    payment = await shop.payment("success")
    await add_member(stack, "operator-follows@example.test", Role.VIEWER, is_operator=True)
    await add_member(stack, "member-follows-not@example.test", Role.ADMIN)
    for email, is_operator in (("operator-follows@example.test", True), ("member-follows-not@example.test", False)):
        page = await new_page()
        await sign_in(page, stack, email)
        await page.goto(f"{stack.dashboard_url}/payments/{payment['id']}", wait_until="networkidle")
        await expect(page.get_by_test_id("payment-status")).to_be_visible()
        link = page.get_by_role("link", name="Workflow in Temporal")
        await expect(link).to_have_count(int(is_operator))
        if is_operator:
            path, _, workflow = (await link.get_attribute("href") or "").rpartition("/")
            assert path.endswith(f":{stack.options.ports.temporal_ui}/namespaces/{stack.temporal.namespace}/workflows")
            run = await stack.temporal.get_workflow_handle(unquote(workflow)).describe()
            assert run.id == f"payment/{payment['id']}"


async def test_an_operator_closes_a_contradiction(page: Page, stack: Stack, shop: Shop):
    """The gateway says that it took money after the payment failed: the finding closes the review and moves nothing."""
    payment = await shop.payment("failed", vpa="failure@razorpay")

    async def contradicted() -> str:
        event = event_about(f"{payment['id']}:authorise:1")
        return str((await send(shop.api, event, gateway_id=payment["gateway_id"])).json()["status"])

    assert await eventually(contradicted, lambda said: said != "signalled") == "contradicts"
    await add_member(stack, "operator-closes@example.test", Role.VIEWER, is_operator=True)
    await sign_in(page, stack, "operator-closes@example.test")
    await page.goto(f"{stack.dashboard_url}/operator")
    row = page.get_by_role("listitem").filter(has_text=payment["id"])
    await expect(row).to_contain_text("Contradiction")
    await row.get_by_role("button", name="Decide").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Close the review").click()
    await expect(dialog, "it needs what was found").to_be_visible()
    await dialog.get_by_label("What you found").fill("Given back at the acquirer: ԱԲ 42")
    await dialog.get_by_role("button", name="Close the review").click()
    await expect(dialog).to_be_hidden()
    await expect(row).to_have_count(0)
    after = (await shop.api.get(f"/payments/{payment['id']}")).json()
    assert (after["status"], after["amount_captured"]) == ("failed", 0)


async def test_an_operator_retries_a_dead_letter(page: Page, stack: Stack, shop: Shop):
    """A webhook whose last attempt failed is listed, and sent once more when the operator says so: now it arrives."""
    async with running_receiver(usual=Reply(500)) as endpoint:
        given = {"url": endpoint.url, "retry_intervals_s": [1]}
        made = (await shop.api.post("/webhook_endpoints", json=given)).raise_for_status().json()
        sent = (await shop.api.post(f"/webhook_endpoints/{made['id']}/test")).raise_for_status().json()
        delivery = f"/webhooks/{sent['id']}"

        await eventually(lambda: shop.read(delivery), lambda now: now["status"] == "failed", limit_s=GIVEN_UP_S)
        tried = len(endpoint.received)
        endpoint.usual = Reply()
        await add_member(stack, "operator-retries@example.test", Role.VIEWER, is_operator=True)
        await sign_in(page, stack, "operator-retries@example.test")
        await page.goto(f"{stack.dashboard_url}/operator?tab=dead_letters&kind=delivery")
        row = page.get_by_role("listitem").filter(has_text=str(sent["id"]))
        await row.get_by_role("button", name="Retry").click()
        await expect(page.get_by_text("One more attempt was made")).to_be_visible()
        await expect(row).to_have_count(0)
        ended = await eventually(lambda: shop.read(delivery), lambda now: now["status"] != "failed")
        assert ended["status"] == "delivered"
        assert len(endpoint.received) == tried + 1
        (await shop.api.delete(f"/webhook_endpoints/{made['id']}")).raise_for_status()


REVIEWS: Final = """
INSERT INTO reviews (id, merchant_id, subject_type, subject_id, kind, detail, opened_at)
SELECT 'rev_' || tail, (SELECT min(id) FROM merchants), 'payment', 'pay_' || tail, 'taken_after_end', '{}',
       timestamptz '2026-01-01Z' + n * interval '1 s'
FROM (SELECT n, lpad(n::text, 26, '0') AS tail FROM generate_series(1, 60) n) numbered
"""
DECIDED: Final = """
UPDATE reviews SET resolved_at = now(), resolved_by = 'user:test', resolution = 'none' WHERE id LIKE 'rev_0000000000%'
"""
MAILS: Final = """
INSERT INTO mails (id, template, status, sealed_letter, error, give_up_at, due_at, created_at, ended_at)
SELECT 'mail_' || lpad(n::text, 26, '0'), 'reset_password', 'failed', 'sealed', 'refused', now(), now(), now(), now()
FROM generate_series(1, 60) n
"""
SENT: Final = "UPDATE mails SET status = 'sent', sealed_letter = NULL WHERE id LIKE 'mail_0000000000%'"


@pytest.mark.parametrize(
    ("path", "made", "undone", "first", "later", "buttons"),
    [
        ("", REVIEWS, DECIDED, f"pay_{1:026}", f"pay_{60:026}", ("Previous", "Next")),
        ("?tab=dead_letters&kind=mail", MAILS, SENT, f"mail_{60:026}", f"mail_{1:026}", ("Newer", "Older")),
    ],
    ids=["reviews", "dead letters"],
)
async def test_a_long_list_is_gone_through_and_back(
    page: Page,
    stack: Stack,
    *,
    path: str,
    made: str,
    undone: str,
    first: str,
    later: str,
    buttons: tuple[str, str],
):
    """A page of what waits, or got stuck, leads to the next one and back."""
    email = f"operator-turns-{len(path)}@example.test"
    await add_member(stack, email, Role.VIEWER, is_operator=True)
    await in_database(stack, made)
    try:
        await sign_in(page, stack, email)
        await page.goto(f"{stack.dashboard_url}/operator{path}")
        rows, (back, on) = page.get_by_role("listitem"), buttons
        await expect(rows.filter(has_text=first)).to_have_count(1)
        await expect(page.get_by_role("button", name=back)).to_be_disabled()
        await page.get_by_role("button", name=on).click()
        await expect(rows.filter(has_text=later)).to_have_count(1)
        await expect(rows.filter(has_text=first)).to_have_count(0)
        await page.get_by_role("button", name=back).click()
        await expect(rows.filter(has_text=first)).to_have_count(1)
        await expect(rows.filter(has_text=later)).to_have_count(0)
    finally:
        await in_database(stack, undone)


async def in_database(stack: Stack, statement: str) -> None:
    """Carry out a statement on the stack's database."""
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_jobs_and_the_system_show_what_runs(page: Page, stack: Stack):
    """Housekeeping can be run now and shows its result; workers, Postgres and Temporal are there with versions."""
    await add_member(stack, "operator-looks@example.test", Role.VIEWER, is_operator=True)
    await sign_in(page, stack, "operator-looks@example.test")
    await page.goto(f"{stack.dashboard_url}/operator?tab=jobs")
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Housekeeping and recovery"))
    await card.get_by_role("button", name="Run now").click()
    await expect(card.get_by_text("Last run went well")).to_be_visible(timeout=40_000)
    await expect(card.get_by_text("Deliveries looked at")).to_be_visible()
    await page.get_by_role("link", name="System").click()
    await expect(page.get_by_text("Answers", exact=True)).to_have_count(2)
    await expect(page.get_by_text("Payments", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Merchants", exact=True).click()
    search = page.get_by_role("searchbox")
    await search.fill("no such name")
    await search.press("Enter")
    await expect(page.get_by_text("Nothing matches")).to_be_visible()


async def test_the_page_is_accessible(page: Page, stack: Stack, shop: Shop):
    """Axe finds nothing serious on any part of the page, and none is wider than its window."""
    payment = await shop.payment("needs_review", vpa="wrongamount@clearway")
    await add_member(stack, "operator-of-every-look@example.test", Role.VIEWER, is_operator=True)
    await sign_in(page, stack, "operator-of-every-look@example.test")
    found: list[str] = []
    for tab in (*TABS, *(f"dead_letters&kind={kind}" for kind in KINDS)):
        await page.goto(f"{stack.dashboard_url}/operator?tab={tab}")
        found += await faults_in(page, EVERY_LOOK)
    await page.goto(f"{stack.dashboard_url}/operator")
    await settled(page)
    row = page.get_by_role("listitem").filter(has_text=str(payment["id"]))
    await row.get_by_role("button", name="Decide").click()
    await expect(page.get_by_role("dialog").get_by_text("What happened", exact=True)).to_be_visible()
    found += await faults_in(page, EVERY_LOOK, behind_dialog=True)
    assert found == []
