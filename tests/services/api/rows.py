"""Rows as the durable side, or a request that died, would leave them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import idempotency_keys
from clearway.domain.gateway import first_gateway_id

MOMENT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def order_row(order_id: str, merchant_id: str, **fields: Any) -> dict[str, Any]:
    """Describe an order of 500 rupees."""
    return {
        "id": order_id,
        "merchant_id": merchant_id,
        "amount_minor": 50_000,
        "currency": "INR",
        "receipt": "R-shared",
        "notes": {},
    } | fields


def payment_row(payment_id: str, merchant_id: str, order_id: str, **fields: Any) -> dict[str, Any]:
    """Describe a successful UPI payment."""
    return {
        "id": payment_id,
        "merchant_id": merchant_id,
        "order_id": order_id,
        "amount_minor": 50_000,
        "currency": "INR",
        "method": "upi",
        "capture_method": "automatic",
        "status": "success",
        "captured_minor": 50_000,
        "gateway": "simulator",
        "gateway_id": first_gateway_id(merchant_id),
        "instrument": {"vpa": "ann@upi"},
        "customer": None,
        "notes": {},
    } | fields


def refund_row(refund_id: str, merchant_id: str, payment_id: str, **fields: Any) -> dict[str, Any]:
    """Describe a pending refund of one rupee."""
    return {
        "id": refund_id,
        "merchant_id": merchant_id,
        "payment_id": payment_id,
        "amount_minor": 100,
        "currency": "INR",
        "status": "pending",
        "gateway": "simulator",
        "gateway_id": first_gateway_id(merchant_id),
    } | fields


async def forget_answer(engine: AsyncEngine, merchant_id: str) -> None:
    """Leave a key as a request leaves it that dies before its answer is stored."""
    async with engine.begin() as connection:
        mine = idempotency_keys.c.merchant_id == merchant_id
        await connection.execute(update(idempotency_keys).where(mine).values(response_status=None, response_body=None))
