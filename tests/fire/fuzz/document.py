"""The API's document with what a merchant knows beyond it: which currencies exist, and which id belongs where.

Keys of idempotency are removed from most of it, and the usual number of test payments is smaller. Every request and
answer is checked against what merchants get.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import iso4217

DOCUMENT: Final = Path(__file__).parents[3] / "api" / "openapi.json"
CURRENCIES: Final = sorted(currency.code for currency in iso4217.Currency if currency.exponent is not None)
STREAM: Final = "/api/v1/events/stream"
"""Its answer does not end."""
WITH_KEY: Final = "create_refund"
"""The operation that is sent with an Idempotency-Key."""
OF_UPI: Final = "INR"
"""An order in any other currency cannot be paid by UPI."""
MADE_UP: Final = 2
"""The default number of test payments. Coverage sends it with most of its requests, and each payment costs time."""
THIS_ID: Final = "$response.body#/id"
OF_PAYMENT: Final = ("get_payment", "get_payment_history", "list_payment_webhooks", "capture_payment", "cancel_payment")
CHAINED: Final = frozenset(
    {
        "create_order",
        "create_payment",
        "capture_payment",
        "cancel_payment",
        "create_refund",
        "get_payment",
        "get_refund",
    }
)
"""The operations of the part about one payment."""

Operation = dict[str, Any]


def known_document() -> dict[str, Any]:
    """Return the document, with chains of calls from an order to its refunds."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    del document["paths"][STREAM]
    operations = {
        operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()
    }
    document["components"]["schemas"]["OrderCreate"]["properties"]["currency"]["enum"] = CURRENCIES
    document["components"]["schemas"]["TestDataCreate"]["properties"]["payments"]["default"] = MADE_UP
    for name, operation in operations.items():
        if name != WITH_KEY:
            _send_no_key(operation)
    _link(operations["create_order"], "201", _payments_of_an_order())
    _link(operations["create_payment"], "201", {name: _of("payment_id", name) for name in OF_PAYMENT})
    _link(operations["create_payment"], "201", {"refund": _of("payment_id", "create_refund")})
    _link(operations["create_refund"], "201", {"read": _of("refund_id", "get_refund")})
    return document


def payment_document() -> dict[str, Any]:
    """Return the part about one payment, read afresh: schemathesis writes the links that it infers into what it reads.

    Each chain begins with an order, and each operation that a link leads to is here.
    """
    document = known_document()
    document["paths"] = {
        path: kept
        for path, item in document["paths"].items()
        if (kept := {method: each for method, each in item.items() if each["operationId"] in CHAINED})
    }
    operations = {each["operationId"]: each for item in document["paths"].values() for each in item.values()}
    for operation in operations.values():
        for response in operation["responses"].values():
            response["links"] = {
                name: link for name, link in response.get("links", {}).items() if link["operationId"] in CHAINED
            }
    of_order = document["components"]["schemas"]["OrderCreate"]["properties"]
    of_order["currency"]["enum"] = [OF_UPI]
    del of_order["expires_at"]  # a random one is refused
    _link(operations["create_payment"], "201", {"call_off": _of("payment_id", "cancel_payment", {})})
    _link(operations["create_payment"], "201", {"capture_all": _of("payment_id", "capture_payment", {})})
    _link(operations["create_payment"], "201", {"refund_part": _of("payment_id", "create_refund", {"amount": 1})})
    _link(operations["capture_payment"], "200", {"refund": _of("payment_id", "create_refund", {})})
    return document


def _send_no_key(operation: Operation) -> None:
    """Drop the key from what is sent: with one, every request but the first is refused or answered as the first was."""
    operation["parameters"] = [each for each in operation.get("parameters", ()) if each["name"] != "Idempotency-Key"]


def _payments_of_an_order() -> dict[str, Operation]:
    common = {"order_id": THIS_ID, "method": "upi"}
    return {
        "success": _body("create_payment", common | {"vpa": "success@razorpay"}),
        "manual": _body("create_payment", common | {"vpa": "success@razorpay", "capture_method": "manual"}),
        "failure": _body("create_payment", common | {"vpa": "failure@razorpay"}),
        "pending": _body("create_payment", common | {"vpa": "pending@razorpay"}),
        "public": _body("create_public_payment", common | {"vpa": "approve@clearway"}),
    }


def _link(operation: Operation, status: str, links: dict[str, Operation]) -> None:
    operation["responses"][status].setdefault("links", {}).update(links)


def _of(parameter: str, operation_id: str, body: dict[str, Any] | None = None) -> Operation:
    link = {"operationId": operation_id, "parameters": {parameter: THIS_ID}}
    return link if body is None else link | _body(operation_id, body)


def _body(operation_id: str, body: dict[str, Any]) -> Operation:
    return {"operationId": operation_id, "requestBody": body, "x-schemathesis": {"merge_body": False}}
