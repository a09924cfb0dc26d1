"""Measures pages as a person with a poor phone meets them: `python -m scripts.measure_pages`.

Chromium with a slow network and a processor four times slower than this machine's opens each page in a fresh context,
so nothing is cached. Printed are medians, in ms from the start of the navigation: first and largest paint (FCP, LCP),
when the page can be used, CLS (how much the layout moved, without unit) and the bytes that crossed the network.
Definitions: https://web.dev/articles/vitals. The figures are written into docs/checkout.md and docs/dashboard.md.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from clearway.dev import services, toolchain
from clearway.dev.browser import CHROMIUM_ARGUMENTS, MISSING, find_chromium
from clearway.dev.ports import Ports
from clearway.dev.postgres import THROWAWAY_SETTINGS
from clearway.dev.reporting import SilentReporter
from clearway.dev.stack import Stack, StackOptions
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, TEST_API_KEY, TEST_API_SECRET

SLOW_4G: Final = {"offline": False, "latency": 150, "downloadThroughput": 204_800, "uploadThroughput": 96_000}
"""1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back: Lighthouse's mobile profile."""
SLOWER_CPU: Final = 4
SETTLED_MS: Final = 1_500
OBSERVE: Final = """
window.vitals = {fcp: 0, lcp: 0, cls: 0};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') vitals.fcp = entry.startTime;
}).observe({type: 'paint', buffered: true});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) vitals.lcp = entry.startTime;
}).observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) vitals.cls += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A page to open. usable: a selector of what a person waits for. signed_in: as the owner of the test merchant."""

    name: str
    url: str
    usable: str
    signed_in: bool = False


@asynccontextmanager
async def pages() -> AsyncIterator[tuple[Browser, Stack]]:
    """Run a browser, and a stack with the dashboard and the checkout."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
        with tempfile.TemporaryDirectory(prefix="clearway-pages-") as folder:
            options = StackOptions(
                state_dir=Path(folder),
                ports=Ports.free(),
                services=frozenset(services.CORE) | {"checkout", "dashboard"},
                temporal_binary=await toolchain.find_temporal(SilentReporter()),
                temporal_ui=False,
                postgres_settings=THROWAWAY_SETTINGS,
            )
            async with Stack(options) as stack:
                yield browser, stack
        await browser.close()


async def main(times: int) -> None:
    """Open each page as often, and print a table."""
    async with pages() as (browser, stack):
        cookies = await cookies_of_the_owner(browser, stack)
        print(f"{'page':32} {'FCP':>6} {'LCP':>6} {'usable':>7} {'CLS':>6} {'KB':>6}")
        for place in await _places(stack):
            found = [await _measured(browser, place, cookies) for _ in range(times)]
            fcp, lcp, usable, cls, size = (
                statistics.median(each[name] for each in found) for name in ("fcp", "lcp", "usable", "cls", "bytes")
            )
            print(f"{place.name:32} {fcp:6.0f} {lcp:6.0f} {usable:7.0f} {cls:6.3f} {size / 1_000:6.1f}")


async def _places(stack: Stack) -> list[Place]:
    headers = {"X-Api-Key": TEST_API_KEY, "X-Api-Secret": TEST_API_SECRET}
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/api/v1", headers=headers, trust_env=False) as api:
        made = (await api.post("/orders", json={"amount": 50_000, "currency": "INR"})).raise_for_status().json()
    home = 'h1:has-text("Home")'
    return [
        Place("checkout", f"{stack.checkout_url}/checkout/{made['id']}?key={TEST_API_KEY}", "[data-testid=pay-button]"),
        Place("dashboard, log-in", f"{stack.dashboard_url}/login", "input[type=password]"),
        Place("dashboard, Home", f"{stack.dashboard_url}/", home, signed_in=True),
        Place("dashboard, Transactions", f"{stack.dashboard_url}/payments", "h1", signed_in=True),
    ]


async def cookies_of_the_owner(browser: Browser, stack: Stack) -> Any:
    """Sign in by the page, and return the cookies of it."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{stack.dashboard_url}/login")
    await page.get_by_label("E-mail address").fill(OWNER_EMAIL)
    await page.get_by_label("Password").fill(OWNER_PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("heading", name="Home").wait_for()
    cookies = await context.cookies()
    await context.close()
    return cookies


async def _measured(browser: Browser, place: Place, cookies: Any) -> Mapping[str, float]:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    if place.signed_in:
        await context.add_cookies(cookies)
    page = await context.new_page()
    received = await _slowed(context, page)
    await page.add_init_script(OBSERVE)
    began = time.monotonic()
    await page.goto(place.url, wait_until="commit")
    await page.locator(place.usable).first.wait_for(timeout=60_000)
    usable = (time.monotonic() - began) * 1_000
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(SETTLED_MS)
    vitals: dict[str, float] = await page.evaluate("vitals")
    await context.close()
    return vitals | {"usable": usable, "bytes": sum(received)}


async def _slowed(context: BrowserContext, page: Page) -> list[float]:
    """Slow network and processor down, and return a list that gets the size of each answer."""
    received: list[float] = []
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.emulateNetworkConditions", SLOW_4G)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_CPU})
    devtools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    return received


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=5, help="how often each page is opened (5)")
    if find_chromium() is None:
        sys.exit(MISSING)
    asyncio.run(main(parser.parse_args().times))
