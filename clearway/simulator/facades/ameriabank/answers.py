"""Ameriabank's answers: response codes, payment states, and the details of a payment with types that vary."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from clearway.simulator.facades.hosted.amounts import NUMERIC, major
from clearway.simulator.facades.hosted.books import Thing
from clearway.simulator.facades.hosted.orders import Orders, Standing, State

APPROVED: Final = "00"
INIT_APPROVED: Final = 1
"""InitPayment alone answers with a number, and success is 1."""
ORDER_EXISTS: Final = "01"
PARAMETERS: Final = "510"
UNKNOWN_ORDER: Final = "06"
CREDENTIALS: Final = "20"
SYSTEM: Final = "500"
MESSAGES: Final = {
    APPROVED: "Approved",
    ORDER_EXISTS: "Order already exists",
    PARAMETERS: "Incorrect Parameters",
    UNKNOWN_ORDER: "Unregistered OrderId",
    CREDENTIALS: "Incorrect Username and Password",
    SYSTEM: "Unknown error",
}
STATES: Final = {
    State.OPEN: (0, "payment_started"),
    State.CHALLENGED: (5, "payment_autoauthorized"),
    State.HELD: (1, "payment_approved"),
    State.TAKEN: (2, "payment_deposited"),
    State.RELEASED: (3, "payment_void"),
    State.REFUNDED: (4, "payment_refunded"),
    State.DECLINED: (6, "payment_declined"),
    State.EXPIRED: (6, "payment_declined"),
}
DECLINES: Final = {"insufficient_funds": "0116", "wallet_declined": "0100"}
TIMED_OUT: Final = "0151017"


def code_of(standing: Standing) -> str:
    """Return the response code of a payment."""
    match standing.state:
        case State.DECLINED:
            return DECLINES.get(standing.failure or "", DECLINES["wallet_declined"])
        case State.EXPIRED:
            return TIMED_OUT
        case State.OPEN | State.CHALLENGED:
            return "-1"
    return APPROVED


def simple(code: str, opaque: str = "") -> dict[str, Any]:
    """Return the answer to a confirmation, a cancellation or a refund."""
    return {"ResponseCode": code, "ResponseMessage": MESSAGES.get(code, "Declined"), "Opaque": opaque}


def details(orders: Orders, order: Thing) -> dict[str, Any]:
    """Return the answer to GetPaymentDetails. Payments of odd order numbers have texts where others have numbers."""
    standing, document = orders.standing(order), order.document
    code, (status, state) = code_of(standing), STATES[standing.state]
    currency, as_text = document["currency"], int(document["number"]) % 2 == 1
    spoken = "00 : Payment is approved" if code == APPROVED and as_text else code
    amounts = {
        "Amount": standing.payment.amount if standing.payment else document["amount"],
        "ApprovedAmount": standing.authorised,
        "DepositedAmount": standing.captured,
        "RefundedAmount": standing.refunded,
    }
    return {
        **{name: _number(minor, currency, as_text=as_text) for name, minor in amounts.items()},
        "ResponseCode": spoken,
        "PaymentState": state,
        "OrderStatus": str(status) if as_text else status,
        "OrderID": document["number"] if as_text else int(document["number"]),
        "MDOrderID": order.id.lower(),
        "Currency": NUMERIC[currency],
        "DateTime": dt.datetime.fromtimestamp(order.created_at, tz=dt.UTC).strftime("%d/%m/%Y %H:%M:%S"),
        "Description": document["description"],
        "TrxnDescription": MESSAGES.get(code, "Declined"),
        "Opaque": document["opaque"],
        "MerchantId": "0010001",
        "TerminalId": "0010001",
        "PaymentType": 5,
        "CardNumber": "408306******1818" if standing.payment else "",
        "ApprovalCode": "123456" if standing.authorised else "",
        "rrn": "000000000001" if standing.authorised else "",
        "ActionCode": code if standing.state is State.DECLINED else "0",
        "PrimaryRC": "0",
    }


def _number(minor: int, currency: str, *, as_text: bool) -> Any:
    amount = major(minor, currency)
    if as_text:
        return str(amount)
    # JSON has one kind of number. Two decimals survive the way through a float; texts are there for doubts.
    return int(amount) if amount == amount.to_integral_value() else float(amount)
