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
    "expires_at": None,
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
    "gateway_id": "gw_01m7yv46ss6km74zc9tm5bynqd",
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
ENDPOINT: Final[dict[str, Any]] = {
    "id": "whe_01m7yv3r1h6c9q0t5w8x2z4b7d",
    "object": "webhook_endpoint",
    "url": "https://shop.example/webhooks",
    "description": "the shop",
    "event_types": ["payment.success", "refund.processed"],
    "retry_intervals_s": None,
    "status": "enabled",
    "disabled_reason": None,
    "previous_secret_expires_at": None,
    "created_at": "2026-11-21T10:40:56.512904Z",
    "updated_at": "2026-11-21T10:40:56.512904Z",
}
DELIVERY: Final[dict[str, Any]] = {
    "id": "dlv_01m7yv51z0y2f7t3e5k8m1n4qa",
    "object": "webhook_delivery",
    "event_id": EVENT["id"],
    "event_type": EVENT["type"],
    "endpoint_id": ENDPOINT["id"],
    "payment_id": PAYMENT["id"],
    "status": "delivered",
    "attempt_count": 1,
    "next_attempt_at": None,
    "last_response_status": 200,
    "last_error": None,
    "created_at": "2026-11-21T10:41:38.261280Z",
    "updated_at": "2026-11-21T10:41:38.402117Z",
}
ATTEMPT: Final[dict[str, Any]] = {
    "number": 1,
    "trigger": "schedule",
    "request": {
        "method": "POST",
        "url": ENDPOINT["url"],
        "headers": {"Content-Type": "application/json", "webhook-id": EVENT["id"]},
        "body": '{"id":"evt_…","type":"payment.created","timestamp":"…","data":{…}}',
    },
    "response": {"status": 200, "headers": {"content-type": "text/plain"}, "body": "thanks"},
    "duration_ms": 84,
    "error_code": None,
    "error": None,
    "created_at": "2026-11-21T10:41:38.402117Z",
}
RETRY: Final[dict[str, Any]] = {
    "number": 2,
    "response_status": 200,
    "error_code": None,
    "error": None,
    "duration_ms": 84,
}
RECOVERY: Final[dict[str, Any]] = {
    "id": "rcv_01m7yv6k3n5p7r9t1v3x5z7b9d",
    "object": "webhook_recovery",
    "endpoint_id": ENDPOINT["id"],
    "include": "all_missing",
    "since": "2026-11-20T00:00:00.000000Z",
    "until": "2026-11-21T10:45:00.000000Z",
    "status": "running",
    "stopped_reason": None,
    "recovered": 150,
    "pending": 12,
    "delivered": 138,
    "failed": 0,
    "cancelled": 0,
    "created_at": "2026-11-21T10:45:00.000000Z",
    "updated_at": "2026-11-21T10:45:11.000000Z",
}
HISTORY: Final[dict[str, Any]] = {
    "payment_id": PAYMENT["id"],
    "data": [
        {
            "type": "payment.created",
            "from_status": None,
            "to_status": "pending",
            "reason": "payment recorded",
            "actor": "merchant",
            "at": EVENT["timestamp"],
            "event_id": EVENT["id"],
            "refund_id": None,
        }
    ],
}
PUBLIC_ORDER: Final[dict[str, Any]] = {
    **{name: ORDER[name] for name in ("id", "object", "amount", "currency", "status", "expires_at")},
    "merchant_name": "The Shop",
}
PUBLIC_PAYMENT: Final[dict[str, Any]] = {
    name: PAYMENT[name]
    for name in (
        *("id", "object", "order_id", "amount", "currency", "status", "method"),
        *("next_action", "error_code", "error_description", "created_at"),
    )
}
AUDIT_ENTRY: Final[dict[str, Any]] = {
    "id": "aud_01m7yv6k3n5p7r9t1v3x5z7b9e",
    "object": "audit_entry",
    "actor": "user:usr_01k9w2e3r4t5y6q7w8e9r0t1y4",
    "action": "settings.change",
    "subject_type": "merchant",
    "subject_id": "mer_01k9w2e3r4t5y6q7w8e9r0t1y2",
    "detail": {"before": {"time_zone": "UTC"}, "after": {"time_zone": "Europe/Berlin"}},
    "address": "203.0.113.7",
    "request_id": "req_01m7yv46ss6km74zc9tm5bynqd",
    "created_at": "2026-11-21T10:45:00.000000Z",
}
LOGGED_REQUEST: Final[dict[str, Any]] = {
    "id": "rql_01m7yv46ss6km74zc9tm5bynqe",
    "object": "logged_request",
    "method": "POST",
    "route": "/payments/{payment_id}/capture",
    "subject_id": "pay_01m7yv1f5h3m9q7t2w4x6z8b0d",
    "status": 409,
    "error_code": "not_capturable",
    "actor": "key:key_test_abc123",
    "request_id": "req_01m7yv46ss6km74zc9tm5bynqd",
    "idempotency_key": "cart-1042",
    "started_at": "2026-11-21T10:45:00.000000Z",
    "duration_ms": 84,
}
SETTINGS: Final[dict[str, Any]] = {
    "object": "settings",
    "merchant_id": "mer_01k9w2e3r4t5y6q7w8e9r0t1y2",
    "mode": "live",
    "account_id": "acc_01k9w2e3r4t5y6q7w8e9r0t1y3",
    "name": "The Shop",
    "account_name": "The Shop GmbH",
    "time_zone": "Europe/Berlin",
    "branding": {"logo": None, "accent": "#0b5fff", "accent_text": "#ffffff"},
    "checkout": {
        "allowed_origins": ["https://shop.example"],
        "customer_chooses_gateway": False,
        "support_email": "help@shop.example",
        "support_url": "https://shop.example/help",
        "terms_url": None,
        "help_texts": {"faq": "We send your parcel on the day of the payment."},
    },
    "security": {"totp_required": False, "refund_step_up": {"EUR": 10_000}},
    "limits": {
        "requests": "6000/minute",
        "payments_per_customer": None,
        "webhook_retries": "60/minute",
        "api_keys": 100,
        "webhook_endpoints": 16,
        "gateways": 100,
        "page_size": 100,
        "request_body_bytes": 65_536,
    },
    "updated_at": "2026-11-21T10:45:00.000000Z",
}


def _page(*data: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(data), "has_more": False, "next_cursor": None}


RESOURCES: Final = {
    "SettingsResource": SETTINGS,
    "AuditEntry": AUDIT_ENTRY,
    "LoggedRequestResource": LOGGED_REQUEST,
    "OrderResource": ORDER,
    "PaymentResource": PAYMENT,
    "RefundResource": REFUND,
    "EventResource": EVENT,
    "EndpointResource": ENDPOINT,
    "EndpointWithSecret": {**ENDPOINT, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "DeliveryResource": DELIVERY,
    "DeliveryDetail": {**DELIVERY, "attempts": [ATTEMPT]},
    "RetriedDelivery": {**DELIVERY, "attempt_count": 2, "attempt": RETRY},
    "RecoveryResource": RECOVERY,
    "History": HISTORY,
    "JobsStatus": {"pending": 0, "processing": 2, "completed": 17, "failed": 0, "worker_status": "running"},
    "PublicOrder": PUBLIC_ORDER,
    "PublicPayment": PUBLIC_PAYMENT,
    "Page_OrderResource_": _page(ORDER),
    "Page_PaymentResource_": _page(PAYMENT),
    "Page_RefundResource_": _page(REFUND),
    "Page_EventResource_": _page(EVENT),
    "Page_EndpointResource_": _page(ENDPOINT),
    "Page_DeliveryResource_": _page(DELIVERY),
}
"""By the name of the schema they are examples of."""
