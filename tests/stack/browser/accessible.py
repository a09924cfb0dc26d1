"""What axe and the window's width say of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

ANIMATED: Final = """
    Promise.allSettled(document.getAnimations()
        .filter((each) => each.effect.getComputedTiming().iterations !== Infinity)
        .map((each) => each.finished)).then(() => null)
"""
"""Waits for what fades in: its colours are others until then."""
DRAWN: Final = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))"
"""Waits until the page has heard of its new width and colours: it hears of them with the next frame."""
RUN: Final = "axe.run({resultTypes: ['violations']}).then((found) => found.violations)"


class Look(NamedTuple):
    """A window's width in pixels, and the colours that its owner prefers."""

    width: int
    scheme: Literal["light", "dark"]


EVERY_LOOK: Final = tuple(Look(width, scheme) for width in (1_280, 390) for scheme in ("light", "dark"))


async def settled(page: Page) -> None:
    """Wait until a page shows its content."""
    await page.get_by_role("heading", level=1).wait_for()
    await expect(page.get_by_role("status", name="Loading")).to_have_count(0)


async def show(page: Page, look: Look) -> None:
    """Change the look of a page that is open: it follows by itself, and loads nothing again."""
    await page.emulate_media(color_scheme=look.scheme)
    await page.set_viewport_size({"width": look.width, "height": 900})
    await page.evaluate(DRAWN)


async def violations(page: Page) -> list[dict[str, Any]]:
    """Return every finding of axe, which is loaded once for a document."""
    await page.evaluate(ANIMATED)
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(Axe().axe_script)
    found: list[dict[str, Any]] = await page.evaluate(RUN)
    return found


async def too_wide(page: Page) -> int:
    """Return by how many pixels the content is wider than the window."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(wider, 0)


async def faults(page: Page, *, behind_dialog: bool = False) -> list[str]:
    """Return what is serious: a barrier, or content wider than the window. A dialog hides the page behind it."""
    if not behind_dialog:
        await settled(page)
    found = [
        f"{page.url} {each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in await violations(page)
        if each["impact"] in {"serious", "critical"}
    ]
    wider = await too_wide(page)
    return found + ([f"{page.url} is {wider} px wider than its window"] if wider else [])


async def faults_in(page: Page, looks: Sequence[Look], *, behind_dialog: bool = False) -> list[str]:
    """Return the same of an open page in several looks."""
    found: list[str] = []
    for look in looks:
        await show(page, look)
        found += [f"{look}: {fault}" for fault in await faults(page, behind_dialog=behind_dialog)]
    return found
