"""Pages of the dashboard do not move under the finger while their answers come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import pytest
from playwright.async_api import Error, Page, Route, expect

from clearway.db import merchants
from clearway.db.engine import create_engine
from clearway.db.merchants import NewAccount
from clearway.db.seed import TEST_MERCHANT, Credentials
from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import Settings
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.people import add_member, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid
from tests.support.other_merchant import OTHER_MERCHANT

SHIFT_MAX: Final = 0.1
"""Above it a page is not good: Core Web Vitals, CLS."""
APART_S: Final = 0.05
"""A few frames of the browser: the part is painted before the next one comes."""
OBSERVE: Final = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map((each) => each.node?.parentElement?.innerText.slice(0, 40) ?? "gone");
    shifts.push([entry.value, ...moved]);
  }
}).observe({type: 'layout-shift', buffered: true});
"""


@pytest.mark.parametrize("account", [TEST_MERCHANT, OTHER_MERCHANT], ids=["with-payments", "with-none"])
@pytest.mark.parametrize("width", [390, 1_280])
async def test_pages_do_not_move(new_page: NewPage, stack: Stack, shop: Shop, width: int, account: Credentials):
    """Answers come one after the other, and none moves what is there already."""
    payment = await paid(shop)
    await _open(stack, account)
    page = await new_page(width=width)
    email = f"steady-{width}-{account.merchant_id[-4:]}@example.test"
    await add_member(stack, email, Role.ADMIN, account=account)
    await sign_in(page, stack, email)
    await page.add_init_script(OBSERVE)
    await _let_answers_come_apart(page)
    places = ["/", "/payments", "/team", "/routing", "/webhooks", "/developers"]
    if account is TEST_MERCHANT:
        places.append(f"/payments/{payment['id']}")
    for place in places:
        await page.goto(f"{stack.dashboard_url}{place}")
        await page.get_by_role("heading", level=1).wait_for()
        await expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        shifts = await page.evaluate("shifts")
        assert sum(shift[0] for shift in shifts) < SHIFT_MAX, f"{place} moves: {shifts}"


async def _open(stack: Stack, account: Credentials) -> None:
    """Add the account, unless it is there."""
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    try:
        async with engine.begin() as connection:
            named = NewAccount(account.name, id=account.account_id, test_id=account.merchant_id)
            await merchants.add_account(connection, named)
    finally:
        await engine.dispose()


async def _let_answers_come_apart(page: Page) -> None:
    """Answer the requests of the page one at a time, so that each part comes by itself."""
    turn = asyncio.Lock()

    async def answer(route: Route) -> None:
        async with turn:
            await route.continue_()
            with suppress(Error):  # the page may have left
                await route.request.response()
            await asyncio.sleep(APART_S)

    await page.route("**/api/v1/**", answer)
