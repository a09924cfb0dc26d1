"""The sample shop: creates orders with the secret key, and believes a payment when its webhook is verified.

It is what a merchant would write, so it uses nothing of Clearway but the public API. Orders are kept in memory.
"""

from __future__ import annotations

import html
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, Self

import httpx
from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

PAGE: Final = Path(__file__).with_name("page") / "shop.html"
ORDERS_MAX: Final = 500
API_TIMEOUT_S: Final = 10.0
TRIES: Final = 2
"""A repeat with the same Idempotency-Key is safe: it creates no second order."""


@dataclass(frozen=True)
class Product:
    """What is for sale. amount: in minor units."""

    id: str
    name: str
    text: str
    amount: int
    currency: str = "INR"


PRODUCTS: Final = (
    Product("coffee", "Filter coffee", "250 g, roasted last week in Chikmagalur.", 45_000),
    Product("notebook", "Notebook", "Dotted, 160 pages, lies flat.", 24_900),
    Product("lamp", "Desk lamp", "Warm light, brass, two years of warranty.", 349_900),
)


@dataclass(frozen=True)
class ShopSettings:
    """Where Clearway is, and the shop's key there. The defaults are those of `make dev`, and published."""

    api_url: str = "http://127.0.0.1:8000"
    checkout_url: str = "http://127.0.0.1:3001"
    dashboard_url: str = "http://127.0.0.1:3000"
    api_key: str = "key_test_abc123"
    api_secret: str = "secret_test_xyz789"  # noqa: S105 - published, for development

    @classmethod
    def from_environment(cls) -> Self:
        """Read `SHOP_API_URL`, `SHOP_CHECKOUT_URL`, `SHOP_DASHBOARD_URL`, `SHOP_API_KEY` and `SHOP_API_SECRET`."""
        names = cls.__dataclass_fields__
        return cls(**{name: text for name in names if (text := os.environ.get(f"SHOP_{name.upper()}"))})


@dataclass(frozen=True)
class Seen:
    """A verified webhook about an order."""

    type: str
    event_id: str
    payment_id: str
    at: str
    checked: str
    """What the shop compared, and with which result."""


@dataclass
class Order:
    """One purchase. Only a verified webhook changes its status."""

    id: str
    product: Product
    amount: int
    currency: str
    status: Literal["unpaid", "paid", "failed"] = "unpaid"
    events: list[Seen] = field(default_factory=list)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take a verified event. A repeated one changes nothing, and what is paid stays paid."""
        if any(seen.event_id == event["id"] for seen in self.events):
            return
        data, kind = event["data"], str(event["type"])
        checked = "Signature verified."
        if kind == "payment.success":
            if (data["amount"], data["currency"]) == (self.amount, self.currency):
                self.status, checked = "paid", "Signature, order, amount and currency verified: paid."
            else:
                checked = "Signature verified, but the amount is not that of the order: not paid."
        elif kind in {"payment.failed", "payment.expired"} and self.status == "unpaid":
            self.status = "failed"
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.events.append(Seen(kind, str(event["id"]), str(data["id"]), now, checked))


class Purchase(BaseModel):
    """What the page asks for. The price is the server's: a browser could send any."""

    model_config = ConfigDict(extra="forbid")

    product: str


class Shop:
    """The orders of this shop, newest last."""

    def __init__(self, settings: ShopSettings) -> None:
        self.settings = settings
        self._orders: dict[str, Order] = {}

    async def create(self, product: Product) -> Order:
        """Create the order at Clearway, with the secret key; HTTPException when that does not work."""
        made = await self._call({"amount": product.amount, "currency": product.currency, "receipt": product.name})
        order = Order(str(made["id"]), product, product.amount, product.currency)
        self._orders[order.id] = order
        while len(self._orders) > ORDERS_MAX:
            del self._orders[next(iter(self._orders))]
        return order

    def find(self, order_id: str) -> Order:
        """Return the order; HTTPException when the shop has none of that id."""
        if order_id not in self._orders:
            text = "The shop does not know this order. It keeps orders in memory, and may have been restarted."
            raise HTTPException(HTTPStatus.NOT_FOUND, text)
        return self._orders[order_id]

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take an event whose signature was verified; one about no order of this shop is not its business."""
        data = event.get("data")
        order = self._orders.get(str(data.get("order_id"))) if isinstance(data, dict) else None
        if order is not None and {"id", "amount", "currency"} <= set(data or ()):
            order.apply(event)

    def shown(self, order: Order) -> dict[str, Any]:
        """Return what the page may know. The id of the key is public; its secret never leaves the server."""
        return {**asdict(order), "key": self.settings.api_key, "dashboard": self.settings.dashboard_url}

    async def _call(self, body: Mapping[str, Any]) -> dict[str, Any]:
        settings = self.settings
        headers = {
            "X-Api-Key": settings.api_key,
            "X-Api-Secret": settings.api_secret,
            "Idempotency-Key": str(uuid.uuid4()),
        }
        async with httpx.AsyncClient(timeout=API_TIMEOUT_S, trust_env=False) as client:
            for _ in range(TRIES):
                try:
                    answer = await client.post(f"{settings.api_url}/api/v1/orders", json=body, headers=headers)
                except httpx.TransportError:
                    continue
                if answer.is_success:
                    made: dict[str, Any] = answer.json()
                    return made
                raise HTTPException(HTTPStatus.BAD_GATEWAY, f"Clearway refused the order ({answer.status_code}).")
        raise HTTPException(HTTPStatus.BAD_GATEWAY, "Clearway does not answer, so there is no order. Try again.")


def page_policy(checkout_url: str) -> str:
    """Return the Content-Security-Policy of a page with the SDK: own files, and script and frame of the checkout."""
    return (
        f"default-src 'none'; script-src 'self' {checkout_url}; frame-src {checkout_url}; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def add_shop(app: FastAPI, shop: Shop) -> None:
    """Add the shop's page, and what it asks its server for."""
    products = {product.id: product for product in PRODUCTS}
    checkout = shop.settings.checkout_url
    headers = {"Content-Security-Policy": page_policy(checkout), "Cache-Control": "no-cache"}

    @app.get("/")
    @app.get("/orders/{_order_id}")
    async def page() -> HTMLResponse:
        text = PAGE.read_text("utf-8").replace("{checkout}", html.escape(checkout))
        return HTMLResponse(text, headers=headers)

    @app.get("/products")
    async def sold() -> list[Product]:
        return list(PRODUCTS)

    @app.post("/orders", status_code=HTTPStatus.CREATED)
    async def buy(purchase: Purchase) -> dict[str, Any]:
        if purchase.product not in products:
            raise HTTPException(HTTPStatus.NOT_FOUND, "The shop does not sell this.")
        return shop.shown(await shop.create(products[purchase.product]))

    @app.get("/orders/{order_id}/state")
    async def state(order_id: str) -> dict[str, Any]:
        return shop.shown(shop.find(order_id))
