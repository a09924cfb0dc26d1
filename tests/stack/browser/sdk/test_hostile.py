"""Hostile pages and bad networks: who may speak, where a refused, silent or slow frame leads, leaving in the middle."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.stack.browser.sdk.opened import PAID, Shop
from tests.stack.browser.sdk.site import SLOW_S, Site
from tests.stack.browser.waits import until

STEAL_NONCE = "document.querySelector('[data-testid=payment-iframe]').src.split('#n=')[1]"
COUNT_CHANNELS = """() => {
    window.channels = 0;
    const Former = MessageChannel;
    window.MessageChannel = class extends Former { constructor() { super(); channels += 1; } };
}"""
LATE_HELLO = """([origin, n]) => dispatchEvent(new MessageEvent("message", {
    origin,
    source: document.querySelector("[data-testid=payment-iframe]").contentWindow,
    data: {type: "clearway:hello", n},
}))"""


async def test_the_frame_has_no_storage_here(page: Page, site: Site) -> None:
    """These tests run as a private window does: the frame of another site has neither storage nor cookies."""
    shop = await Shop.visit(page, site)
    frame = await shop.open()
    assert await frame.evaluate("storage") == "blocked"


async def test_the_shops_own_window_cannot_speak_for_the_page(page: Page, site: Site) -> None:
    """A message of the shop's window is dropped, even with the nonce: neither origin nor source is the frame's."""
    shop = await Shop.visit(page, site)
    await shop.open()
    await page.evaluate(f"postMessage({{type: 'clearway:hello', n: {STEAL_NONCE}}}, '*')")
    await page.evaluate("message => postMessage(message, '*')", PAID)
    await page.wait_for_timeout(200)
    assert await shop.heard() == ["loaded"]


async def test_results_count_over_the_port_only(page: Page, site: Site) -> None:
    """The page's own window is not believed outside of the port."""
    shop = await Shop.visit(page, site)
    frame = await shop.open()
    await frame.evaluate("message => parent.postMessage(message, '*')", PAID)
    await page.wait_for_timeout(200)
    assert await shop.heard() == ["loaded"]


async def test_a_frame_with_another_nonce_gets_no_port(page: Page, site: Site) -> None:
    """A page of the right origin in the right window has to know the nonce of its address."""
    await page.clock.install()
    shop = await Shop.visit(page, site)
    await shop.buy(orderId="order_guessing")
    await page.get_by_test_id("payment-iframe").wait_for(state="attached")
    await page.frame_locator("[data-testid=payment-iframe]").locator("h1").wait_for(state="attached")
    assert (
        await shop.frame.evaluate("Promise.race([ready, new Promise(done => setTimeout(done, 300, 'no port'))])")
        == "no port"
    )
    assert await shop.heard() == []


async def test_a_stranger_beside_the_frame_gets_no_port(page: Page, site: Site) -> None:
    """Another frame of the shop's page, say an advertisement, is not the frame: its origin and its window differ."""
    shop = await Shop.visit(page, site)
    await page.evaluate("window.gateway = undefined")
    await shop.open()
    nonce = await page.evaluate(STEAL_NONCE)
    popup = await page.context.new_page()
    await popup.goto(f"{site.stranger}/framing")
    victim = popup.frames[1]
    await victim.wait_for_load_state()
    await victim.evaluate("window.gateway = make(); gateway.open()")
    await popup.evaluate(
        "n => document.getElementById('victim').contentWindow.postMessage({type: 'clearway:hello', n}, '*')", nonce
    )
    await popup.wait_for_timeout(200)
    assert "loaded" not in await victim.evaluate("heard.map(([type]) => type)")
    await popup.close()


async def test_a_frame_inside_the_page_cannot_speak_for_it(page: Page, site: Site) -> None:
    """A frame in the frame, say a bank's, has another window: its hello is dropped, and so is its result."""
    shop = await Shop.visit(page, site)
    frame = await shop.open(orderId="order_nested")
    nonce = await page.evaluate(STEAL_NONCE)
    inner = next(each for each in page.frames if each.url == f"{site.stranger}/blank")
    await inner.evaluate("n => top.postMessage({type: 'clearway:hello', n}, '*')", nonce)
    await inner.evaluate("message => top.postMessage(message, '*')", PAID)
    await page.wait_for_timeout(200)
    assert await shop.heard() == ["loaded"]
    # The page itself still has its port.
    await frame.evaluate("say({type: 'expired'})")
    await shop.detail("failure")


async def test_another_window_of_the_checkout_cannot_take_its_place(page: Page, site: Site) -> None:
    """A second frame of the checkout's origin, even with the nonce, does not cut off the page in the modal."""
    shop = await Shop.visit(page, site)
    frame = await shop.open()
    nonce = await page.evaluate(STEAL_NONCE)
    await page.evaluate(
        "url => document.body.append(Object.assign(document.createElement('iframe'), {id: 'second', src: url}))",
        f"{site.checkout}/checkout/order_second?embed=1&origin={site.shop}",
    )
    await page.frame_locator("#second").locator("h1").wait_for(state="attached")
    second = next(each for each in page.frames if "order_second" in each.url)
    await second.evaluate("n => parent.postMessage({type: 'clearway:hello', n}, '*')", nonce)
    await page.wait_for_timeout(200)
    await frame.evaluate("say({type: 'expired'})")
    await shop.detail("failure")


async def test_a_page_that_went_elsewhere_gets_no_port(page: Page, site: Site) -> None:
    """A stranger's page in the frame, which a redirect gave the nonce of the address, is not the checkout.

    It is not even answered. A hello that the checkout sent before it was replaced is answered to the checkout only.
    """
    shop = await Shop.visit(page, site, "/?policy=off")
    frame = await shop.open()
    nonce = await page.evaluate(STEAL_NONCE)
    await frame.evaluate("url => { location.href = url }", f"{site.stranger}/blank#n={nonce}")
    await frame.wait_for_url(f"{site.stranger}/blank*")
    await page.evaluate(COUNT_CHANNELS)
    await frame.evaluate("addEventListener('message', () => { window.got = 'a port' })")
    await frame.evaluate("n => parent.postMessage({type: 'clearway:hello', n}, '*')", nonce)
    await page.wait_for_timeout(200)
    assert await page.evaluate("channels") == 0
    await page.evaluate(LATE_HELLO, [site.checkout, nonce])
    await until(page, "channels === 1")
    await page.wait_for_timeout(200)
    assert await frame.evaluate("window.got ?? 'nothing'") == "nothing"


async def test_a_page_that_loads_another_stays_connected(page: Page, site: Site) -> None:
    """A form in the frame loads a new document, which says hello with the same nonce and gets a port of its own."""
    shop = await Shop.visit(page, site)
    frame = await shop.open()
    await frame.evaluate("window.former = true")
    await frame.click("#next")
    await until(frame, "!window.former && Boolean(window.ready)")
    await frame.evaluate("ready")
    await shop.say(type="expired")
    assert await shop.detail("failure")


async def test_nonsense_over_the_port_is_dropped(page: Page, site: Site) -> None:
    """What the SDK does not know, and what is no message, changes nothing."""
    shop = await Shop.visit(page, site)
    frame = await shop.open()
    for text in ("null", "7", "'success'", "[]", "{}", "{type: 'constructor'}", "{type: 'resize', height: 'x'}"):
        await frame.evaluate(f"say({text})")
    await frame.evaluate("say({type: 'resize', height: -1})")
    await shop.say(type="expired")
    await shop.detail("failure")
    assert await shop.heard() == ["loaded", "failure"]
    assert (await shop.modal.bounding_box())["height"] > 200


async def test_a_refused_frame_leads_to_the_full_page(page: Page, site: Site) -> None:
    """`frame-ancestors` refuses in silence: the customer is led to the full page, without a nonce."""
    shop = await Shop.visit(page, site)
    await shop.buy(orderId="order_refused", returnUrl=f"{site.shop}/orders/7")
    await page.wait_for_url(f"{site.checkout}/checkout/order_refused?*")
    assert "embed" not in page.url
    assert "#" not in page.url
    assert "return_url" in page.url
    await page.go_back()
    assert page.url == f"{site.shop}/"


async def test_a_silent_frame_leads_to_the_full_page(page: Page, site: Site) -> None:
    """A frame whose page never says hello, as where scripts are blocked, leads to the full page too."""
    shop = await Shop.visit(page, site)
    await shop.buy(orderId="order_silent")
    await page.wait_for_url(f"{site.checkout}/checkout/order_silent?*")


async def test_a_shop_may_refuse_the_full_page(page: Page, site: Site) -> None:
    """`fallback` can be prevented: the shop is told the address, and may close the modal."""
    shop = await Shop.visit(page, site)
    await shop.buy(orderId="order_refused")
    await page.evaluate("gateway.addEventListener('fallback', event => event.preventDefault())")
    assert (await shop.detail("fallback"))["url"].startswith(f"{site.checkout}/checkout/order_refused?")
    assert await page.evaluate("gateway.close()")
    await shop.expect_closed()
    assert page.url == f"{site.shop}/"


async def test_a_slow_frame_is_waited_for(page: Page, site: Site) -> None:
    """On a slow network the customer waits in the modal: it does not go to the full page, which would be as slow."""
    shop = await Shop.visit(page, site)
    await shop.buy(orderId="order_slow")
    await expect(shop.modal).to_have_attribute("aria-busy", "true")
    await expect(shop.modal).to_have_attribute("aria-busy", "false", timeout=(SLOW_S + 5) * 1_000)
    assert await shop.heard() == ["loaded"]


async def test_a_frame_that_never_loads_leads_to_the_full_page(page: Page, site: Site) -> None:
    """After ten seconds without a page the SDK gives the frame up."""
    await page.clock.install()
    await page.route("**/checkout/order_plain?*embed*", lambda _: None)
    shop = await Shop.visit(page, site)
    await shop.buy()
    await page.clock.run_for(9_000)
    assert await shop.heard() == []
    await page.clock.run_for(1_500)
    await page.wait_for_url(f"{site.checkout}/checkout/order_plain?*")


async def test_leaving_in_the_middle_leaves_nothing_behind(page: Page, site: Site) -> None:
    """A modal that is closed while its page still loads neither comes back nor leads anywhere later."""
    await page.clock.install()
    shop = await Shop.visit(page, site)
    await shop.buy(orderId="order_slow")
    await page.get_by_test_id("close-modal-button").click()
    await page.clock.run_for(1_000)
    await shop.expect_closed()
    await page.clock.run_for(120_000)
    assert page.url == f"{site.shop}/"
    assert await shop.heard() == ["beforeclose", "close"]


async def test_a_shop_in_a_strangers_frame_cannot_take_a_payment(page: Page, site: Site) -> None:
    """Every page around the checkout has to be allowed: in a stranger's frame there is neither modal nor full page."""
    await page.goto(f"{site.stranger}/framing")
    victim = page.frames[1]
    await victim.wait_for_load_state()
    await victim.evaluate("window.gateway = make(); gateway.open()")
    await page.wait_for_timeout(4_000)
    assert page.url == f"{site.stranger}/framing"
    assert await page.frame_locator("#victim").get_by_role("heading", name="Order").count() == 0
