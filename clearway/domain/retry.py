"""Retries of a payment whose attempt failed: when the next attempt is made, and when a merchant may ask for one. Pure.

A payment with a policy does not fail with its attempt: it is `retrying` until the next attempt, until the merchant
retries or cancels it, or until the policy's time is over. `failed` comes after the last attempt, and stays final.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clearway.domain.payment import Payment, PaymentStatus

RETRIES_MAX: Final = 5
"""Scheduled attempts of one payment, after the first."""
RETRIES_BY_HAND_MAX: Final = 20
"""Attempts of one payment that merchants ask for and schedules make, together."""
RETRY_WITHIN_S_MAX: Final = 30 * 24 * 3600
FACTOR: Final = 3
"""Each wait is this many times the one before."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The retries of one payment, fixed when it is made.

    scheduled: attempts after a passing decline, at most. first_wait_s: before the first of them; each further wait is
    FACTOR times as long. within_s: after the payment was made; then it fails.
    """

    scheduled: int
    first_wait_s: float
    within_s: float

    def ends_at(self, created_at: datetime) -> datetime:
        """Return when the payment fails unless another attempt is made."""
        return created_at + timedelta(seconds=self.within_s)

    def next_at(self, made: int, now: datetime, worth_again_s: int | None, ends_at: datetime) -> datetime | None:
        """Return when the next scheduled attempt is made; None: none is. made: how many retries there were.

        worth_again_s: how long the error table says to wait at least; None: the same instrument is not worth a try.
        """
        if worth_again_s is None or made >= self.scheduled:
            return None
        at = now + timedelta(seconds=max(self.first_wait_s * FACTOR**made, worth_again_s))
        return at if at < ends_at else None


def retry_refusal(payment: Payment, retries_made: int) -> str | None:
    """Return why a merchant cannot retry the payment now, or None."""
    if payment.status is PaymentStatus.RETRYING:
        if retries_made < RETRIES_BY_HAND_MAX:
            return None
        return (
            f"Payment {payment.id} has had {retries_made} retries, the most that are allowed. Nothing was charged. "
            "Cancel it, and make a new payment."
        )
    return refusal_by_status(payment.id, payment.status)


def refusal_by_status(payment_id: str, status: PaymentStatus) -> str:
    """Return why a payment that is not retrying cannot be retried."""
    if status in {PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED}:
        return (
            f"Payment {payment_id} is {status}, and that is final. Nothing was charged by this request. Make "
            "another payment of the order; with `retries` it can be retried after a decline."
        )
    return (
        f"Payment {payment_id} is {status}; only a payment that is retrying can be retried. "
        "Nothing was charged by this request."
    )
