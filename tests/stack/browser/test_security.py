"""What strangers cannot do in a browser: run their texts, frame the pages, act for a person, or send them elsewhere."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from clearway.db.seed import TEST_MERCHANT
from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from tests.stack.browser.hostile_shop import (
    E_MAIL,
    HOSTILE,
    OWNER,
    SEEN,
    Hostile,
    add_merchant,
    do_business,
    markup,
    name_devices,
    receiver,
)
from tests.stack.browser.people import add_member, open_home, sign_in, sign_in_by_page
from tests.stack.browser.shop import Shop

IN_DASHBOARD: Final = (
    *("shop-name", "receipt", "note-key", "order-note", "customer-id", "customer-name", "payment-note"),
    *("refund-reason", "gateway-name", "gateway-message", "endpoint-text", "answer-body", "member-name", "device"),
)
IN_CHECKOUT: Final = ("shop-name", "receipt", "help-methods", "help-security", "help-faq", "help-terms")


@pytest.fixture
async def hostile(stack: Stack) -> AsyncIterator[Hostile]:
    """Run the merchant whose texts are markup."""
    await add_merchant(stack)
    places = (stack.api_url, stack.simulator_url, stack.checkout_url)
    async with Shop.of(*places, HOSTILE.api_key, HOSTILE.api_secret) as shop:
        with receiver() as url:
            yield await do_business(stack, shop, url)


async def test_no_text_of_anybody_runs(page: Page, stack: Stack, hostile: Hostile):
    """Every page of dashboard and checkout shows what people, programs and gateways wrote as text, whoever wrote it."""
    await sign_in(page, stack, OWNER)
    await open_home(page, stack)
    await name_devices(stack)
    links = await page.get_by_role("navigation").first.get_by_role("link").all()
    menu = [str(await link.get_attribute("href")) for link in links]
    shown = await _shown(page, [stack.dashboard_url + path for path in (*menu, *hostile.addresses())])
    missing = [name for name in IN_DASHBOARD if markup(name) not in shown]
    assert not missing, f"no page showed {missing}, so nothing is proved of them"
    assert E_MAIL in shown
    checkout = hostile.shop.page(await hostile.shop.order(receipt=markup("receipt")))
    topics = ("methods", "security", "faq", "troubleshooting", "terms")
    help_pages = [f"{checkout.partition('?')[0]}/help/{topic}?{checkout.partition('?')[2]}" for topic in topics]
    shown = await _shown(page, [checkout, hostile.shop.page(hostile.order), *help_pages])
    missing = [name for name in IN_CHECKOUT if markup(name) not in shown]
    assert not missing, f"no page showed {missing}, so nothing is proved of them"


async def _shown(page: Page, addresses: list[str]) -> str:
    """Visit pages, check that each took every text for text, and return all that they showed."""
    shown = ""
    for address in addresses:
        await page.goto(address)
        await page.get_by_role("heading", level=1).first.wait_for()
        await expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        shown += await page.evaluate("document.body.textContent")
        shown += "".join(
            await page.evaluate("[...document.querySelectorAll('input, textarea')].map(each => each.value)")
        )
        for sign in SEEN:
            assert await page.evaluate(sign) is None, address
    return shown


class _Elsewhere(BaseHTTPRequestHandler):
    """Any page of any other site."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """Serve another site; return its port. At 127.0.0.1 it is of the same site as the dashboard, at localhost not."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_no_page_can_be_framed(browser: Browser, stack: Stack, shop: Shop, elsewhere: int, host: str):
    """Clickjacking: a frame of another page stays empty, for the dashboard, a checkout page and the API's reference."""
    order = await shop.order()
    page = await (await browser.new_context()).new_page()
    for address in (f"{stack.dashboard_url}/login", shop.page(order), f"{stack.api_url}/docs"):
        await page.goto(f"http://{host}:{elsewhere}/")
        assert await _frame_of(page, address) == "chrome-error://chromewebdata/", address
    await page.context.close()


async def _frame_of(page: Page, address: str) -> str:
    """Frame an address in a page; return what the frame shows."""
    framed = """address => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.addEventListener("load", () => setTimeout(done, 200, frame.contentDocument === null));
        frame.src = address;
        document.body.append(frame);
    })"""
    await page.evaluate(framed, address)
    return page.frames[1].url


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_no_page_acts_for_somebody_who_is_signed_in(page: Page, stack: Stack, elsewhere: int, host: str):
    """CSRF: forms, simple requests and sockets of another page do nothing and read nothing, also on the same host."""
    email = f"victim-{host}@example.test"
    await add_member(stack, email, Role.OWNER)
    await sign_in(page, stack, email)
    await open_home(page, stack)
    attacker = await page.context.new_page()
    await attacker.goto(f"http://{host}:{elsewhere}/")
    tried = await attacker.evaluate(
        """async ([api, merchant]) => {
            const read = (path, options) => fetch(api + path, {credentials: "include", ...options})
                .then((answer) => answer.type === "opaque" ? "opaque" : "read", () => "refused");
            const plain = {method: "POST", mode: "no-cors", body: "{}", headers: {"Content-Type": "text/plain"}};
            const socket = new Promise((done) => {
                const live = new WebSocket(api.replace("http", "ws") + "/live?merchant_id=" + merchant);
                live.onmessage = () => done("heard");
                live.onclose = live.onerror = () => done("closed");
            });
            return [
                await read("/users/me", {}),
                await read("/users/me", {headers: {"X-Clearway-Request": "1"}}),
                await read("/auth/logout", plain),
                await read("/users/me/sessions", {method: "DELETE", headers: {"X-Clearway-Request": "1"}}),
                await read("/orders", {...plain, body: '{"amount": 1, "currency": "INR"}'}),
                await socket,
            ];
        }""",
        [f"{stack.dashboard_url}/api/v1", TEST_MERCHANT.merchant_id],
    )
    assert tried == ["refused", "refused", "opaque", "refused", "opaque", "closed"]
    action = f"{stack.dashboard_url}/api/v1/auth/logout"
    await attacker.set_content(f"<form method=post enctype=text/plain action='{action}'><button>Win</button></form>")
    await attacker.get_by_role("button").click()
    await attacker.wait_for_url(action)
    assert re.search("origin_not_allowed|session_missing", await attacker.content())
    await page.reload()
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()


async def test_scripts_cannot_read_the_session(page: Page, stack: Stack):
    """The cookie of the session is for the server only; what scripts may read opens nothing."""
    await add_member(stack, "cookie@example.test", Role.VIEWER)
    await sign_in_by_page(page, stack, "cookie@example.test")
    kept = {each["name"]: each for each in await page.context.cookies()}
    session = kept["clearway_session"]
    assert (session["httpOnly"], session["sameSite"], session["path"]) == (True, "Strict", "/")
    assert await page.evaluate("document.cookie") == "clearway_signed_in=1"
    stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert session["value"] not in stored
    assert session["value"].partition(".")[2] not in stored


@pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example", "/.//evil.example", "/\\evil.example"])
async def test_a_log_in_leads_to_no_other_site(page: Page, stack: Stack, after: str):
    """Open redirect: `next` is a path of the dashboard, whatever the link says, and the log-in works all the same."""
    await page.goto(f"{stack.dashboard_url}/login?next={after}")
    await page.get_by_label("E-mail address").fill(OWNER_EMAIL)
    await page.get_by_label("Password").fill(OWNER_PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()
    assert page.url == f"{stack.dashboard_url}/"


async def test_a_checkout_leads_to_no_other_site(page: Page, shop: Shop):
    """Open redirect: a paid page links back to the merchant's own pages only, never to what the address names."""
    order = await shop.order()
    body = {"order_id": order, "method": "upi", "vpa": "success@razorpay"}
    (await shop.api.post("/payments", json=body)).raise_for_status()
    for named in ("https://evil.example/", "javascript:alert(1)", "//evil.example", "http://localhost@evil.example/"):
        await page.goto(shop.page(order, return_url=named))
        await expect(page.get_by_test_id("payment-status")).to_have_attribute("data-status", "success")
        assert await page.get_by_test_id("return-link").count() == 0, named
        assert "evil.example" not in await page.locator("#stage").inner_html()


async def test_the_log_in_page_complains_of_nothing(page: Page, stack: Stack):
    """Somebody without a session is led to the log-in without a request that must fail; the console stays empty."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(f"{stack.dashboard_url}/payments")
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert said == []
