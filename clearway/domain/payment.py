"""The payment: its statuses, the moves between them, and the ledger entries and events of each move.

    pending ──> requires_action ──> processing ──> authorized ──> success
    requires_action, processing ──> pending     (only with another attempt, at another gateway)
    the first three ──> retrying ──> pending     (only with another attempt), failed, cancelled, needs_review
       any of the first three ──> authorized, success, failed, cancelled, expired, needs_review
       authorized ──> success, cancelled, expired, needs_review
       needs_review ──> authorized, success, failed, cancelled     (only by an operator)

A status never moves back: success, failed, cancelled and expired are final. `apply_change` is the only way to change a
payment, here and in the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from clearway.domain import ledger
from clearway.domain.actor import Actor
from clearway.domain.attempt import AttemptSeen, AttemptStatus, GatewayChoice
from clearway.domain.command import CommandEnd
from clearway.domain.events import EventType
from clearway.domain.ledger import LedgerTransaction
from clearway.domain.money import Money


class PaymentStatus(StrEnum):
    """Status of a payment."""

    PENDING = "pending"
    """Recorded; the gateway's answer is awaited."""
    REQUIRES_ACTION = "requires_action"
    """The customer must act at `next_action.url`."""
    PROCESSING = "processing"
    """The gateway has accepted it and has not decided; the workflow polls."""
    AUTHORIZED = "authorized"
    """The money is reserved and waits for capture."""
    SUCCESS = "success"
    """The money is taken and nothing more can be captured."""
    RETRYING = "retrying"
    """The last attempt failed, nothing was taken, and another follows: by schedule, or when the merchant asks."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NEEDS_REVIEW = "needs_review"
    """The outcome at the gateway is unknown; an operator decides."""


class CaptureMethod(StrEnum):
    """When an approved payment's money is taken."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class PaymentMethod(StrEnum):
    """How the customer pays."""

    UPI = "upi"
    CARD = "card"
    NETBANKING = "netbanking"
    WALLET = "wallet"


class UpiFlow(StrEnum):
    """How a UPI payment begins."""

    INTENT = "intent"
    """The customer scans a QR code or follows a link with a UPI app: the only way for shops since 28 February 2026."""
    COLLECT = "collect"
    """The customer enters a UPI ID, and their app asks them. NPCI allows it for few kinds of merchants."""


S = PaymentStatus
FINAL: Final = frozenset({S.SUCCESS, S.FAILED, S.CANCELLED, S.EXPIRED})
UNDECIDED: Final = frozenset({S.PENDING, S.REQUIRES_ACTION, S.PROCESSING})
"""Statuses in which an attempt is open at a gateway."""
_DECIDED: Final = frozenset({S.AUTHORIZED, S.SUCCESS, S.FAILED, S.CANCELLED, S.EXPIRED, S.NEEDS_REVIEW})
MOVES: Final[dict[PaymentStatus, frozenset[PaymentStatus]]] = {
    S.PENDING: frozenset({S.REQUIRES_ACTION, S.PROCESSING, S.RETRYING}) | _DECIDED,
    S.REQUIRES_ACTION: frozenset({S.PROCESSING, S.RETRYING}) | _DECIDED,
    S.PROCESSING: frozenset({S.RETRYING}) | _DECIDED,
    S.RETRYING: frozenset({S.FAILED, S.CANCELLED, S.NEEDS_REVIEW}),
    S.AUTHORIZED: frozenset({S.SUCCESS, S.CANCELLED, S.EXPIRED, S.NEEDS_REVIEW}),
    S.NEEDS_REVIEW: frozenset({S.AUTHORIZED, S.SUCCESS, S.FAILED, S.CANCELLED}),
    S.SUCCESS: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
}
HOLDS_ORDER: Final = frozenset(PaymentStatus) - {S.FAILED, S.CANCELLED, S.EXPIRED}
"""Statuses in which an order is taken: it has a payment in progress or a successful one, and another is refused."""


ATTEMPT_AFTER: Final[dict[PaymentStatus, AttemptStatus]] = {
    S.AUTHORIZED: AttemptStatus.SUCCEEDED,
    S.SUCCESS: AttemptStatus.SUCCEEDED,
    S.RETRYING: AttemptStatus.FAILED,
    S.FAILED: AttemptStatus.FAILED,
    S.CANCELLED: AttemptStatus.CANCELLED,
    S.EXPIRED: AttemptStatus.CANCELLED,
    S.NEEDS_REVIEW: AttemptStatus.UNKNOWN,
}
"""What an open attempt becomes when its payment becomes this."""


class MoveRefusedError(Exception):
    """The change is not a move of the state machine or breaks a bound on the amounts. Nothing may be recorded."""


@dataclass(frozen=True, slots=True, repr=False)
class PersonalData:
    """The personal data of a payment, and the merchant's notes, which may contain some. It has no repr, for the logs.

    Workflow messages have it sealed (`clearway.durable.sealed`); events do not have it (`clearway.domain.events`).
    instrument: what the gateway needs (a card token, a VPA, a bank or wallet code). shown: the part of it that may be
    shown, by the field of the payment resource it stands in (`{"vpa": …}`, `{"card": {brand, last4, …}}`).
    card: the fingerprints of a card, one for each pepper, the one to store first (`clearway.crypto.card_fingerprints`).
    """

    instrument: str
    shown: dict[str, Any] = field(default_factory=dict)
    customer: dict[str, Any] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    return_url: str | None = None
    card: Sequence[str] = ()

    def in_resource(self) -> dict[str, Any]:
        """Return the fields of the payment resource that it fills."""
        return {**self.shown, "customer": self.customer, "notes": self.notes}


@dataclass(frozen=True)
class NewPayment:
    """A payment to be recorded. personal: its `PersonalData`, sealed (`clearway.durable.sealed`).

    retries: the fields of its `RetryPolicy`, if it has one.
    asked_by: the person in a session who made it, for the audit log. None: a program or a customer.
    routing: which gateways were chosen and why (`clearway.domain.routing`), without personal data.
    quote_id and what follows: of a payment in another currency than its order's (`clearway.domain.exchange`).
    """

    id: str
    merchant_id: str
    order_id: str
    amount_minor: int
    currency: str
    method: str
    capture_method: str
    personal: str
    gateway_id: str
    gateway: str = "simulator"
    retries: dict[str, Any] | None = None
    routing: dict[str, Any] | None = None
    quote_id: str | None = None
    settlement_minor: int | None = None
    settlement_currency: str | None = None
    fx_exact_minor: int | None = None
    fx_rate: str | None = None
    asked_by: Actor | None = None

    @property
    def alternatives(self) -> tuple[GatewayChoice, ...]:
        """Where it may be tried next, in order, if the attempt before surely moved no money."""
        return tuple(GatewayChoice(**each) for each in (self.routing or {}).get("alternatives", ()))


@dataclass(frozen=True, slots=True)
class Payment:
    """The part of a payment that the rules need; amounts in minor units of `currency`."""

    id: str
    merchant_id: str
    order_id: str
    amount_minor: int
    currency: str
    capture_method: CaptureMethod
    gateway: str
    gateway_id: str
    status: PaymentStatus
    captured_minor: int = 0
    refunded_minor: int = 0
    refund_pending_minor: int = 0
    gateway_reference: str | None = None
    action_url: str | None = None
    action_form: str | None = None
    action_expires_at: datetime | None = None
    retry_at: datetime | None = None
    error_code: str | None = None
    error_description: str | None = None
    version: int = 0
    last_step: str = "created"

    @property
    def capturable_minor(self) -> int:
        """What may still be captured."""
        return self.amount_minor - self.captured_minor if self.status is S.AUTHORIZED else 0

    @property
    def refundable_minor(self) -> int:
        """What may still be refunded: captured, not refunded, and not reserved by a pending refund."""
        return self.captured_minor - self.refunded_minor - self.refund_pending_minor

    @property
    def money(self) -> Money:
        """The whole amount."""
        return Money(self.amount_minor, self.currency)


def begun(new: NewPayment) -> Payment:
    """Return the payment as it is recorded, before anything happened."""
    return Payment(
        id=new.id,
        merchant_id=new.merchant_id,
        order_id=new.order_id,
        amount_minor=new.amount_minor,
        currency=new.currency,
        capture_method=CaptureMethod(new.capture_method),
        gateway=new.gateway,
        gateway_id=new.gateway_id,
        status=S.PENDING,
    )


@dataclass(frozen=True, slots=True)
class CapturedAmount:
    """A capture the gateway has carried out. id: `cap_…`, allocated before the gateway was asked.

    references, state: the gateway's ids and the connector's state of it, for its refunds.
    """

    id: str
    amount_minor: int
    gateway_reference: str | None = None
    references: dict[str, str] = field(default_factory=dict)
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """A further attempt, to be recorded with its beginning. id: of the command. asked_by: None: it was scheduled.

    personal: the encrypted personal data with another instrument, if the merchant sent one.
    """

    id: str
    number: int
    asked_by: Actor | None = None
    personal: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a payment, for the activity that records it.

    step: the number of the step within the payment, as text (the first change is `1`), so that recording it again is
    recognised: by the same run after a crash, and by a run that was reset to an earlier point.
    reason: in words, for the timeline. actor: `system`, `gateway`, `customer`, `merchant` or `operator:<name>`.
    The optional fields overwrite what the payment has when they are given. command: the command that this step ends.
    attempt: what the gateway said of the payment attempt. A pending payment that stays pending has only that to record:
    the gateway's first step is taken. next_attempt: the attempt failed, and another follows at this gateway: the
    payment is pending again, whatever the customer had done at the gateway before.
    decided_by: the actor for the audit log, if the step is a decision that ends a review.
    retry: what begins the next attempt of a payment that is retrying. retry_at: when a payment that becomes so has its
    next scheduled attempt.
    """

    step: str
    to: PaymentStatus
    reason: str
    actor: str = "system"
    capture: CapturedAmount | None = None
    gateway_reference: str | None = None
    action_url: str | None = None
    action_form: str | None = None
    action_expires_at: datetime | None = None
    error_code: str | None = None
    error_description: str | None = None
    command: CommandEnd | None = None
    attempt: AttemptSeen | None = None
    decided_by: Actor | None = None
    next_attempt: GatewayChoice | None = None
    retry: Retry | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of a change: the payment afterwards, the events and the ledger transactions.

    attempt_status: what the attempt becomes; None: it stays as it is.
    """

    payment: Payment
    events: tuple[EventType, ...]
    transactions: tuple[LedgerTransaction, ...]
    attempt_status: AttemptStatus | None = None


def apply_change(payment: Payment, change: Change) -> Applied:
    """Return what `change` makes of `payment`, or raise MoveRefusedError."""
    _check_move(payment, change)
    changed = replace(
        payment,
        status=change.to,
        gateway_reference=change.gateway_reference or payment.gateway_reference,
        action_url=change.action_url if change.to is S.REQUIRES_ACTION else None,
        action_form=change.action_form if change.to is S.REQUIRES_ACTION else None,
        action_expires_at=change.action_expires_at if change.to is S.REQUIRES_ACTION else None,
        retry_at=change.retry_at if change.to is S.RETRYING else None,
        error_code=change.error_code,
        error_description=change.error_description,
        version=payment.version + 1,
        last_step=change.step,
    )
    attempt_status = _attempt_after(payment, change)
    if change.next_attempt is not None:
        to = change.next_attempt
        moved = replace(changed, gateway=to.gateway, gateway_id=to.gateway_id, gateway_reference=None)
        told = EventType.PAYMENT_RETRIED if change.retry else EventType.PAYMENT_ATTEMPT_FAILED
        return Applied(moved, (told,), (), attempt_status)
    if change.capture is None:
        _check_amounts(changed)
        return Applied(changed, _status_events(payment, changed), (), attempt_status)
    return replace(_apply_capture(payment, changed, change.capture), attempt_status=attempt_status)


def _attempt_after(payment: Payment, change: Change) -> AttemptStatus | None:
    """Return what the attempt becomes. An attempt that has succeeded stays so, whatever becomes of its payment."""
    if change.next_attempt is not None:
        return None if change.retry else AttemptStatus.FAILED
    if payment.status is S.AUTHORIZED or change.to is payment.status:
        return None
    return ATTEMPT_AFTER.get(change.to)


def _check_move(payment: Payment, change: Change) -> None:
    if change.capture is not None and change.to not in {S.AUTHORIZED, S.SUCCESS}:
        message = f"payment {payment.id} is {payment.status} and cannot become {change.to} by a capture"
        raise MoveRefusedError(message)
    stays_with_capture = change.to is payment.status is S.AUTHORIZED and change.capture is not None
    stays_pending = change.to is payment.status is S.PENDING and change.attempt is not None
    before = frozenset({S.RETRYING}) if change.retry else UNDECIDED
    goes_on = change.to is S.PENDING and payment.status in before and change.attempt is not None
    if change.next_attempt is not None and not goes_on:
        message = f"payment {payment.id} is {payment.status} and cannot have another attempt"
        raise MoveRefusedError(message)
    is_next = change.next_attempt is not None
    if change.to not in MOVES[payment.status] and not (stays_with_capture or stays_pending or is_next):
        message = f"payment {payment.id} is {payment.status} and cannot become {change.to}"
        raise MoveRefusedError(message)


def _apply_capture(before: Payment, changed: Payment, capture: CapturedAmount) -> Applied:
    if capture.amount_minor <= 0:
        message = f"capture {capture.id} of {capture.amount_minor}: a capture takes at least one minor unit"
        raise MoveRefusedError(message)
    changed = replace(changed, captured_minor=before.captured_minor + capture.amount_minor)
    _check_amounts(changed)
    money = Money(capture.amount_minor, before.currency)
    booked = ledger.capture(capture.id, before.merchant_id, before.gateway_id, money)
    events = (EventType.PAYMENT_CAPTURED,) if before.capture_method is CaptureMethod.MANUAL else ()
    return Applied(changed, events + _status_events(before, changed), (booked,))


def _check_amounts(payment: Payment) -> None:
    if payment.captured_minor > payment.amount_minor:
        message = (
            f"payment {payment.id}: captures of {Money(payment.captured_minor, payment.currency)} would exceed the "
            f"authorised {Money(payment.amount_minor, payment.currency)}"
        )
        raise MoveRefusedError(message)
    if payment.status is S.SUCCESS and payment.captured_minor == 0:
        message = f"payment {payment.id} cannot be a success with nothing captured"
        raise MoveRefusedError(message)
    if payment.status in {S.FAILED, S.CANCELLED, S.EXPIRED} and payment.captured_minor > 0:
        message = f"payment {payment.id} has {payment.captured_minor} captured and cannot become {payment.status}"
        raise MoveRefusedError(message)


def _status_events(before: Payment, after: Payment) -> tuple[EventType, ...]:
    return () if before.status is after.status else (EventType(f"payment.{after.status}"),)
