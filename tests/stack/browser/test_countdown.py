"""The countdown to the end of a former secret, by a clock that the test moves."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from clearway.dev.stack import Stack
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.people import sign_in
from tests.stack.browser.shop import Shop

OVERLAP_S = 24 * 3600


async def rotated_endpoint(shop: Shop) -> tuple[str, datetime]:
    """Rotate the secret of an endpoint of its own; return its page, and when the former secret ends."""
    made = (await shop.api.post("/webhook_endpoints", json={"url": "http://127.0.0.1:9/"})).raise_for_status().json()
    return f"/webhooks/{made['id']}", await rotated(shop, f"/webhook_endpoints/{made['id']}/rotate_secret")


async def rotated_key(shop: Shop) -> tuple[str, datetime]:
    """Rotate an API key of its own; return its page, and when the former secret ends."""
    body = {"name": "Countdown", "permissions": ["orders:read"]}
    made = (await shop.api.post("/api_keys", json=body)).raise_for_status().json()
    return f"/developers/keys/{made['id']}", await rotated(shop, f"/api_keys/{made['id']}/rotate")


async def rotated(shop: Shop, path: str) -> datetime:
    """Rotate a secret, and return when the former one ends."""
    answer = (await shop.api.post(path, json={"overlap_s": OVERLAP_S})).raise_for_status().json()
    return datetime.fromisoformat(answer["previous_secret_expires_at"])


async def open_at(page: Page, stack: Stack, path: str, moment: datetime) -> Locator:
    """Open a page, let its clock stand at a moment, and return the countdown."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.clock.install()
    await page.goto(f"{stack.dashboard_url}{path}")
    countdown = page.get_by_role("time").filter(has_text=re.compile(r"^in \d"))
    await expect(countdown).to_contain_text(re.compile(r"^in (1 day 0 h|23 h \d+ min)"))
    await page.clock.pause_at(moment)
    return countdown


async def let_pass(page: Page, ms: int) -> None:
    """Let so much time pass at once, and then let the clock run: a page may set its next timer while it is moved."""
    await page.clock.fast_forward(ms)
    await page.clock.resume()


@pytest.mark.parametrize("rotate", [rotated_endpoint, rotated_key])
async def test_the_end_of_a_former_secret_is_counted_down(page: Page, stack: Stack, shop: Shop, rotate) -> None:
    """The time left runs by the second with the moment as its title, and goes at the end without a reload."""
    path, ends_at = await rotate(shop)
    countdown = await open_at(page, stack, path, ends_at - timedelta(seconds=90))
    await page.evaluate("window.notReloaded = true")
    await expect(countdown.locator("[aria-hidden]")).to_have_text("in 1 min 30 s")
    await page.clock.run_for(1_000)
    await expect(countdown.locator("[aria-hidden]")).to_have_text("in 1 min 29 s")
    await expect(countdown).to_have_attribute("title", re.compile(r"\d{4}.*:\d\d:\d\d"))
    assert datetime.fromisoformat(await countdown.get_attribute("datetime") or "") == ends_at

    await let_pass(page, 89_000)
    await expect(countdown).to_have_count(0)
    await expect(page.get_by_text("The former secret")).to_have_count(0)
    assert await page.evaluate("window.notReloaded")


async def test_a_screen_reader_hears_the_moment_and_no_seconds(page: Page, stack: Stack, shop: Shop) -> None:
    """What runs is hidden from screen readers, which read the moment; nothing around it is a live region."""
    path, ends_at = await rotated_endpoint(shop)
    countdown = await open_at(page, stack, path, ends_at - timedelta(seconds=90))
    sentence = page.locator("p").filter(has=countdown)
    tree = await sentence.aria_snapshot()
    await page.clock.run_for(1_000)
    await expect(countdown.locator("[aria-hidden]")).to_have_text("in 1 min 29 s")
    assert await sentence.aria_snapshot() == tree
    assert re.search(r"It ends.*at .*\d{4}", tree, re.DOTALL), tree
    assert await countdown.locator("xpath=ancestor::*[@aria-live or @role='status' or @role='alert']").count() == 0


async def test_less_motion_means_no_seconds(new_page: NewPage, stack: Stack, shop: Shop) -> None:
    """Whoever asks for less motion sees minutes, which change once a minute; the end comes all the same."""
    page = await new_page(reduced_motion="reduce")
    path, ends_at = await rotated_endpoint(shop)
    countdown = await open_at(page, stack, path, ends_at - timedelta(seconds=90))
    shown = countdown.locator("[aria-hidden]")
    await expect(shown).to_have_text("in 2 min")
    await page.clock.run_for(29_000)
    await expect(shown).to_have_text("in 2 min")
    await page.clock.run_for(1_000)
    await expect(shown).to_have_text("in 1 min")
    await let_pass(page, 60_000)
    await expect(page.get_by_text("One secret signs.")).to_be_visible()
