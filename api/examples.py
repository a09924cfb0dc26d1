"""One example of each resource, as the OpenAPI document shows it. They tell one story: an order paid by UPI."""

from __future__ import annotations

from typing import Any, Final

ORDER: Final[dict[str, Any]] = {
    "id": "order_01m7yv51vppxvr5wex9h7a2vbw",
    "object": "order",
    "amount": 50_000,
    "currency": "INR",
    "receipt": "R-1042",
    "notes": {"cart": "c-1042"},
    "status": "created",
    "created_at": "2026-11-21T10:41:38.198113Z",
    "updated_at": "2026-11-21T10:41:38.198113Z",
}
PAYMENT: Final[dict[str, Any]] = {
    "id": "pay_01m7yv51wdc6tzp8g6hb86sqk6",
    "object": "payment",
    "order_id": ORDER["id"],
    "amount": 50_000,
    "currency": "INR",
    "status": "pending",
    "method": "upi",
    "capture_method": "automatic",
    "captured": False,
    "amount_captured": 0,
    "amount_refunded": 0,
    "vpa": "success@razorpay",
    "card": None,
    "bank": None,
    "wallet": None,
    "customer": {"id": None, "name": "Ada Lovelace", "email": "ada@example.com", "phone": None},
    "notes": {},
    "next_action": None,
    "gateway": "simulator",
    "error_code": None,
    "error_description": None,
    "created_at": "2026-11-21T10:41:38.261280Z",
    "updated_at": "2026-11-21T10:41:38.261280Z",
}
REFUND: Final[dict[str, Any]] = {
    "id": "rfnd_01m7yv73tk10nksbt60jvwwybb",
    "object": "refund",
    "payment_id": PAYMENT["id"],
    "amount": 20_000,
    "currency": "INR",
    "status": "pending",
    "reason": "damaged in transit",
    "error_code": None,
    "error_description": None,
    "created_at": "2026-11-21T10:42:45.849588Z",
    "updated_at": "2026-11-21T10:42:45.849588Z",
}
EVENT: Final[dict[str, Any]] = {
    "id": "evt_01m7yv51yxep6m3816wbg45scw",
    "type": "payment.created",
    "timestamp": "2026-11-21T10:41:38.261280Z",
    "data": PAYMENT,
}
RESOURCES: Final = {
    "OrderResource": ORDER,
    "PaymentResource": PAYMENT,
    "RefundResource": REFUND,
    "EventResource": EVENT,
}
"""By the name of the schema they are examples of."""
