"""The faults of the simulator, and the class of each. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FaultKind(StrEnum):
    """One way in which a gateway misbehaves."""

    EXECUTED_THEN_TIMEOUT = "executed_then_timeout"
    """Executed; the answer does not come (504 after `delay_s`, 60 s by default)."""
    EXECUTED_THEN_DROPPED = "executed_then_dropped"
    """Executed; the connection is closed without an answer."""
    ERROR_AFTER_CHARGE = "error_after_charge"
    """Executed; the answer is 500."""
    ERROR_BEFORE = "error_before"
    """Not executed; 503."""
    DROPPED_BEFORE = "dropped_before"
    """Not executed; the connection is closed without an answer."""
    RATE_LIMITED = "rate_limited"
    """Not executed; 429 with Retry-After (`retry_after_s`)."""
    NOT_FOUND_YET = "not_found_yet"
    """Look-up answers 404 although the operation exists: `times` times, or until `delay_s` after it was accepted."""
    WRONG_AMOUNT = "wrong_amount"
    """Another amount than requested is really moved and reported."""
    MALFORMED = "malformed"
    """Executed; the answer is 200 with a body cut off in the middle."""
    SLOW = "slow"
    """Executed; the answer comes `delay_s` later (2 s by default)."""
    DUPLICATE_WEBHOOK = "duplicate_webhook"
    """The webhook is sent twice, with the same event id."""
    LATE_WEBHOOK = "late_webhook"
    """The webhook is sent `delay_s` later (15 s by default)."""
    REORDERED_WEBHOOK = "reordered_webhook"
    """After the event of the decision comes an older event, that says "processing" (`delay_s`, 0.5 s)."""
    NO_WEBHOOK = "no_webhook"
    """The webhook is never sent."""
    ROW_MISSING = "row_missing"
    """No balance row of the movement; of an operation (`listing`): it is left out of the list."""
    ROW_LATE = "row_late"
    """The balance row is listed `delay_s` later (3,600 s by default)."""
    ROW_TWICE = "row_twice"
    """A second balance row of the same movement, with another id."""
    ROW_WRONG_AMOUNT = "row_wrong_amount"
    """The balance row is of one unit of the currency less."""
    ROW_WRONG_FEE = "row_wrong_fee"
    """The fee is one unit of the currency higher."""
    ROW_WRONG_RATE = "row_wrong_rate"
    """The amount is converted at a rate that is 5 % worse than the row says."""
    ROW_WRONG_CURRENCY = "row_wrong_currency"
    """The movement settles in another currency, without a rate."""
    ROW_UNREADABLE = "row_unreadable"
    """The amount of the row is no number."""
    ROW_DISPUTED = "row_disputed"
    """A second row: the customer disputes the charge."""
    ROW_REVERSED = "row_reversed"
    """A second row: the bank takes the charge back."""
    PAYOUT_SHORT = "payout_short"
    """The payout of this row is one unit of the currency lower than its rows."""
    PAYOUT_OVER = "payout_over"
    """The payout of this row is one unit of the currency higher than its rows."""


NOT_EXECUTED: Final = frozenset({FaultKind.ERROR_BEFORE, FaultKind.DROPPED_BEFORE, FaultKind.RATE_LIMITED})
WEBHOOK_FAULTS: Final = frozenset(
    {
        FaultKind.DUPLICATE_WEBHOOK,
        FaultKind.LATE_WEBHOOK,
        FaultKind.REORDERED_WEBHOOK,
        FaultKind.NO_WEBHOOK,
    }
)
SETTLEMENT_FAULTS: Final = frozenset(kind for kind in FaultKind if kind.value.startswith(("row_", "payout_")))
"""Faults of what the gateway reports, not of its answers: for the operations `settlement` and `listing`."""
DEFAULT_DELAYS_S: Final = {
    FaultKind.EXECUTED_THEN_TIMEOUT: 60.0,
    FaultKind.SLOW: 2.0,
    FaultKind.LATE_WEBHOOK: 15.0,
    FaultKind.REORDERED_WEBHOOK: 0.5,
    FaultKind.ROW_LATE: 3_600.0,
}
