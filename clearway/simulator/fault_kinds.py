"""The faults of the simulator, and the class of each. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FaultKind(StrEnum):
    """One way in which a gateway misbehaves. `WORDS` says what each does."""

    EXECUTED_THEN_TIMEOUT = "executed_then_timeout"
    EXECUTED_THEN_DROPPED = "executed_then_dropped"
    ERROR_AFTER_CHARGE = "error_after_charge"
    ERROR_BEFORE = "error_before"
    DROPPED_BEFORE = "dropped_before"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND_YET = "not_found_yet"
    WRONG_AMOUNT = "wrong_amount"
    MALFORMED = "malformed"
    SLOW = "slow"
    DUPLICATE_WEBHOOK = "duplicate_webhook"
    LATE_WEBHOOK = "late_webhook"
    REORDERED_WEBHOOK = "reordered_webhook"
    NO_WEBHOOK = "no_webhook"
    ROW_MISSING = "row_missing"
    ROW_LATE = "row_late"
    ROW_TWICE = "row_twice"
    ROW_WRONG_AMOUNT = "row_wrong_amount"
    ROW_WRONG_FEE = "row_wrong_fee"
    ROW_WRONG_RATE = "row_wrong_rate"
    ROW_WRONG_CURRENCY = "row_wrong_currency"
    ROW_UNREADABLE = "row_unreadable"
    ROW_DISPUTED = "row_disputed"
    ROW_REVERSED = "row_reversed"
    PAYOUT_SHORT = "payout_short"
    PAYOUT_OVER = "payout_over"


WORDS: Final = {
    FaultKind.EXECUTED_THEN_TIMEOUT: "Executed; the answer does not come (504 after `delay_s`, 60 s by default).",
    FaultKind.EXECUTED_THEN_DROPPED: "Executed; the connection is closed without an answer.",
    FaultKind.ERROR_AFTER_CHARGE: "Executed; the answer is 500.",
    FaultKind.ERROR_BEFORE: "Not executed; 503.",
    FaultKind.DROPPED_BEFORE: "Not executed; the connection is closed without an answer.",
    FaultKind.RATE_LIMITED: "Not executed; 429 with Retry-After (`retry_after_s`).",
    FaultKind.NOT_FOUND_YET: (
        "Look-up answers 404 although the operation exists: `times` times, or until `delay_s` after it was accepted."
    ),
    FaultKind.WRONG_AMOUNT: "Another amount than requested is really moved and reported.",
    FaultKind.MALFORMED: "Executed; the answer is 200 with a body cut off in the middle.",
    FaultKind.SLOW: "Executed; the answer comes `delay_s` later (2 s by default), or when the rule is removed.",
    FaultKind.DUPLICATE_WEBHOOK: "The webhook is sent twice, with the same event id.",
    FaultKind.LATE_WEBHOOK: "The webhook is sent `delay_s` later (15 s by default).",
    FaultKind.REORDERED_WEBHOOK: (
        'After the event of the decision comes an older event, that says "processing" (`delay_s`, 0.5 s).'
    ),
    FaultKind.NO_WEBHOOK: "The webhook is never sent.",
    FaultKind.ROW_MISSING: "No balance row of the movement; of an operation (`listing`): it is left out of the list.",
    FaultKind.ROW_LATE: "The balance row is listed `delay_s` later (3,600 s by default).",
    FaultKind.ROW_TWICE: "A second balance row of the same movement, with another id.",
    FaultKind.ROW_WRONG_AMOUNT: "The balance row is of one unit of the currency less.",
    FaultKind.ROW_WRONG_FEE: "The fee is one unit of the currency higher.",
    FaultKind.ROW_WRONG_RATE: "The amount is converted at a rate that is 5 % worse than the row says.",
    FaultKind.ROW_WRONG_CURRENCY: "The movement settles in another currency, without a rate.",
    FaultKind.ROW_UNREADABLE: "The amount of the row is no number.",
    FaultKind.ROW_DISPUTED: "A second row: the customer disputes the charge.",
    FaultKind.ROW_REVERSED: "A second row: the bank takes the charge back.",
    FaultKind.PAYOUT_SHORT: "The payout of this row is one unit of the currency lower than its rows.",
    FaultKind.PAYOUT_OVER: "The payout of this row is one unit of the currency higher than its rows.",
}
"""What the gateway does, for people."""
assert WORDS.keys() == set(FaultKind), "every fault has its words"

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
