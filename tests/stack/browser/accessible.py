"""What axe and the window's width say of a page."""

from __future__ import annotations

from typing import Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

ANIMATED: Final = """
    Promise.allSettled(document.getAnimations()
        .filter((each) => each.effect.getComputedTiming().iterations !== Infinity)
        .map((each) => each.finished)).then(() => null)
"""
"""Waits for what fades in: its colours are others until then."""


async def settled(page: Page) -> None:
    """Wait until a page shows its content."""
    await page.get_by_role("heading", level=1).wait_for()
    await expect(page.get_by_role("status", name="Loading")).to_have_count(0)


async def faults(page: Page, *, behind_dialog: bool = False) -> list[str]:
    """Return what is serious: a barrier, or content wider than the window. A dialog hides the page behind it."""
    if not behind_dialog:
        await settled(page)
    await page.evaluate(ANIMATED)
    result = await Axe().run(page)
    found = [
        f"{page.url} {each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in result.response["violations"]
        if each["impact"] in {"serious", "critical"}
    ]
    wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + ([f"{page.url} is {wider} px wider than its window"] if wider > 0 else [])
