"""Reviews: a gateway reported something that contradicts a payment or refund after its end.

The report does not change the payment or refund. An operator compares both with the gateway's own records, corrects the
money there or by a refund, and closes the review with the finding.
"""

from __future__ import annotations

from enum import StrEnum


class SubjectType(StrEnum):
    """What a review, an event or an audit row is about."""

    PAYMENT = "payment"
    REFUND = "refund"


class ReviewKind(StrEnum):
    """How a gateway's report contradicts the record."""

    TAKEN_AFTER_END = "taken_after_end"
    DECLINED_AFTER_SUCCESS = "declined_after_success"
    NOT_RELEASED = "not_released"
    AMOUNT_DIFFERS = "amount_differs"
    CAPTURE_NOT_RECORDED = "capture_not_recorded"
    REFUNDED_AFTER_FAILURE = "refunded_after_failure"
    REFUND_DECLINED_AFTER_PROCESSED = "refund_declined_after_processed"


DESCRIPTIONS = {
    ReviewKind.TAKEN_AFTER_END: (
        "The gateway reports that it took the money, but the payment had ended without. Look the payment up at the "
        "gateway. If the money was taken, give it back there."
    ),
    ReviewKind.DECLINED_AFTER_SUCCESS: (
        "The gateway reports that it declined the payment, but it was recorded as a success. Look the payment up at "
        "the gateway before you deliver, or refund."
    ),
    ReviewKind.NOT_RELEASED: (
        "The gateway reports that it did not release the authorisation, but the payment was recorded as ended without "
        "money. The amount may stay reserved on the customer's account, or be taken. Release it at the gateway."
    ),
    ReviewKind.AMOUNT_DIFFERS: (
        "The gateway reports another amount than was recorded. Compare the payment with the gateway's statement."
    ),
    ReviewKind.CAPTURE_NOT_RECORDED: (
        "The gateway reports a capture that was not recorded. If the money was taken, give it back at the gateway."
    ),
    ReviewKind.REFUNDED_AFTER_FAILURE: (
        "The gateway reports that it paid a refund out, but the refund was recorded as failed. Do not refund again "
        "before you have looked it up at the gateway."
    ),
    ReviewKind.REFUND_DECLINED_AFTER_PROCESSED: (
        "The gateway reports that a refund failed, but it was recorded as processed. The customer may not have the "
        "money. Look the refund up at the gateway."
    ),
}
"""What each kind means for the money, and what to do next; shown to merchants and operators."""
