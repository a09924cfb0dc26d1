"""Three origins for the SDK's tests: a shop, a checkout that serves the real SDK, and a stranger.

Tests drive the page of the checkout: it behaves by the order's id. The shop is at `localhost`, it at `127.0.0.1`:
for a browser these are two sites, so cookies and storage of the frame are a third party's.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from api.hosted.sdk.routes import router
from clearway.dev.ports import Ports

SLOW_S: Final = 5.0
FRAME: Final = """<!doctype html><meta name="viewport" content="width=device-width"><title>Checkout</title>
<h1>Order {order}</h1><button id="pay">Pay</button>
<form method="post"><button id="next">Next page</button></form>
<script>
"use strict";
const {{n}} = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const shop = {origin};
document.forms[0].action = location.href;
let port;
window.say = (message) => port.postMessage(message);
window.ready = new Promise((done) => addEventListener("message", (event) => {{
  if (event.source !== parent || event.origin !== shop || event.data?.n !== n || port) return;
  port = event.ports[0];
  done();
}}));
addEventListener("keydown", (event) => {{ if (event.key === "Escape") say({{type: "escape"}}); }});
window.storage = "works";
try {{ localStorage.length }} catch {{ window.storage = "blocked"; }}
if ({speaks} && parent !== self) {{
  parent.postMessage({{type: "clearway:hello", n: {nonce}}}, shop);
  ready.then(() => say({{type: "loaded"}}));
}}
</script>{more}"""
SHOP: Final = """<!doctype html><meta name="viewport" content="width=device-width">
<title>Shop</title><link rel="icon" href="data:,">
<h1>Shop</h1><button id="buy">Buy</button><div id="tall"></div>
{script}<script src="/shop.js"></script>"""
SHOP_SCRIPT: Final = """"use strict";
document.getElementById("tall").style.height = "300vh";
window.heard = [];
window.errors = [];
addEventListener("error", (event) => errors.push(event.message));
addEventListener("securitypolicyviolation", (event) => errors.push(`${event.effectiveDirective} ${event.blockedURI}`));
const types = ["loaded", "confirmed", "pending", "success", "failure", "redirect", "fallback", "beforeclose", "close"];
window.make = (options) => {
  const gateway = new PaymentGateway({ key: "key_test_abc123", orderId: "order_plain", ...options });
  for (const type of types) gateway.addEventListener(type, (event) => heard.push([type, event.detail]));
  return gateway;
};
document.getElementById("buy").onclick = () => {
  window.gateway = make(window.options);
  gateway.open();
};
for (const type of ["success", "close"])
  document.addEventListener(`clearway:${type}`, (event) => heard.push([event.type, event.detail]));
"""


@dataclass(frozen=True)
class Site:
    """The origins."""

    shop: str
    checkout: str
    stranger: str


def _checkout(strangers: str) -> FastAPI:
    app = FastAPI()
    app.include_router(router)

    @app.api_route("/checkout/{order}", methods=["GET", "POST"])
    async def page(request: Request, order: str) -> HTMLResponse:
        framed = "embed" in request.query_params
        if order == "order_slow" and framed:
            await asyncio.sleep(SLOW_S)
        origin = request.query_params.get("origin", "")
        allowed = origin if framed and order != "order_refused" else "'none'"
        more = f'<iframe id="inner" src="{strangers}/blank"></iframe>' if order == "order_nested" else ""
        text = FRAME.format(
            order=html.escape(order),
            origin=f'"{html.escape(origin)}"',
            speaks=str(order != "order_silent").lower(),
            nonce='"guessed"' if order == "order_guessing" else "n",
            more=more,
        )
        return HTMLResponse(text, headers={"Content-Security-Policy": f"frame-ancestors {allowed}"})

    @app.get("/bank")
    async def bank() -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>Bank</title>")

    return app


def _shop(checkout: str) -> FastAPI:
    app = FastAPI()
    allowed = f"default-src 'none'; script-src 'self' {checkout}; frame-src {checkout}; img-src data:; style-src 'none'"

    @app.get("/shop.js")
    async def script() -> HTMLResponse:
        return HTMLResponse(SHOP_SCRIPT, media_type="text/javascript")

    @app.get("/{path:path}")
    async def page(path: str, tag: str = "", integrity: str = "", policy: str = "on", copies: int = 1) -> HTMLResponse:
        address = f"{checkout}/sdk/{'1.0.0' if integrity else 'v1'}/checkout.js"
        more = f' integrity="{html.escape(integrity)}" crossorigin="anonymous"' if integrity else ""
        if tag:
            more += f' data-key="key_test_abc123" data-order-id="order_plain" {tag}'
        scripts = f'<script src="{address}"{more}></script>' * copies
        headers = {"Content-Security-Policy": allowed} if policy == "on" else {}
        return HTMLResponse(SHOP.format(script=scripts), headers=headers)

    return app


def _stranger(shop: str) -> FastAPI:
    app = FastAPI()

    @app.get("/blank")
    async def blank() -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>Stranger</title>")

    @app.get("/framing")
    async def framing() -> HTMLResponse:
        return HTMLResponse(f'<!doctype html><title>Stranger</title><iframe id="victim" src="{shop}/"></iframe>')

    return app


@asynccontextmanager
async def serve() -> AsyncIterator[Site]:
    """Serve the three until the end."""
    ports = Ports.free_numbers(3)
    site = Site(f"http://localhost:{ports[0]}", f"http://127.0.0.1:{ports[1]}", f"http://127.0.0.1:{ports[2]}")
    apps = (_shop(site.checkout), _checkout(site.stranger), _stranger(site.shop))
    servers = [
        uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
        for app, port in zip(apps, ports, strict=True)
    ]
    tasks = [asyncio.create_task(server._serve()) for server in servers]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.02)
    try:
        yield site
    finally:
        for server in servers:
            server.should_exit = True
            server.force_exit = True
        await asyncio.gather(*tasks)
