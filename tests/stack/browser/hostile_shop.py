"""A merchant of its own whose every text is markup, and the customer, gateway, receiver and member with such texts.

Each text carries a name, so that a test can tell which of them a page has shown.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from sqlalchemy import update

from clearway.db.engine import create_engine
from clearway.db.seed import Credentials, seed_merchant
from clearway.db.tables import payment_attempts, payments, sessions
from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import Settings
from tests.stack.browser.people import add_member
from tests.stack.browser.shop import Shop
from tests.stack.e2e.merchant import eventually

HOSTILE: Final = Credentials(
    "mer_00000000000000000000h0st1e", "Hostile", "key_test_hostile789", "secret_test_hostile789"
)
OWNER: Final = "hostile@example.test"


def markup(name: str) -> str:
    """Return a text that would run a script on a page that took it for its own."""
    return f"'\"><img src=x onerror=hit=1>{name}"


E_MAIL: Final = "'\"><img/src=x/onerror=hit=1>mail@example.test"
SEEN: Final = ("window.hit", "document.querySelector('img[src=x], svg[onload], iframe[srcdoc]')?.outerHTML")
"""What a page that ran or drew such a text has."""


@dataclass(frozen=True)
class Hostile:
    """What was made, by its id."""

    shop: Shop
    order: str
    payment: str
    failed: str
    refund: str
    endpoint: str
    delivery: str
    gateway: str
    event: str

    def addresses(self) -> list[str]:
        """Return the pages of the dashboard about each of them."""
        return [
            f"/orders/{self.order}",
            f"/payments/{self.payment}",
            f"/payments/{self.failed}",
            f"/refunds/{self.refund}",
            f"/webhooks/{self.endpoint}",
            f"/webhooks/deliveries/{self.delivery}",
            f"/gateways/{self.gateway}",
            f"/events/{self.event}",
            f"/customers?id={markup('customer-id')}",
            "/account?tab=sessions",
            "/account?tab=security",
        ]


class _Receiver(BaseHTTPRequestHandler):
    """Answers a webhook with markup in its body and headers."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(500)
        self.send_header("content-type", "text/html")
        self.send_header("x-said", markup("answer-header"))
        self.end_headers()
        self.wfile.write(markup("answer-body").encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def receiver() -> Iterator[str]:
    """Run the receiver; yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hooks"
        server.shutdown()
        thread.join()


async def do_business(stack: Stack, shop: Shop, receiver_url: str) -> Hostile:
    """Let everybody say what they can."""
    await _post(shop, "PATCH", "/settings", _settings())
    gateway = (await shop.read("/gateways"))["data"][0]["id"]
    await _post(shop, "PATCH", f"/gateways/{gateway}", {"name": markup("gateway-name")})
    endpoint = await _post(
        shop, "POST", "/webhook_endpoints", {"url": receiver_url, "description": markup("endpoint-text")}
    )
    await _post(shop, "POST", "/api_keys", {"name": markup("key-name")})
    paid, failed = await _pay(shop, "success@razorpay", "success"), await _pay(shop, "failure@razorpay", "failed")
    refund = await _post(
        shop, "POST", f"/payments/{paid['id']}/refunds", {"amount": 100, "reason": markup("refund-reason")}
    )
    await _write(stack, failed["id"])
    deliveries = await eventually(
        lambda: shop.read(f"/payments/{paid['id']}/webhooks"),
        lambda listed: listed["data"] and all(one["attempt_count"] for one in listed["data"]),
    )
    history = (await shop.read(f"/payments/{paid['id']}/history"))["data"]
    return Hostile(
        shop=shop,
        order=paid["order_id"],
        payment=paid["id"],
        failed=failed["id"],
        refund=refund["id"],
        endpoint=endpoint["id"],
        delivery=deliveries["data"][0]["id"],
        gateway=gateway,
        event=history[0]["event_id"],
    )


async def add_merchant(stack: Stack) -> None:
    """Add the merchant, and an owner with such a name."""
    settings = Settings(database_url=stack.database_url)
    engine = create_engine(settings, application_name="tests-browser")
    try:
        async with engine.begin() as connection:
            await seed_merchant(connection, settings, HOSTILE)
    finally:
        await engine.dispose()
    await add_member(stack, OWNER, Role.OWNER, markup("member-name"), account=HOSTILE)


async def name_devices(stack: Stack) -> None:
    """Let every session be of a device with such a name."""
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    try:
        async with engine.begin() as connection:
            await connection.execute(update(sessions).values(device=markup("device")))
    finally:
        await engine.dispose()


def _settings() -> dict[str, Any]:
    texts = {topic: markup(f"help-{topic}") for topic in ("methods", "security", "faq", "troubleshooting", "terms")}
    return {"name": markup("shop-name"), "checkout": {"help_texts": texts, "support_email": E_MAIL}}


async def _pay(shop: Shop, vpa: str, status: str) -> dict[str, Any]:
    order = await shop.order(receipt=markup("receipt"), notes={markup("note-key"): markup("order-note")})
    customer = {"id": markup("customer-id"), "name": markup("customer-name"), "email": E_MAIL}
    body = {"order_id": order, "method": "upi", "vpa": vpa, "customer": customer}
    made = await _post(shop, "POST", "/payments", body | {"notes": {markup("key"): markup("payment-note")}})
    return await eventually(lambda: shop.read(f"/payments/{made['id']}"), lambda found: found["status"] == status)


async def _write(stack: Stack, payment_id: str) -> None:
    """Let the gateway have said such a text of the payment that failed."""
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    said = {"error_description": markup("gateway-message")}
    try:
        async with engine.begin() as connection:
            await connection.execute(update(payments).where(payments.c.id == payment_id).values(said))
            await connection.execute(
                update(payment_attempts).where(payment_attempts.c.payment_id == payment_id).values(said)
            )
    finally:
        await engine.dispose()


async def _post(shop: Shop, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await shop.api.request(method, path, json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())
