"""The refund: its statuses, the moves between them, and the ledger entries of each.

pending ──> processed, failed, needs_review     needs_review ──> processed, failed     (only by an operator)
processed ──> reversed     (the gateway paid it out, and the money came back)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from clearway.domain import ledger
from clearway.domain.actor import Actor
from clearway.domain.events import EventType
from clearway.domain.ledger import LedgerTransaction
from clearway.domain.money import Money
from clearway.domain.payment import MoveRefusedError, Payment


class RefundStatus(StrEnum):
    """Status of a refund."""

    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"
    REVERSED = "reversed"
    """Processed, and later taken back: the customer's bank returned the money to the gateway."""
    NEEDS_REVIEW = "needs_review"


MOVES: Final[dict[RefundStatus, frozenset[RefundStatus]]] = {
    RefundStatus.PENDING: frozenset({RefundStatus.PROCESSED, RefundStatus.FAILED, RefundStatus.NEEDS_REVIEW}),
    RefundStatus.NEEDS_REVIEW: frozenset({RefundStatus.PROCESSED, RefundStatus.FAILED}),
    RefundStatus.PROCESSED: frozenset({RefundStatus.REVERSED}),
    RefundStatus.FAILED: frozenset(),
    RefundStatus.REVERSED: frozenset(),
}

FINAL: Final = frozenset({RefundStatus.PROCESSED, RefundStatus.FAILED, RefundStatus.REVERSED})
"""Statuses in which a refund needs no workflow. A processed one may still be reversed: a new run records that."""


TAKES: Final = frozenset({RefundStatus.PENDING, RefundStatus.PROCESSED, RefundStatus.NEEDS_REVIEW})
"""Statuses in which a refund's amount is given back or promised, so that it cannot be refunded again."""


@dataclass(frozen=True)
class NewRefund:
    """A refund to be reserved. amount_minor None: all that is left. asked_by: the actor for the audit log.

    of_one_capture: the gateway gives back from one capture at a time. total_max_minor: what the payment's refunds may
    come to together without a step-up; None: no such limit.
    """

    id: str
    merchant_id: str
    payment_id: str
    amount_minor: int | None
    reason: str | None = None
    asked_by: Actor | None = None
    of_one_capture: bool = False
    total_max_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """The part of a refund that the rules need; amount in minor units.

    baseline: what the gateway said before the refund was sent, for connectors that compare; empty: it is being read.
    """

    id: str
    merchant_id: str
    payment_id: str
    amount_minor: int
    currency: str
    gateway: str
    gateway_id: str
    status: RefundStatus
    capture_id: str | None = None
    gateway_reference: str | None = None
    error_code: str | None = None
    error_description: str | None = None
    baseline: str | None = None
    version: int = 0
    last_step: str = "created"

    @property
    def money(self) -> Money:
        """The amount given back."""
        return Money(self.amount_minor, self.currency)


def begun(new: NewRefund, payment: Payment, amount_minor: int, capture_id: str | None) -> Refund:
    """Return the refund as it is reserved, before anything happened."""
    return Refund(
        id=new.id,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        amount_minor=amount_minor,
        currency=payment.currency,
        gateway=payment.gateway,
        gateway_id=payment.gateway_id,
        capture_id=capture_id,
        status=RefundStatus.PENDING,
    )


@dataclass(frozen=True, slots=True)
class RefundChange:
    """One step of a refund; the fields are those of `clearway.domain.payment.Change`.

    moved_minor: what the gateway paid out, when a review found another amount than was requested.
    """

    step: str
    to: RefundStatus
    reason: str
    actor: str = "system"
    gateway_reference: str | None = None
    error_code: str | None = None
    error_description: str | None = None
    moved_minor: int | None = None
    decided_by: Actor | None = None


@dataclass(frozen=True, slots=True)
class RefundApplied:
    """The result of a change.

    pending_delta_minor and refunded_delta_minor are added to the payment's amounts in the same transaction.
    """

    refund: Refund
    event: EventType
    transactions: tuple[LedgerTransaction, ...]
    pending_delta_minor: int = 0
    refunded_delta_minor: int = 0


def apply_refund_change(refund: Refund, change: RefundChange) -> RefundApplied:
    """Return what `change` makes of `refund`, or raise MoveRefusedError."""
    _check_refund_move(refund, change)
    changed = replace(
        refund,
        status=change.to,
        gateway_reference=change.gateway_reference or refund.gateway_reference,
        error_code=change.error_code,
        error_description=change.error_description,
        version=refund.version + 1,
        last_step=change.step,
    )
    event = EventType(f"refund.{change.to}")
    amount = refund.amount_minor
    match change.to:
        case RefundStatus.PROCESSED:
            moved = Money(amount if change.moved_minor is None else change.moved_minor, refund.currency)
            changed = replace(changed, amount_minor=moved.amount_minor)
            booked = ledger.refund_processed(refund.id, refund.merchant_id, refund.gateway_id, refund.money, moved)
            return RefundApplied(changed, event, (booked,), -amount, moved.amount_minor)
        case RefundStatus.FAILED:
            booked = ledger.refund_failed(refund.id, refund.merchant_id, refund.money)
            return RefundApplied(changed, event, (booked,), -amount, 0)
        case RefundStatus.REVERSED:
            booked = ledger.refund_reversed(refund.id, refund.merchant_id, refund.gateway_id, refund.money)
            return RefundApplied(changed, event, (booked,), 0, -amount)
        case _:
            return RefundApplied(changed, event, ())


def _check_refund_move(refund: Refund, change: RefundChange) -> None:
    if change.to not in MOVES[refund.status]:
        message = f"refund {refund.id} is {refund.status} and cannot become {change.to}"
        raise MoveRefusedError(message)
    if change.moved_minor is None:
        return
    if change.to is not RefundStatus.PROCESSED or refund.status is not RefundStatus.NEEDS_REVIEW:
        message = f"refund {refund.id}: an amount goes only with `processed`, at the end of a review"
        raise MoveRefusedError(message)
    if change.moved_minor <= 0:
        message = f"refund {refund.id}: {change.moved_minor} moved; say `failed` when nothing did"
        raise MoveRefusedError(message)
