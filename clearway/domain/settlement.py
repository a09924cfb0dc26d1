"""Settled money: the kinds of balance rows, and the states of payouts. Pure."""

from __future__ import annotations

from enum import StrEnum


class BalanceKind(StrEnum):
    """Why the balance at a gateway moved."""

    CHARGE = "charge"
    """Money of customers, or what is released of it: the rows of a payment add up to what was captured."""
    REFUND = "refund"
    """Money given back, or a refund that failed and came back: the rows of a refund add up to it."""
    DISPUTE = "dispute"
    REVERSAL = "reversal"
    """A payment that the bank or the gateway took back, without a refund of the merchant."""
    FEE = "fee"
    PAYOUT = "payout"
    """Money sent to the merchant's bank account, or a payout that failed and came back."""
    CONVERSION = "conversion"
    """One side of a conversion that the gateway reports as rows of its own: the other is in another currency."""
    ADJUSTMENT = "adjustment"
    """All else, such as reserves and corrections of the gateway."""


class PayoutStatus(StrEnum):
    """The state of a payout at the gateway."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
