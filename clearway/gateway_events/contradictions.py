"""Whether a gateway's report contradicts the row of an ended payment or refund.

Pure rules. The operation of a report is the middle of its key, `<id>:<operation>:<n>`. Late reports (a void that was
done, a capture that is recorded) agree with the row and are no contradiction.
"""

from __future__ import annotations

from datetime import datetime

from clearway.db.across_merchants import Subject
from clearway.domain.ids import REVIEW, new_id
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import ContradictionResource
from clearway.domain.review import DESCRIPTIONS, ReviewKind, SubjectType
from clearway.gateways.contract import GatewayOutcome, OperationKind, OutcomeKind

ENDED_WITHOUT_MONEY = frozenset({PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED})


def contradiction(subject: Subject, operation: str, outcome: GatewayOutcome, *, number: int = 1) -> ReviewKind | None:
    """Return how a report contradicts the row of an ended payment or refund, or None. number: of the operation."""
    if outcome.kind not in {OutcomeKind.APPROVED, OutcomeKind.DECLINED}:
        return None
    if subject.type is SubjectType.REFUND:
        return _of_refund(subject, outcome)
    return _of_payment(subject, operation, outcome, number)


def resource_of(kind: ReviewKind, reported: GatewayOutcome, subject: Subject, now: datetime) -> ContradictionResource:
    """Describe a contradiction under a fresh review id, as merchants receive it."""
    return ContradictionResource(
        id=new_id(REVIEW),
        kind=kind,
        description=DESCRIPTIONS[kind],
        payment_id=subject.payment_id,
        refund_id=subject.id if subject.type is SubjectType.REFUND else None,
        recorded_status=subject.status,
        recorded_amount=subject.amount_minor,
        reported_outcome="approved" if reported.kind is OutcomeKind.APPROVED else "declined",
        reported_amount=reported.amount_minor,
        reported_currency=reported.currency,
        opened_at=now,
    )


def _of_payment(subject: Subject, operation: str, outcome: GatewayOutcome, number: int) -> ReviewKind | None:
    match operation:
        case OperationKind.AUTHORISE if subject.is_former_attempt(number):
            return _of_former_attempt(outcome)
        case OperationKind.AUTHORISE:
            return _of_authorisation(subject, outcome)
        case OperationKind.VOID:
            return _of_void(subject, outcome)
        case OperationKind.CAPTURE if outcome.kind is OutcomeKind.APPROVED:
            return _of_capture(subject, outcome)
        case _:
            return None


def _of_former_attempt(outcome: GatewayOutcome) -> ReviewKind | None:
    """The payment went to another gateway because this attempt took nothing: its success is money not booked."""
    return ReviewKind.CAPTURE_NOT_RECORDED if outcome.kind is OutcomeKind.APPROVED else None


def _of_authorisation(subject: Subject, outcome: GatewayOutcome) -> ReviewKind | None:
    if outcome.kind is OutcomeKind.DECLINED:
        return ReviewKind.DECLINED_AFTER_SUCCESS if subject.status == PaymentStatus.SUCCESS else None
    if subject.status in ENDED_WITHOUT_MONEY:
        # A cancelled or expired payment releases its authorisation: such a report is only late.
        kept = outcome.captured or subject.status == PaymentStatus.FAILED
        return ReviewKind.TAKEN_AFTER_END if kept else None
    return _of_amount(outcome, subject.asked_minor, subject.currency)


def _of_void(subject: Subject, outcome: GatewayOutcome) -> ReviewKind | None:
    refused = outcome.kind is OutcomeKind.DECLINED
    return ReviewKind.NOT_RELEASED if refused and subject.status in ENDED_WITHOUT_MONEY else None


def _of_capture(subject: Subject, outcome: GatewayOutcome) -> ReviewKind | None:
    if subject.status in ENDED_WITHOUT_MONEY:
        return ReviewKind.TAKEN_AFTER_END
    recorded_minor = subject.captures.get(outcome.reference)
    if recorded_minor is None:
        return ReviewKind.CAPTURE_NOT_RECORDED
    return _of_amount(outcome, recorded_minor, subject.currency)


def _of_refund(subject: Subject, outcome: GatewayOutcome) -> ReviewKind | None:
    processed = subject.status == RefundStatus.PROCESSED
    if outcome.kind is OutcomeKind.DECLINED:
        return ReviewKind.REFUND_DECLINED_AFTER_PROCESSED if processed else None
    if subject.status == RefundStatus.FAILED:
        return ReviewKind.REFUNDED_AFTER_FAILURE
    return _of_amount(outcome, subject.asked_minor, subject.currency) if processed else None


def _of_amount(outcome: GatewayOutcome, recorded_minor: int, currency: str) -> ReviewKind | None:
    if outcome.amount_minor is None or (outcome.amount_minor, outcome.currency) == (recorded_minor, currency):
        return None
    return ReviewKind.AMOUNT_DIFFERS
