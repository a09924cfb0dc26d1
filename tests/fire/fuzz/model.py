"""What the API should answer, by a model small enough to be believed: only sums and statuses. Pure.

Every payment is made with a test value whose outcome is certain, and is at rest before the next call.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

OUTCOMES: Final = {
    ("success@razorpay", "automatic"): "success",
    ("success@razorpay", "manual"): "authorized",
    ("failure@razorpay", "automatic"): "failed",
    ("failure@razorpay", "manual"): "failed",
    ("approve@clearway", "automatic"): "requires_action",
    ("approve@clearway", "manual"): "requires_action",
}
"""By VPA and capture method: where a payment comes to rest."""
HOLD_ORDER: Final = frozenset({"success", "authorized", "requires_action"})
CANCELLABLE: Final = frozenset({"authorized", "requires_action"})


@dataclass(frozen=True)
class Expected:
    """An answer. shown: the fields that are compared."""

    status: int
    code: str | None = None
    shown: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """What is to be paid, in minor units."""

    amount: int
    currency: str
    status: str = "created"


@dataclass(frozen=True)
class Payment:
    """One payment at rest."""

    order: str
    amount: int
    status: str
    captured: int = 0
    refunded: int = 0

    @property
    def shown(self) -> dict[str, Any]:
        """The fields of the resource that the model speaks of."""
        return {
            "status": self.status,
            "amount": self.amount,
            "amount_captured": self.captured,
            "amount_refunded": self.refunded,
        }


class Shop:
    """A merchant's orders and payments under the names that the test gives them."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.payments: dict[str, Payment] = {}

    def order(self, name: str, amount: int, currency: str) -> Expected:
        """Create an order."""
        self.orders[name] = Order(amount, currency)
        return Expected(201, shown={"amount": amount, "currency": currency, "status": "created"})

    def pay(self, name: str, order: str, vpa: str, capture_method: str) -> Expected:
        """Create a payment; the answer shows it as recorded, before the gateway decided."""
        if any(payment.order == order and payment.status in HOLD_ORDER for payment in self.payments.values()):
            return Expected(409, "order_has_payment")
        amount = self.orders[order].amount
        status = OUTCOMES[vpa, capture_method]
        self._put(name, Payment(order, amount, status, captured=amount if status == "success" else 0))
        return Expected(201, shown={"status": "pending", "amount": amount, "amount_captured": 0})

    def capture(self, name: str, amount: int | None) -> Expected:
        """Capture part or all, and keep the rest open for more captures."""
        payment = self.payments[name]
        left = payment.amount - payment.captured
        if payment.status != "authorized" or (amount or left) > left:
            return Expected(409, "not_capturable")
        captured = payment.captured + (amount or left)
        status = "success" if captured == payment.amount else "authorized"
        self._put(name, replace(payment, captured=captured, status=status))
        return Expected(200, shown=self.payments[name].shown)

    def cancel(self, name: str) -> Expected:
        """Release what is not captured."""
        payment = self.payments[name]
        if payment.status not in CANCELLABLE:
            return Expected(409, "not_cancellable")
        self._put(name, replace(payment, status="success" if payment.captured else "cancelled"))
        return Expected(200, shown=self.payments[name].shown)

    def refund(self, name: str, amount: int | None) -> Expected:
        """Give back part or all of what was captured; the answer shows the refund as reserved."""
        payment = self.payments[name]
        left = payment.captured - payment.refunded
        if left == 0 or (amount or left) > left:
            return Expected(409, "amount_not_refundable")
        self._put(name, replace(payment, refunded=payment.refunded + (amount or left)))
        return Expected(201, shown={"status": "pending", "amount": amount or left})

    def approve(self, name: str, *, manual: bool) -> None:
        """Let the customer press the button that the payment waits for."""
        payment = self.payments[name]
        status = "authorized" if manual else "success"
        self._put(name, replace(payment, status=status, captured=0 if manual else payment.amount))

    def _put(self, name: str, payment: Payment) -> None:
        self.payments[name] = payment
        order = self.orders[payment.order]
        paid = payment.status == "success" or order.status == "paid"
        self.orders[payment.order] = replace(order, status="paid" if paid else "attempted")
