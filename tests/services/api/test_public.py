"""The public routes: enough for a checkout page, nothing more, limited by address."""

from __future__ import annotations

import httpx
import pytest

from api.app import create_app
from clearway.settings import Settings
from tests.services.api.conftest import Caller, Payer, changed, client_of


async def test_an_order_shows_what_a_customer_needs_and_no_more(caller: Caller, anonymous: httpx.AsyncClient) -> None:
    """Amount, currency, status, end and the merchant's name; no receipt, no notes."""
    order_id = await caller.order(receipt="R-1", notes={"margin": "40 %"})
    shown = await anonymous.get(f"/orders/{order_id}/public")
    assert shown.json() == {
        "id": order_id,
        "object": "order",
        "amount": 50_000,
        "currency": "INR",
        "status": "created",
        "expires_at": None,
        "merchant_name": "A Shop",
    }


async def test_a_customer_pays_without_a_key(payer: Payer, anonymous: httpx.AsyncClient) -> None:
    """A customer who has the order's id can pay it; no answer shows data of the merchant."""
    order_id = await payer.order()
    body = {"order_id": order_id, "method": "upi", "vpa": "success@razorpay"}
    made = await anonymous.post("/payments/public", json=body)
    assert made.status_code == 201, made.text
    assert set(made.json()) == {
        *("id", "object", "order_id", "amount", "currency", "status", "method"),
        *("next_action", "error_code", "error_description", "created_at"),
    }
    await payer.payment_in(made.json()["id"], "success")
    shown = (await anonymous.get(f"/payments/{made.json()['id']}/public")).json()
    assert shown["status"] == "success"
    assert "vpa" not in shown
    assert (await anonymous.post("/payments/public", json=body)).json()["code"] == "order_has_payment"


async def test_keys_of_customers_never_meet_those_of_the_merchant(payer: Payer, anonymous: httpx.AsyncClient) -> None:
    """The same key from the merchant and from their customer names two requests; a customer's repeat is a replay."""
    headers = {"Idempotency-Key": "same"}
    await payer.http.post("/orders", json={"amount": 5, "currency": "INR"}, headers=headers)
    body = {"order_id": await payer.order(), "method": "upi", "vpa": "success@razorpay"}
    made = await anonymous.post("/payments/public", json=body, headers=headers)
    again = await anonymous.post("/payments/public", json=body, headers=headers)
    assert made.status_code == 201
    assert again.content == made.content
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "fields", [{"notes": {"a": "b"}}, {"capture_method": "manual"}, {"amount": 1}, {"customer": {"name": "x"}}]
)
async def test_customers_cannot_set_what_is_the_merchants(
    caller: Caller, anonymous: httpx.AsyncClient, fields: dict[str, object]
) -> None:
    """Notes, capture method and amount are not a customer's to choose."""
    body = {"order_id": await caller.order(), "method": "upi", "vpa": "ann@upi"} | fields
    assert (await anonymous.post("/payments/public", json=body)).status_code == 422


async def test_what_is_not_there_is_not_found(anonymous: httpx.AsyncClient) -> None:
    """Unknown ids are a 404, without a key too."""
    assert (await anonymous.get("/orders/order_1/public")).json()["code"] == "order_not_found"
    assert (await anonymous.get("/payments/pay_1/public")).json()["code"] == "payment_not_found"


async def test_an_address_is_limited(api_settings: Settings) -> None:
    """Beyond the limit an address gets 429 with Retry-After and the RateLimit headers, and merchants do not."""
    app = create_app(changed(api_settings, rate_limit_address="3/minute"))
    async with app.router.lifespan_context(app), client_of(app) as client:
        statuses = [(await client.get("/orders/order_1/public")).status_code for _ in range(3)]
        limited = await client.get("/orders/order_1/public")
        elsewhere = await client.get("/orders")
    assert statuses == [404, 404, 404]
    assert limited.status_code == 429
    assert limited.json()["code"] == "rate_limited"
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert limited.headers["ratelimit-policy"] == '"address";q=3;w=60'
    assert limited.headers["ratelimit"].startswith('"address";r=0;t=')
    assert elsewhere.status_code == 401
