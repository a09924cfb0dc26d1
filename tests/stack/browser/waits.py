"""What tests wait for in a browser that `expect` cannot name."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Error, Frame, Locator, Page, expect


async def until(page: Page | Frame, expression: str, arg: Any = None) -> None:
    """Wait up to 20 seconds until an expression of JavaScript, or what its function returns for `arg`, is true.

    Playwright's own `wait_for_function` asks again from within the page, by `eval`, which a page's content security
    policy refuses: it would work only where the first answer is true. A document that another one replaces is not
    asked again.
    """
    async with asyncio.timeout(20):
        while True:
            try:
                if await page.evaluate(expression, arg):
                    return
            except Error as error:
                if "context was destroyed" not in error.message:
                    raise
            await asyncio.sleep(0.05)


async def press_until(page: Page, *keys: str, shown: Locator) -> None:
    """Press keys one after the other until they show something.

    The page loads its shortcuts late, and a sequence must come within a second, which a busy machine may miss.
    """
    for _ in range(10):
        for key in keys:
            await page.keyboard.press(key)
        try:
            await expect(shown).to_be_visible(timeout=2_000)
        except AssertionError:
            continue
        return
    await expect(shown).to_be_visible()


async def hurry_until(page: Page, shown: Locator) -> None:
    """Let the page's clock, which is installed, run ahead until it shows something: what it waits for itself."""
    for _ in range(60):
        if await shown.is_visible():
            return
        await page.clock.run_for(1_000)
        await asyncio.sleep(0.05)
    await expect(shown).to_be_visible()


async def open_until(page: Page, address: str, locator: Locator, count: int) -> None:
    """Open a page until it shows so many of something: a process knows a gateway's former settings for five seconds."""
    for _ in range(20):
        await page.goto(address)
        if await locator.count() == count:
            break
        await page.wait_for_timeout(500)
    await expect(locator).to_have_count(count)
