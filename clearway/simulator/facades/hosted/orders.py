"""What happens to an order: opened, paid on its page, captured, released, refunded. Each in one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from clearway.simulator.engine import Engine
from clearway.simulator.facades.hosted.books import Books, Kind, Thing
from clearway.simulator.facades.things import unused_key
from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, Subject
from clearway.simulator.faults import Operation as FaultOperation
from clearway.simulator.records import Operation, Payment, Records, Status
from clearway.simulator.wire import NewCapture, NewPayment, NewRefund


class State(StrEnum):
    """Where an order stands."""

    OPEN = "open"
    CHALLENGED = "challenged"
    """The customer is asked for a 3-D Secure code."""
    EXPIRED = "expired"
    """Nobody paid in time: it can no longer be paid."""
    DECLINED = "declined"
    HELD = "held"
    TAKEN = "taken"
    RELEASED = "released"
    REFUNDED = "refunded"
    """Part or all of the money went back."""


UNPAID = frozenset({State.OPEN, State.CHALLENGED})


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to open. number: the merchant's. extra: what the stand-in needs later, such as the URLs of the shop."""

    account: str
    number: str
    payment_id: str
    amount: int
    currency: str
    life_s: float | None
    capture: Literal["automatic", "manual"] = "automatic"
    description: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order stands, and the engine's records of it once somebody has tried to pay."""

    state: State
    payment: Payment | None = None
    operation: Operation | None = None

    @property
    def failure(self) -> str | None:
        """Why it was declined."""
        return self.operation.failure if self.operation else None

    @property
    def captured(self) -> int:
        """The captured amount, in minor units."""
        return self.payment.captured if self.payment else 0

    @property
    def refunded(self) -> int:
        """The refunded amount, in minor units."""
        return self.payment.refunded if self.payment else 0

    @property
    def authorised(self) -> int:
        """The authorised amount, in minor units."""
        return self.payment.authorised if self.payment else 0


class OrderStateError(Exception):
    """The order does not stand where this can be done."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The operations. gateway: also the channel of the engine's payments."""

    gateway: str
    books: Books
    records: Records
    engine: Engine

    def open(self, asked: NewOrder, order_id: str) -> Thing:
        """Open an order: no money moves. It expires life_s later; None: never."""
        now = time.time()
        document = {
            "number": asked.number,
            "payment_id": asked.payment_id,
            "amount": asked.amount,
            "currency": asked.currency,
            "capture": asked.capture,
            "description": asked.description,
            "expires_at": now + asked.life_s if asked.life_s is not None else None,
            "challenged": False,
            **asked.extra,
        }
        # The journal's key of an order that two payers pay is never the same.
        key = unused_key(self.records, f"{asked.number}#{order_id}")
        order = Thing(order_id, asked.account, Kind.ORDER, document, now, None, key)
        self.books.add(order)
        return order

    def standing(self, order: Thing) -> Standing:
        """Return where an order stands now."""
        operation = self.records.operation(order.operation_key or "")
        if operation is None:
            expires_at = order.document["expires_at"]
            if expires_at is not None and time.time() > expires_at:
                return Standing(State.EXPIRED)
            return Standing(State.CHALLENGED if order.document["challenged"] else State.OPEN)
        payment = self.records.payment(operation.payment_reference)
        assert payment is not None, "an operation has its payment"
        return Standing(_paid_state(operation, payment), payment, operation)

    def challenge(self, order: Thing) -> None:
        """Ask the customer for a 3-D Secure code."""
        order.document["challenged"] = True
        self.books.save(order)

    def pay(self, order: Thing, wallet: str, fault: Fault | None = None) -> Standing:
        """Pay an order with a wallet of the engine. Raises OrderStateError when it no longer waits for it."""
        self.require(order, *UNPAID)
        document = order.document
        asked = NewPayment(
            merchant_reference=document["payment_id"],
            amount=document["amount"],
            currency=document["currency"],
            method="wallet",
            instrument=wallet,
            capture=document["capture"],
            description=document["description"][:512] or None,
        )
        self.engine.pay(
            order.operation_key or "", asked, wrong_amount=_is_wrong(fault), channel=self.gateway, delay_s=0.0
        )
        return self.standing(order)

    def capture(self, order: Thing, amount: int, fault: Fault | None = None) -> None:
        """Take part or all of what is held; the rest is released. Raises OrderStateError."""
        payment = self._payment(order, State.HELD)
        if amount > payment.open_authorisation:
            raise OrderStateError("The amount exceeds the authorised amount.")
        body = NewCapture(amount=amount, currency=payment.currency)
        self.engine.capture(
            self._key(order, "capture"), payment.reference, body, wrong_amount=_is_wrong(fault), final=True
        )

    def release(self, order: Thing) -> None:
        """Release what is held. Raises OrderStateError."""
        payment = self._payment(order, State.HELD)
        self.engine.void(self._key(order, "void"), payment.reference)

    def refund(self, order: Thing, amount: int, fault: Fault | None = None) -> None:
        """Give money back: every call is a refund of its own. Raises OrderStateError."""
        payment = self._payment(order, State.TAKEN, State.REFUNDED)
        if amount > payment.captured - payment.refunded:
            raise OrderStateError("The amount exceeds the deposited amount.")
        body = NewRefund(amount=amount, currency=payment.currency)
        key = self._key(order, "refund")
        self.engine.refund(key, payment.reference, body, wrong_amount=_is_wrong(fault), delay_s=0.0)
        made = self.records.operation(key)
        if made is not None and made.status is Status.FAILED:
            raise OrderStateError("The issuer does not take the refund.")

    def require(self, order: Thing, *states: State) -> Standing:
        """Return where an order stands. Raises OrderStateError when it is none of these."""
        standing = self.standing(order)
        if standing.state not in states:
            raise OrderStateError(f"The order is {standing.state}.")
        return standing

    def subject(self, operation: FaultOperation, order: Thing | None, amount: int | None = None) -> Subject:
        """Return the subject of a request about an order, for fault rules."""
        if order is None:
            return Subject(operation)
        document = order.document
        return Subject(
            operation,
            key=order.operation_key,
            payment_id=document["payment_id"],
            method="wallet",
            amount=amount or document["amount"],
            age_s=time.time() - order.created_at,
        )

    def _payment(self, order: Thing, *states: State) -> Payment:
        payment = self.require(order, *states).payment
        assert payment is not None, "these states come after a payment"
        return payment

    def _key(self, order: Thing, operation: str) -> str:
        # The gateway gets no key of ours with a follow-up: every call is new to it.
        return unused_key(self.records, f"{order.document['payment_id']}:{operation}:{order.id}")


def payment_id_in(number: str) -> str:
    """Return the payment in a merchant's number, for the journal: what is before a colon, if there is one."""
    return number.partition(":")[0][:128]


def _is_wrong(fault: Fault | None) -> bool:
    return fault is not None and fault.kind is FaultKind.WRONG_AMOUNT


def _paid_state(operation: Operation, payment: Payment) -> State:
    if operation.status not in {Status.AUTHORIZED, Status.CAPTURED}:
        return State.DECLINED
    if payment.refunded:
        return State.REFUNDED
    if payment.captured:
        return State.TAKEN
    return State.RELEASED if payment.voided else State.HELD
