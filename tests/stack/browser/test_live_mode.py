"""A live merchant's checkout: cards are entered at the gateway, and their numbers never come to us.

The gateways are at an address that only the browser of the test knows: it shows what the stand-ins serve. For our
servers it does not exist, so no payment here can reach anybody, and nothing is charged.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

import pytest
from playwright.async_api import Error, Page, Request, Route, expect

from clearway.dev.stack import Stack
from clearway.domain.merchant import Mode
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.merchants import open_shop
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_adapters import enter
from tests.stack.browser.test_checkout import pay, status

GATEWAY: Final = "https://gateway.example"
"""A name that never resolves (RFC 6761)."""
NUMBER: Final = "4111111111111111"
BETWEEN_QUESTIONS_MS: Final = 300
"""The page asks sixty times for PayPal's page, and waits so long before each."""
GIVEN_UP_S: Final = 60.0
A_NUMBER: Final = re.compile("(?:4[ +-]?)(?:1{3}[ +-]?)(?:1{4}[ +-]?){3}")
KINDS: Final[dict[str, dict[str, Any]]] = {
    "stripe": {
        "credentials": {"secret_key": "sk_live_of_this_test"},
        "settings": {"publishable_key": "pk_test_of_this_test"},  # the stand-in makes tokens for test keys only
    },
    "square": {
        "credentials": {"access_token": "EAAA_of_this_test"},
        "settings": {"location_id": "L1OFTHISTEST", "currency": "USD", "application_id": "sq0idp-of-this-test"},
    },
    "paypal": {
        "credentials": {"client_id": "client_of_this_test", "client_secret": "secret_of_this_test"},
        "settings": {"client_id": "client_of_this_test"},
    },
}


@pytest.fixture
async def live(stack: Stack) -> AsyncIterator[Shop]:
    """Sell as a live merchant."""
    async with open_shop(stack, "A Live Shop", Mode.LIVE) as shop:
        yield shop


async def connect(shop: Shop, kind: str) -> None:
    """Connect the live merchant to a gateway at the address that only browsers find."""
    given = KINDS[kind]
    settings = given["settings"] | {"api_base": f"{GATEWAY}/{kind}"}
    body = {"kind": kind, "credentials": given["credentials"], "settings": settings, "test": False}
    (await shop.api.post("/gateways", json=body)).raise_for_status()


@dataclass
class Traffic:
    """What the page, its frames and its windows asked for, by origin."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    @property
    def origins(self) -> set[str]:
        """Who was asked."""
        return {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url, _ in self.sent}

    def to(self, origin: str) -> list[str]:
        """Return what an origin was sent: addresses, bodies and headers."""
        return [said for url, said in self.sent if url.startswith(f"{origin}/")]

    def note(self, request: Request) -> None:
        """Note a request."""
        said = f"{request.url}\n{request.headers}\n{request.post_data or ''}"
        self.sent.append((request.url, unquote_plus(said)))


async def watch(page: Page, shop: Shop) -> Traffic:
    """Show the browser the stand-ins at the gateway's address, and note every request."""
    traffic = Traffic()
    simulator = str(shop.gateway.base_url).rstrip("/")

    async def stand_in(route: Route) -> None:
        answer = await route.fetch(url=route.request.url.replace(GATEWAY, simulator, 1))
        await route.fulfill(response=answer)

    await page.context.route(f"{GATEWAY}/**", stand_in)
    page.context.on("request", traffic.note)
    return traffic


def assert_in_no_log(stack: Stack) -> None:
    """No program of the stack wrote the number down, however it is grouped."""
    logs = {path.name: path.read_text("utf-8", errors="replace") for path in stack.log_dir.glob("*.log")}
    assert any("/checkout/{order_id}" in text for text in logs.values()), "the checkout wrote no log: nothing is proved"
    assert [name for name, text in logs.items() if A_NUMBER.search(text)] == []


@pytest.mark.parametrize("kind", ["stripe", "square"])
async def test_a_card_is_entered_at_the_gateway_and_only_its_token_comes_to_us(
    page: Page, stack: Stack, live: Shop, kind: str
) -> None:
    """The page has no field for a number; what it sends us is a token; no request and no log of ours has the number."""
    await connect(live, kind)
    traffic = await watch(page, live)
    order = await live.order(currency="USD")
    await page.goto(live.page(order))
    await expect(page.get_by_text("Test mode")).to_have_count(0)
    await expect(page.locator("[name=number], [name=cvc], [name=expiry]")).to_have_count(0)
    await enter(page, NUMBER)
    await pay(page)
    await expect(status(page, "processing")).to_be_visible()
    assert traffic.origins == {live.checkout_url, GATEWAY}
    ours = traffic.to(live.checkout_url)
    assert any(re.search(r"gateway_token=(pm_|cnon:)", said) for said in ours), ours
    assert not [said for said in ours if A_NUMBER.search(said)]
    if kind == "stripe":  # Square's stand-in makes its token within the frame
        assert any(A_NUMBER.search(said) for said in traffic.to(GATEWAY)), "the test sees the number nowhere"
    assert_in_no_log(stack)
    (payment,) = await live.payments(order)
    assert (payment["method"], payment["amount_captured"]) == ("card", 0)


async def test_paypals_button_opens_its_own_window(page: Page, stack: Stack, live: Shop) -> None:
    """The button makes our payment; when the gateway has no page for it, its window is closed, and the page waits."""
    await connect(live, "paypal")
    traffic = await watch(page, live)
    order = await live.order(currency="USD")
    await page.clock.install()
    await page.goto(live.page(order))
    await page.get_by_test_id("method-paypal").click()
    async with page.expect_popup() as opened:
        await page.locator(".hosted button").click()
    window = await opened.value
    async with asyncio.timeout(GIVEN_UP_S):
        while not window.is_closed():
            with suppress(Error):  # the clock is that of the window, too, which may close meanwhile
                await page.clock.run_for(BETWEEN_QUESTIONS_MS)
    await expect(status(page, "processing")).to_be_visible()
    assert traffic.origins == {live.checkout_url, GATEWAY}
    assert len(await live.payments(order)) == 1


async def test_a_number_that_is_posted_all_the_same_is_refused(new_page: NewPage, stack: Stack, live: Shop) -> None:
    """Without script the page says that it needs it; a form with a number makes no payment, and is in no log."""
    await connect(live, "stripe")
    page = await new_page(script=False)
    order = await live.order(currency="USD")
    await page.goto(live.page(order))
    await page.get_by_test_id("method-card").click()
    assert "JavaScript" in await page.locator(".hosted noscript").evaluate("each => each.textContent")
    form = {
        "token": str(await page.locator("[name=token]").get_attribute("value")),
        "option": str(await page.locator("[name=option]").first.get_attribute("value")),
        "number": NUMBER,
        "expiry": "12/31",
        "cvc": "123",
    }
    for posted in (form, form | {"gateway_token": NUMBER}, form | {"holder": NUMBER, "vpa": NUMBER}):
        answer = await page.request.post(live.page(order), form=posted)
        assert answer.status == 422
        assert not A_NUMBER.search(await answer.text())
    assert await live.payments(order) == []
    assert_in_no_log(stack)
