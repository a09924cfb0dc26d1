"""Payments by quote: the customer pays in one currency, and the order is in another. What each movement settles.

Captures are cumulative: what is settled after a capture is the exact share of the order's amount, rounded once, and the
capture settles the difference. So the parts of a payment always sum to the order's amount, and a payment that is
refunded whole gives back exactly what it settled. The rate is that of the quote, for refunds too.
"""

from __future__ import annotations

from dataclasses import dataclass

from clearway.domain.fx import share
from clearway.domain.ledger import (
    LedgerEntry,
    LedgerKind,
    LedgerTransaction,
    fx_position,
    fx_rounding,
    merchant_payable,
)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The two sides of a payment by quote.

    amount_minor, currency: what the customer pays. exact_minor: that, before it was what gateways can express.
    settlement_minor, settlement_currency: the order. refunded_minor: what refunds have taken of it, pending ones too.
    """

    merchant_id: str
    amount_minor: int
    currency: str
    exact_minor: int
    settlement_minor: int
    settlement_currency: str
    refunded_minor: int = 0

    def settled(self, paid_minor: int) -> int:
        """Return what is settled by this much of the payment."""
        return share(paid_minor, self.amount_minor, self.settlement_minor)

    def of_refund(self, refunded_before_minor: int, refund_minor: int) -> int:
        """Return what a refund takes of the settlement. refunded_before_minor: by others, pending ones too."""
        return max(self.settled(refunded_before_minor + refund_minor) - self.refunded_minor, 0)

    def of_difference(self, refund_minor: int, booked_minor: int) -> int:
        """Return what a refund whose amount a review corrected takes, within what is left. booked_minor: so far."""
        left = self.settlement_minor - self.refunded_minor + booked_minor
        return min(self.settled(min(refund_minor, self.amount_minor)), left)

    def captured(self, capture_id: str, before_minor: int, after_minor: int) -> tuple[LedgerTransaction, ...]:
        """Return what a capture books. before_minor, after_minor: captured of the payment."""
        paid = after_minor - before_minor
        exact = self._exact(after_minor) - self._exact(before_minor)
        settled = self.settled(after_minor) - self.settled(before_minor)
        return self._moved(LedgerKind.FX_CAPTURE, capture_id, paid, exact, settled)

    def refunded(self, step: str, refund_minor: int, settled_minor: int) -> tuple[LedgerTransaction, ...]:
        """Return what a refund books; negative amounts: what a failed or reversed one gives back."""
        exact = self._exact(abs(refund_minor)) * (1 if refund_minor >= 0 else -1)
        return self._moved(LedgerKind.FX_REFUND, step, -refund_minor, -exact, -settled_minor)

    def _exact(self, paid_minor: int) -> int:
        return share(min(paid_minor, self.amount_minor), self.amount_minor, self.exact_minor)

    def _moved(
        self, kind: LedgerKind, subject: str, paid: int, exact: int, settled: int
    ) -> tuple[LedgerTransaction, ...]:
        """paid, exact, settled: signed; positive is from presentment to settlement."""
        payable, position = merchant_payable(self.merchant_id), fx_position(self.merchant_id)
        presentment = ((payable, paid), (position, -exact), (fx_rounding(self.merchant_id), exact - paid))
        settlement = ((position, settled), (payable, -settled))
        made = (
            ("presentment", self.currency, presentment),
            ("settlement", self.settlement_currency, settlement),
        )
        return tuple(
            LedgerTransaction(
                kind,
                f"{kind}/{subject}/{side}",
                currency,
                tuple(LedgerEntry(account, amount) for account, amount in lines if amount),
            )
            for side, currency, lines in made
            if any(amount for _, amount in lines)
        )
