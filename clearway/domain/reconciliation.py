"""Reconciliation: the comparison of what Clearway recorded with what a gateway reports. Pure.

Three comparisons: operations (ours with the gateway's list), balance (money moved with the rows of the gateway's
balance, their fees and rates), payouts (each with its rows, and with lines of the bank account). What differs is an
item with its money at risk. An item is closed by a person, or by a later run that finds the difference gone. The
record is never edited: a correction is a further entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Final

from clearway.domain.fx import converted_minor
from clearway.domain.ledger import SettledAmounts
from clearway.domain.money import exponent
from clearway.domain.settlement import BalanceKind

RATE_TOLERANCE: Final = Decimal("0.001")
"""Of a converted amount: 0.1 %. One minor unit is always tolerated, because it is a rounding."""
WHOLE_REFERENCE: Final = Decimal(1)
NEAR_END: Final = timedelta(minutes=15)
"""So close to the end of a period, one side may be recorded before it and the other after: a later run judges."""


class RunStatus(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Step(StrEnum):
    """The steps of a run, in their order. Each is done in pages."""

    OPERATIONS = "operations"
    ROWS = "rows"
    PAYOUTS = "payouts"
    PAYOUT_ROWS = "payout_rows"
    BOOK = "book"
    COMPARE_OPERATIONS = "compare_operations"
    COMPARE_UNLISTED = "compare_unlisted"
    COMPARE_PAYMENTS = "compare_payments"
    COMPARE_REFUNDS = "compare_refunds"
    COMPARE_PAYOUTS = "compare_payouts"
    COMPARE_BANK = "compare_bank"
    DONE = "done"

    @property
    def following(self) -> Step:
        """The next step."""
        steps = list(Step)
        return steps[min(steps.index(self) + 1, len(steps) - 1)]


class Comparison(StrEnum):
    """Which comparison found an item."""

    OPERATIONS = "operations"
    BALANCE = "balance"
    PAYOUTS = "payouts"


class ItemKind(StrEnum):
    """What differs."""

    MISSING_AT_GATEWAY = "missing_at_gateway"
    MISSING_WITH_US = "missing_with_us"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    STATE_DIFFERS = "state_differs"
    DUPLICATE_AT_GATEWAY = "duplicate_at_gateway"
    FEE_UNEXPECTED = "fee_unexpected"
    FX_OUTSIDE_TOLERANCE = "fx_outside_tolerance"
    LATE = "late"
    DISPUTE_UNBOOKED = "dispute_unbooked"
    REVERSED_PAYMENT = "reversed_payment"
    PAYOUT_SHORT = "payout_short"
    PAYOUT_OVER = "payout_over"
    UNMATCHED_BANK_LINE = "unmatched_bank_line"
    TOO_EARLY = "too_early"
    DATA_UNREADABLE = "data_unreadable"


MEANINGS: Final = {
    ItemKind.MISSING_AT_GATEWAY: (
        "We recorded that money moved, and the gateway does not report it. Look the payment up at the gateway before "
        "you rely on the money."
    ),
    ItemKind.MISSING_WITH_US: (
        "The gateway reports money that Clearway did not record. If Clearway made the payment, it records it again. "
        "Otherwise refund it at the gateway, or close the item as explained."
    ),
    ItemKind.AMOUNT_DIFFERS: (
        "The gateway moved another amount than we recorded. Compare the payment with its dashboard."
    ),
    ItemKind.CURRENCY_DIFFERS: "The gateway settled in another currency without an exchange rate. Ask the gateway.",
    ItemKind.STATE_DIFFERS: (
        "The gateway shows another state than we recorded, such as a refund made in its dashboard. Look it up there."
    ),
    ItemKind.DUPLICATE_AT_GATEWAY: (
        "The gateway took the money more than once. Refund the second charge at the gateway, then mark this corrected."
    ),
    ItemKind.FEE_UNEXPECTED: "The fee is not what the gateway's settings expect. Compare it with your contract.",
    ItemKind.FX_OUTSIDE_TOLERANCE: "The converted amount does not fit the exchange rate of the row. Ask the gateway.",
    ItemKind.LATE: "The gateway reported it later than it usually does. The money is complete; there is nothing to do.",
    ItemKind.DISPUTE_UNBOOKED: "A customer disputes the payment and the gateway took the money back. Answer it there.",
    ItemKind.REVERSED_PAYMENT: "The bank took the payment back without a refund. Do not deliver; ask the customer.",
    ItemKind.PAYOUT_SHORT: (
        "Less was paid out than the rows of the payout add up to. Ask the gateway for the difference."
    ),
    ItemKind.PAYOUT_OVER: (
        "More was paid out than the rows of the payout add up to. Expect the gateway to claim it back."
    ),
    ItemKind.UNMATCHED_BANK_LINE: "A line of the bank account fits no payout. Find out who paid it.",
    ItemKind.TOO_EARLY: "It is too young to be judged: the gateway may not report it yet. A later run looks again.",
    ItemKind.DATA_UNREADABLE: "A row of the gateway could not be read, so its money is not compared. Look at it there.",
}
"""What each kind means for the money, and what to do next."""

SELF_CLOSING: Final = frozenset(
    {
        ItemKind.TOO_EARLY,
        ItemKind.MISSING_AT_GATEWAY,
        ItemKind.MISSING_WITH_US,
        ItemKind.AMOUNT_DIFFERS,
        ItemKind.STATE_DIFFERS,
    }
)
"""Kinds that a later run closes by itself when it finds the difference gone. The others need a person."""


class ItemState(StrEnum):
    """The state of an item."""

    OPEN = "open"
    EXPLAINED = "explained"
    CORRECTED = "corrected"
    WRITTEN_OFF = "written_off"


CLEARWAY: Final = "clearway"
"""The actor of what a run closes by itself."""


class Severity(StrEnum):
    """How soon a person should look."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


HIGH_FROM_UNITS: Final = 100
"""Money at risk from this many whole units of the currency is of high severity."""
_HARMLESS: Final = frozenset({ItemKind.TOO_EARLY, ItemKind.LATE})
_URGENT: Final = frozenset({ItemKind.DUPLICATE_AT_GATEWAY, ItemKind.MISSING_WITH_US, ItemKind.DISPUTE_UNBOOKED})


@dataclass(frozen=True, slots=True)
class Window:
    """What a run compares of one list: [since, until). complete_until: what is older is in the list."""

    gateway_id: str
    merchant_id: str
    since: datetime
    until: datetime
    complete_until: datetime

    def is_young(self, moment: datetime | None) -> bool:
        """Return whether something is too young to be judged: the gateway may not report it yet."""
        return moment is not None and moment > min(self.complete_until, self.until - NEAR_END)


def operation_subject(operation_id: str) -> str:
    """Return the subject of items about an operation. operation_id: our operation key, or the gateway's id of it."""
    return f"operation/{operation_id}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference before it is stored. subject names what differs, once for its comparison and kind."""

    comparison: Comparison
    kind: ItemKind
    subject: str
    at_risk_minor: int
    currency: str | None
    expected_minor: int | None = None
    found_minor: int | None = None
    payment_id: str | None = None
    refund_id: str | None = None
    reference: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How soon a person should look."""
        if self.kind in _HARMLESS:
            return Severity.INFO
        if self.kind in _URGENT:
            return Severity.HIGH
        unit = 10 ** exponent(self.currency) if self.currency else 1
        if self.at_risk_minor >= HIGH_FROM_UNITS * unit:
            return Severity.HIGH
        return Severity.MEDIUM if self.at_risk_minor >= unit else Severity.LOW


@dataclass(frozen=True, slots=True)
class ExpectedFee:
    """What a gateway should keep of a charge: a percentage and a fixed amount, within a tolerance."""

    percent: Decimal
    fixed_minor: int
    tolerance_minor: int = 1

    def of(self, gross_minor: int, charges: int) -> int:
        """Return the expected fee of so many charges that add up to `gross_minor`."""
        share = (Decimal(gross_minor) * self.percent / 100).quantize(WHOLE_REFERENCE, ROUND_HALF_UP)
        return int(share) + charges * self.fixed_minor


@dataclass(frozen=True, slots=True)
class Moved:
    """What we recorded of a payment or refund. amount_minor: signed, a refund is negative.

    times: how many movements it is. fresh: the newest is too young to be judged.
    """

    subject: str
    payment_id: str
    refund_id: str | None
    amount_minor: int
    currency: str
    times: int
    latest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRow(SettledAmounts):
    """What is needed of a stored balance row."""

    id: str
    kind: BalanceKind
    created_at: datetime
    listed_at: datetime
    exchange_rate: Decimal | None = None


def compare_settled(
    ours: Moved, rows: Sequence[SettledRow], *, too_early: bool, fee: ExpectedFee | None = None
) -> list[Finding]:
    """Compare what we recorded with the gateway's balance rows. The tolerance of the amount is zero."""
    if not rows:
        if not ours.amount_minor:
            return []
        kind = ItemKind.TOO_EARLY if too_early else ItemKind.MISSING_AT_GATEWAY
        return [_finding(ours, kind, abs(ours.amount_minor), 0)]
    currencies = {row.moved[1] for row in rows}
    if currencies != {ours.currency}:
        other = ", ".join(sorted(currencies))
        return [_finding(ours, ItemKind.CURRENCY_DIFFERS, abs(ours.amount_minor), None, {"currency": other})]
    total = sum(row.moved[0] for row in rows)
    found = [] if total == ours.amount_minor else [_amount_finding(ours, rows, total, too_early=too_early)]
    return [*found, *_conversions(ours, rows), *_fees(ours, rows, fee)]


def compare_payout(
    payout_id: str, amount_minor: int, currency: str, paid_minor: int, *, detail: dict[str, Any] | None = None
) -> list[Finding]:
    """Compare a payout with what should have been paid: the sum of its rows, or the payout itself for a bank line."""
    if amount_minor == paid_minor:
        return []
    kind = ItemKind.PAYOUT_SHORT if paid_minor < amount_minor else ItemKind.PAYOUT_OVER
    risk = abs(amount_minor - paid_minor)
    return [
        Finding(
            Comparison.PAYOUTS,
            kind,
            f"payout/{payout_id}",
            risk,
            currency,
            expected_minor=amount_minor,
            found_minor=paid_minor,
            reference=payout_id,
            detail=detail or {},
        )
    ]


def is_row_late(row: SettledRow, lag_s: float) -> bool:
    """Return whether the gateway listed a row later than it declares."""
    return (row.listed_at - row.created_at).total_seconds() > lag_s


def _amount_finding(ours: Moved, rows: Sequence[SettledRow], total: int, *, too_early: bool) -> Finding:
    risk = abs(total - ours.amount_minor)
    if too_early:
        return _finding(ours, ItemKind.TOO_EARLY, risk, total)
    if not ours.amount_minor:
        return _finding(ours, ItemKind.STATE_DIFFERS, risk, total)
    forward = [row for row in rows if (row.moved[0] > 0) == (ours.amount_minor > 0)]
    more = abs(total) > abs(ours.amount_minor)
    kind = ItemKind.DUPLICATE_AT_GATEWAY if more and len(forward) > ours.times else ItemKind.AMOUNT_DIFFERS
    return _finding(ours, kind, risk, total, {"rows": [row.id for row in rows][:20]})


def _conversions(ours: Moved, rows: Sequence[SettledRow]) -> list[Finding]:
    wrong = []
    for row in rows:
        if row.exchange_rate is None or row.customer_minor is None or row.customer_currency is None:
            continue
        expected = converted_minor(row.customer_minor, row.customer_currency, row.currency, row.exchange_rate)
        off = abs(row.gross_minor - expected)
        if off > 1 and off > abs(expected) * RATE_TOLERANCE:
            wrong.append((row, expected, off))
    if not wrong:
        return []
    row, expected, _ = wrong[0]
    detail = {"row": row.id, "exchange_rate": str(row.exchange_rate)}
    risk = sum(off for _, _, off in wrong)
    return [
        Finding(
            Comparison.BALANCE,
            ItemKind.FX_OUTSIDE_TOLERANCE,
            ours.subject,
            risk,
            row.currency,
            expected_minor=expected,
            found_minor=row.gross_minor,
            payment_id=ours.payment_id,
            refund_id=ours.refund_id,
            reference=row.id,
            detail=detail,
        )
    ]


def _fees(ours: Moved, rows: Sequence[SettledRow], fee: ExpectedFee | None) -> list[Finding]:
    charges = [row for row in rows if row.kind is BalanceKind.CHARGE]
    if fee is None or not charges:
        return []
    gross, times = sum(row.gross_minor for row in charges), sum(row.gross_minor > 0 for row in charges)
    kept, expected = sum(row.fee_minor for row in charges), fee.of(gross, times)
    if abs(kept - expected) <= fee.tolerance_minor * times:
        return []
    return [
        Finding(
            Comparison.BALANCE,
            ItemKind.FEE_UNEXPECTED,
            ours.subject,
            abs(kept - expected),
            charges[0].currency,
            expected_minor=expected,
            found_minor=kept,
            payment_id=ours.payment_id,
            refund_id=ours.refund_id,
        )
    ]


def _finding(
    ours: Moved, kind: ItemKind, risk: int, found_minor: int | None, detail: dict[str, Any] | None = None
) -> Finding:
    return Finding(
        Comparison.BALANCE,
        kind,
        ours.subject,
        risk,
        ours.currency,
        expected_minor=ours.amount_minor,
        found_minor=found_minor,
        payment_id=ours.payment_id,
        refund_id=ours.refund_id,
        detail=detail or {},
    )
