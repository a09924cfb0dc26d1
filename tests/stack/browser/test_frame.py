"""The checkout in a shop's frame: it speaks to the page that may frame it, and to nobody else."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import Page

from tests.stack.browser.shop import Shop
from tests.stack.browser.waits import until

HOST = """<!doctype html><title>Shop</title><iframe id="frame" title="Payment" width="500" height="900"></iframe>
<script>
window.heard = []; window.hellos = [];
addEventListener('message', (event) => {
  window.hellos.push([event.origin, event.data]);
  if (event.data.type !== 'clearway:hello' || window.answerWith === 'nothing') return;
  const channel = new MessageChannel();
  channel.port1.onmessage = (said) => window.heard.push(said.data);
  const n = window.answerWith || event.data.n;
  event.source.postMessage({type: 'clearway:port', n}, event.origin, [channel.port2]);
});
</script>"""

HAND_OVER = """(list) => {
  const channel = new MessageChannel();
  channel.port1.onmessage = (said) => list.push(said.data);
  document.getElementById('frame').contentWindow.postMessage({type: 'clearway:port', n: 'right'}, '*', [channel.port2]);
}"""
OF_ANOTHER_FRAME = f"""() => {{
  window.stolen = [];
  const other = document.body.appendChild(document.createElement('iframe')).contentWindow;
  other.document.getElementById = (id) => document.getElementById(id);
  other.eval({HAND_OVER!r})(window.stolen);
}}"""
OF_ANOTHER_ORIGIN = """() => {
  window.stolen = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = (said) => window.stolen.push(said.data);
  const said = {data: {type: 'clearway:port', n: 'right'}, ports: [channel.port2]};
  dispatchEvent(new MessageEvent('message', {source: parent, origin: 'https://evil.example', ...said}));
}"""
Framed = Callable[..., Awaitable[Page]]


class _Host(BaseHTTPRequestHandler):
    """Serves the shop's page. A made-up answer would not do: browsers let no page of elsewhere frame this machine."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(HOST.encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def shop_origin() -> Iterator[str]:
    """Serve a shop's page on another site than the checkout."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Host) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
async def framed(page: Page, shop_origin: str) -> Framed:
    """Open a shop's page that frames an address."""

    async def open_page(address: str, *, answer_with: str = "") -> Page:
        await page.goto(f"{shop_origin}/")
        show = "([a, n]) => { window.answerWith = n; document.getElementById('frame').src = a; }"
        await page.evaluate(show, [address, answer_with])
        return page

    return open_page


async def heard(page: Page, kind: str) -> dict:
    """Wait for a message over the port, and return it."""
    await until(page, "kind => window.heard.some(m => m.type === kind)", arg=kind)
    return await page.evaluate("kind => window.heard.find(m => m.type === kind)", kind)


async def test_a_payment_in_a_frame_is_told_to_the_shop(framed: Framed, shop: Shop, shop_origin: str):
    """The frame greets with the nonce, tells its height, locks, and hands over a signed result."""
    order = await shop.order()
    address = shop.page(order, embed="1", origin=shop_origin, return_url=f"{shop_origin}/thanks?cart=7")
    page = await framed(f"{address}#n=nonce-1")
    assert (await heard(page, "resize"))["height"] > 300
    frame = page.frame_locator("#frame")
    await frame.get_by_test_id("method-upi").click()
    await frame.locator("[name=vpa]").fill("success@razorpay")
    await frame.get_by_test_id("pay-button").click()
    await heard(page, "confirmed")
    result = await heard(page, "success")
    assert result["order_id"] == order
    assert result["return_url"].startswith(f"{shop_origin}/thanks?cart=7&payment_id=")
    assert len(result["signature"]) == 64
    await frame.locator("body").press("Escape")
    await heard(page, "escape")


async def test_a_bank_page_is_opened_by_the_shop(framed: Framed, shop: Shop, shop_origin: str):
    """The frame never navigates the top: it asks the shop's page to."""
    order = await shop.order()
    page = await framed(shop.page(order, embed="1", origin=shop_origin) + "#n=nonce-2")
    frame = page.frame_locator("#frame")
    await frame.get_by_test_id("method-netbanking").click()
    await frame.locator("[name=bank]").select_option("PAGE")
    await frame.get_by_test_id("pay-button").click()
    said = await heard(page, "redirect")
    assert said["kind"] == "bank"
    assert "/bank/" in said["url"]
    assert page.url == f"{shop_origin}/"


async def test_a_wrong_nonce_gets_no_message(framed: Framed, shop: Shop, shop_origin: str):
    """A port that comes with another nonce is not used."""
    order = await shop.order()
    page = await framed(shop.page(order, embed="1", origin=shop_origin) + "#n=right", answer_with="wrong")
    await until(page, "() => window.hellos.length > 0")
    frame = page.frame_locator("#frame")
    await frame.get_by_test_id("method-upi").click()
    await frame.locator("[name=vpa]").fill("failure@razorpay")
    await frame.get_by_test_id("pay-button").click()
    await frame.locator("[data-testid=payment-status][data-status=failed]").wait_for()
    assert await page.evaluate("() => window.heard") == []


async def test_only_the_shops_own_page_hands_over_a_port(framed: Framed, shop: Shop, shop_origin: str):
    """Another frame of the shop's page, and a page of another origin, are not heard, even with the nonce."""
    order = await shop.order()
    page = await framed(shop.page(order, embed="1", origin=shop_origin) + "#n=right", answer_with="nothing")
    await until(page, "() => window.hellos.length > 0")
    checkout = next(each for each in page.frames if each.url.startswith(shop.page(order).partition("?")[0]))
    await page.evaluate(OF_ANOTHER_FRAME)
    await checkout.evaluate(OF_ANOTHER_ORIGIN)
    await page.evaluate(f"() => ({HAND_OVER})(window.heard)")
    await heard(page, "loaded")
    assert await page.evaluate("() => window.stolen") == []
    assert await checkout.evaluate("() => window.stolen") == []


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:4998", ""])
async def test_another_page_cannot_frame_it(shop: Shop, page: Page, origin: str):
    """The header allows the named origin only, and none that the merchant has not allowed; plain pages allow none."""
    order = await shop.order()
    address = shop.page(order, embed="1", origin=origin) if origin else shop.page(order)
    answer = await page.request.get(address)
    policy = answer.headers["content-security-policy"]
    ancestors = policy.split("frame-ancestors ")[1]
    assert ancestors == (origin if origin.startswith("http://localhost") else "'none'")
