"""Fixtures of the SDK's browser tests: the three origins of `site`, and a window that reports errors of the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from tests.stack.browser.sdk.site import Site, serve


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[Site]:
    """Serve the shop, the checkout and the stranger."""
    async with serve() as served:
        yield served


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open a desktop's window. A script error or a breach of the shop's policy fails the test, unless it takes them."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    page = await context.new_page()
    yield page
    errors = await page.evaluate("window.errors ?? []")
    await context.close()
    assert errors == []
