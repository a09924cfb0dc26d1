"""ArCa's answers: error codes, and the extended status of an order."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi.responses import JSONResponse, Response

from clearway.simulator.facades.hosted.amounts import NUMERIC
from clearway.simulator.facades.hosted.books import Thing
from clearway.simulator.facades.hosted.orders import Orders, Standing, State

DONE: Final = "0"
REGISTERED: Final = "1"
CURRENCY: Final = "3"
MISSING: Final = "4"
WRONG: Final = "5"
UNKNOWN_ORDER: Final = "6"
SYSTEM: Final = "7"
MESSAGES: Final = {
    DONE: "Success",
    REGISTERED: "Order with this number is already registered in the system",
    CURRENCY: "Unknown currency",
    MISSING: "Mandatory parameter is missing",
    WRONG: "Wrong parameter value",
    UNKNOWN_ORDER: "Unregistered orderId",
    SYSTEM: "System error",
}
ACCESS: Final = "Access denied"
STATUSES: Final = {
    State.OPEN: 0,
    State.HELD: 1,
    State.TAKEN: 2,
    State.RELEASED: 3,
    State.REFUNDED: 4,
    State.CHALLENGED: 5,
    State.DECLINED: 6,
    State.EXPIRED: 6,
}
DECLINES: Final = {"insufficient_funds": 116, "wallet_declined": 100}
NOT_TRIED: Final = -100
TIMED_OUT: Final = -2007
ACTIONS: Final = {0: "Request processed successfully", 116: "Not enough money", 100: "Card restrictions"}


def error(code: str, message: str | None = None) -> Response:
    """Return an error, which is HTTP 200 as every answer."""
    return JSONResponse({"errorCode": code, "errorMessage": message or MESSAGES[code]})


def done(order: Thing) -> Response:
    """Return the answer to a change. The code is a text or a number: both are seen."""
    code: Any = DONE if len(order.document["number"]) % 2 else int(DONE)
    return JSONResponse({"errorCode": code, "errorMessage": MESSAGES[DONE]})


def order_status(orders: Orders, order: Thing) -> dict[str, Any]:
    """Return the extended status."""
    standing, document = orders.standing(order), order.document
    action = action_code(standing)
    amount = standing.payment.amount if standing.payment else document["amount"]
    return {
        "errorCode": DONE,
        "errorMessage": MESSAGES[DONE],
        "orderNumber": document["number"],
        "orderStatus": STATUSES[standing.state],
        "actionCode": action,
        "actionCodeDescription": ACTIONS.get(action, ""),
        "amount": amount,
        "currency": NUMERIC[document["currency"]],
        "date": int(order.created_at * 1_000),
        "orderDescription": document["description"],
        "merchantOrderParams": [{"name": name, "value": text} for name, text in document["params"].items()],
        "attributes": [{"name": "mdOrder", "value": order.id}],
        "paymentAmountInfo": {
            "approvedAmount": standing.authorised,
            "depositedAmount": standing.captured,
            "refundedAmount": standing.refunded,
        },
    } | ({"cardAuthInfo": _CARD} if standing.payment else {})


_CARD: Final = {"pan": "419876**1111", "expiration": "203112", "cardholderName": "A CUSTOMER", "approvalCode": "123456"}


def action_code(standing: Standing) -> int:
    """Return the code of the bank's answer."""
    match standing.state:
        case State.OPEN | State.CHALLENGED:
            return NOT_TRIED
        case State.EXPIRED:
            return TIMED_OUT
        case State.DECLINED:
            return DECLINES.get(standing.failure or "", DECLINES["wallet_declined"])
    return 0


def say(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
    """Return the answer for a fault: the gateway's own failures are HTTP 200, those of its front door are not."""
    del code
    if status == 404:  # noqa: PLR2004 - not found yet
        return error(UNKNOWN_ORDER)
    if status == 500:  # noqa: PLR2004 - after it was executed
        return error(SYSTEM)
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return Response(f"<html><body>{message}</body></html>", status, headers, "text/html")


def read_params(text: str) -> dict[str, str] | None:
    """Return `jsonParams`; None when they are not an object of texts."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    texts = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if texts else None
