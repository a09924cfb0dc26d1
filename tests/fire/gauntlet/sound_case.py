"""A small case in which all witnesses agree: two shops, one payment captured and refunded in part, all received.

Tests plant violations in copies of it. Pure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import orjson

from tests.fire.gauntlet.case import Case
from tests.fire.gauntlet.client import Exchange
from tests.fire.gauntlet.receivers import PATH, Arrival
from tests.support.evidence import Evidence, Record
from tests.support.test_invariants import has_failed_over, is_by_quote, sound

OWN, OTHER = "mer_1", "mer_2"
PAYMENT = {
    "object": "payment",
    "id": "pay_1",
    "order_id": "order_1",
    "amount": 500,
    "currency": "INR",
    "method": "upi",
    "status": "pending",
    "amount_captured": 0,
    "amount_refunded": 0,
}
VPA = "ann@bank"
REFUND = {"object": "refund", "id": "rfnd_1", "payment_id": "pay_1", "amount": 200, "currency": "INR"}


def exchange(path: str, status: int | None, answer: Any = None, **more: Any) -> Exchange:
    """Describe one request of the first shop. at: when it began; it took one second."""
    at = more.pop("at", 0.0)
    fields = {"merchant_id": OWN, "method": "POST", "key": None, "request": "a", "body": {}, "business": 0, "api": 0}
    content = b"" if answer is None else json.dumps(answer).encode()
    return Exchange(path=path, status=status, content=content, began=at, ended=at + 1, **{**fields, **more})


def sound_case(*, failed_over: bool = False, by_quote: bool = False) -> Case:
    """Return a case in which no rule finds anything.

    failed_over: the payment was tried at two gateways. by_quote: it is paid in another currency than its order's.
    """
    stack = _stack(failed_over=failed_over)
    if by_quote:
        is_by_quote(stack)
    case = Case(stack=stack, exchanges=_log(), ledgers_before=[[dict(entry) for entry in stack.ledger[:2]]])
    digests = {event["id"]: hashlib.sha256(_sent(event).encode()).hexdigest() for event in stack.events}
    case.arrivals = [
        Arrival("whe_1", 0.0, event_id, digests[event_id], verified=True, path=PATH, answered=200)
        for event_id in (delivery["event_id"] for delivery in stack.deliveries)
    ]
    return case


def _stack(*, failed_over: bool) -> Evidence:
    stack = sound()
    if failed_over:
        has_failed_over(stack)
    stack.received, stack.receiver_url = [], ""
    priced = {"merchant_id": OWN, "amount_minor": 500, "currency": "INR"}
    stack.orders[0] |= priced
    stack.payments[0] |= {**priced, "notes": {"key": "k-pay"}, "method": "upi", "capture_method": "manual"}
    stack.payments[0] |= {
        "instrument": {"vpa": VPA},
        "former_instruments": [],
        "customer": None,
        "forgotten_at": None,
    }
    stack.refunds[0] |= {"merchant_id": OWN, "currency": "INR", "reason": "k-refund"}
    stack.captures[0] |= {"merchant_id": OWN}
    for event in stack.events:
        event.setdefault("body", _body(event, None))
    for delivery in stack.deliveries:
        delivery["merchant_id"] = OWN
    return stack


def _sent(event: Record) -> str:
    """Return what is sent of an event; one of a breaker has nothing personal."""
    return str(event["body"]) if event["subject_type"] == "gateway" else _body(event, VPA)


def _body(event: Record, vpa: str | None) -> str:
    """Return the body of an event: as it is kept, or with what only the payment's row knows."""
    of_payment = event["subject_id"] == "pay_1"
    data = {"object": "payment", "vpa": vpa} if of_payment else {"object": "refund"}
    return orjson.dumps({"id": event["id"], "data": data}).decode()


def _log() -> list[Exchange]:
    refused = {"code": "idempotency_key_reused"}
    paid = PAYMENT | {"status": "success", "amount_captured": 500}
    return [
        exchange("/orders", 201, {"object": "order", "id": "order_1", "amount": 500, "currency": "INR"}, key="k-order"),
        exchange("/payments", None, key="k-pay", error="ReadError"),
        exchange("/payments", 201, PAYMENT, key="k-pay", at=2),
        exchange("/payments", 201, PAYMENT, key="k-pay", at=4),
        exchange("/payments", 422, refused, key="k-pay", request="b", at=6),
        exchange("/payments/pay_1/capture", 200, paid, key="k-capture", at=8),
        exchange("/payments/pay_1", 200, PAYMENT, method="GET", at=7),
        exchange("/payments/pay_1", 200, paid, method="GET", at=10),
        exchange("/payments/pay_1/refunds", 201, REFUND, key="k-refund", at=12),
        exchange("/payments/pay_1/refunds", 409, {"code": "amount_not_refundable"}, key="k-refused", at=14),
        exchange("/payments/pay_1", 404, {}, method="GET", merchant_id=OTHER, stranger=True, at=16),
        exchange("/payments/pay_1/refunds", 403, {"code": "permission_missing"}, denied=True, at=17),
        exchange("/payments?limit=20", 200, {"data": [{"id": "pay_1"}]}, method="GET", at=18),
    ]


def change_answer(case: Case, index: int, **changes: Any) -> None:
    """Change an answer that a client got. answer: the JSON of the answer."""
    answer = changes.pop("answer", None)
    if answer is not None:
        changes["content"] = json.dumps(answer).encode()
    log = list(case.exchanges)
    log[index] = replace(log[index], **changes)
    case.exchanges = log
