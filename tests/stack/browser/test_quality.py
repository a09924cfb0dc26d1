"""What every checkout page keeps: accessible in each language and theme, small, private, and under a strict policy."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from api.hosted.languages import NAMES
from tests.stack.browser.accessible import violations
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_checkout import enter_vpa, pay, status

WEB = Path(__file__).parents[3] / "web" / "checkout"
SCRIPT_BYTES_MAX = 20 * 1024
STYLE_BYTES_MAX = 10 * 1024
CLS_MAX = 0.1


async def assert_accessible(page: Page) -> None:
    """Fail on every finding of axe."""
    found = await violations(page)
    assert not found, [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [
        ("en", "light", 1280),
        ("hy", "dark", 1280),
        ("ar", "light", 320),
        ("ar", "dark", 390),
        ("de", "light", 320),
        ("hi", "dark", 320),
    ],
)
async def test_pages_are_accessible(new_page: NewPage, shop: Shop, language: str, scheme: str, width: int):
    """Axe finds nothing, and 320 px need no scrolling sideways: form, errors, failure, help and end."""
    order = await shop.order(receipt="Խանութի շատ երկար համար 1234567890123")
    page = await new_page(width=width, color_scheme=scheme)
    await page.goto(shop.page(order, lang=language))
    await page.get_by_test_id("method-card").click()
    await pay(page)
    await expect(page.locator("#number")).to_be_focused()
    await assert_accessible(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await enter_vpa(page, "lowfunds@clearway")
    await pay(page)
    await expect(status(page, "failed")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_role("navigation").first.get_by_role("link").first.click()
    await expect(page.get_by_test_id("help-methods")).to_be_visible()
    await assert_accessible(page)
    await page.go_back()
    await enter_vpa(page, "success@razorpay")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    await assert_accessible(page)


@pytest.mark.parametrize("language", sorted(NAMES))
async def test_the_browser_chooses_the_language(new_page: NewPage, shop: Shop, language: str):
    """The page is in the browser's language and direction, and the customer may choose another."""
    page = await new_page(locale=language)
    await page.goto(shop.page(await shop.order()))
    html = page.locator("html")
    assert await html.get_attribute("lang") == language
    assert await html.get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    await page.get_by_role("link", name="Deutsch").click()
    assert await html.get_attribute("lang") == "de"


async def test_the_keyboard_alone_pays(page: Page, shop: Shop):
    """Arrow keys choose, Tab moves, Enter sends; every stop shows where it is."""
    order = await shop.order()
    await page.goto(shop.page(order))
    await page.get_by_role("radio", name="UPI").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.type("success@razorpay")
    await page.keyboard.press("Enter")
    await expect(status(page, "success")).to_be_visible()
    assert await page.evaluate("document.activeElement.tagName") == "H1"


async def test_a_test_page_asks_nobody_else(page: Page, shop: Shop):
    """A test merchant's page loads from the checkout and the simulator alone, and keeps no cookie."""
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.split("/")[2] if "//" in request.url else ""))
    order = await shop.order()
    await page.goto(shop.page(order))
    await enter_vpa(page, "success@razorpay")
    await pay(page)
    await expect(status(page, "success")).to_be_visible()
    assert asked - {""} <= {shop.checkout_url.split("/")[2], str(shop.gateway.base_url.netloc, "ascii")}
    assert await page.context.cookies() == []


async def test_the_policy_is_strict(page: Page, shop: Shop):
    """Scripts and styles need the nonce of this answer; nothing is inline, evaluated or from anywhere."""
    seen = set()
    order = await shop.order()
    for _ in range(2):
        answer = await page.request.get(shop.page(order))
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert (
            policy["default-src"] == policy["base-uri"] == policy["object-src"] == policy["frame-ancestors"] == "'none'"
        )
        assert policy["script-src"] == policy["style-src"]
        assert policy["script-src"].startswith("'nonce-")
        assert policy["form-action"] == "'self'"
        assert not any(word in answer.headers["content-security-policy"] for word in ("unsafe", "*"))
        body = await answer.text()
        assert body.count("integrity=") == 3
        seen.add(policy["script-src"])
    assert len(seen) == 2


async def test_nothing_shifts(page: Page, shop: Shop):
    """What stands where it is painted first. How soon that is, `scripts.measure_pages` measures."""
    await page.goto(shop.page(await shop.order()), wait_until="networkidle")
    shifted = await page.evaluate(
        """() => new Promise((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; }))
            .observe({type: 'layout-shift', buffered: true});
          setTimeout(() => resolve(sum), 700);
        })"""
    )
    assert shifted < CLS_MAX


def test_script_and_style_are_small():
    """Our own script is at most 20 KB compressed, and our style 10 KB."""
    script = b"".join(path.read_bytes() for path in (WEB / "script").glob("*.js"))
    style = b"".join(path.read_bytes() for path in (WEB / "styles").glob("*.css"))
    assert len(gzip.compress(script)) <= SCRIPT_BYTES_MAX
    assert len(gzip.compress(style)) <= STYLE_BYTES_MAX


@pytest.mark.parametrize(
    "receipt", ["<script>window.stolen=1</script>", '"><img src=x onerror=window.stolen=1>', "{{ 7*7 }}"]
)
async def test_a_merchants_text_is_text(page: Page, shop: Shop, receipt: str):
    """What a merchant writes is shown and never run."""
    await page.goto(shop.page(await shop.order(receipt=receipt)))
    await expect(page.get_by_text(receipt, exact=True)).to_be_visible()
    assert await page.evaluate("window.stolen") is None
