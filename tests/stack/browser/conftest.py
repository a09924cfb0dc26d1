"""Fixtures of the browser tests: the system's Chromium, as strict as browsers get, and a stack with all pages.

Third-party cookies are blocked and pop-ups are blocked, as in a private window. A page that breaks its Content Security
Policy or raises an error fails its test. A failed test leaves screenshots in `artefacts/`.

Without a browser the tests are left out, and say so: `apt-get install chromium`, or name one in CHROMIUM.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from clearway.dev import services, toolchain
from clearway.dev.browser import CHROMIUM_ARGUMENTS, MISSING, find_chromium
from clearway.dev.ports import Ports
from clearway.dev.postgres import THROWAWAY_SETTINGS
from clearway.dev.reporting import SilentReporter
from clearway.dev.stack import Stack, StackOptions
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from tests.stack.browser.shop import Shop

ARTEFACTS: Final = Path(__file__).parents[3] / "artefacts"
PATIENCE_MS: Final = 20_000
BRISK: Final = {
    "TEST_PAYMENT_SUCCESS": "true",
    "TEST_PROCESSING_DELAY": "400",
    "WEBHOOK_RETRY_INTERVALS_TEST": "true",
    "PAYMENT_POLL_INTERVALS_S": "2,3,5",
    "OVERLOAD_TARGET_MS": "0",
    "RATE_LIMIT_ADDRESS": "100000/minute",
    "RATE_LIMIT_MERCHANT": "100000/minute",
    "REGISTRATION": "open",
}

_failed = pytest.StashKey[bool]()
NewPage = Callable[..., Awaitable[Page]]
expect.set_options(timeout=PATIENCE_MS)  # by default 5 s, which a busy machine needs for one page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember whether a test failed, for the fixture that keeps screenshots."""
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
    return report


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run the system's browser."""
    found = find_chromium()
    if found is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=found,
            args=[*CHROMIUM_ARGUMENTS, "--test-third-party-cookie-phaseout"],
            ignore_default_args=["--disable-popup-blocking"],
        )
        yield running
        await running.close()


@pytest.fixture
async def new_page(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[NewPage]:
    """Open pages in contexts of their own, with the options of Playwright's `new_context`."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def open_page(*, width: int = 1_280, height: int = 900, script: bool = True, **options: object) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=script, **{"locale": "en-US", **options}
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", lambda page: _listen(page, complaints))
        return await context.new_page()

    yield open_page
    failed = request.node.stash.get(_failed, False)
    for number, context in enumerate(contexts):
        if failed or complaints:
            await _keep(request.node.name, number, context)
        await context.close()
    assert not complaints, complaints


@pytest.fixture
async def page(new_page: NewPage) -> Page:
    """Open one page of a desktop's size."""
    return await new_page()


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Run everything, with the pages."""
    options = StackOptions(
        state_dir=tmp_path_factory.mktemp("browser"),
        ports=Ports.free(),
        env=BRISK,
        services=frozenset(services.CORE) | {"checkout", "dashboard", "mail"},
        temporal_binary=await toolchain.find_temporal(SilentReporter()),
        temporal_ui=False,
        postgres_settings=THROWAWAY_SETTINGS,
    )
    async with Stack(options) as running:
        yield running


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    """Sell things as the published test merchant."""
    async with Shop.of(stack.api_url, stack.simulator_url, stack.checkout_url, TEST_API_KEY, TEST_API_SECRET) as shop:
        yield shop


def _listen(page: Page, complaints: list[str]) -> None:
    def note(message: ConsoleMessage) -> None:
        if re.search("Content Security Policy|Permissions-Policy|integrity", message.text):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))


async def _keep(name: str, number: int, context: BrowserContext) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    plain = re.sub(r"\W+", "-", name)
    for place, page in enumerate(context.pages):
        if not page.is_closed():
            await page.screenshot(path=ARTEFACTS / f"{plain}-{number}-{place}.png", full_page=True)
