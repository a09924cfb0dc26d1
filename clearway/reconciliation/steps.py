"""The steps of a run, each with what carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clearway.domain.reconciliation import Step
from clearway.reconciliation import booking, judging, listing, operations
from clearway.reconciliation.running import Read

STEPS: Final[Mapping[Step, Read]] = {
    Step.OPERATIONS: listing.operations,
    Step.ROWS: listing.rows,
    Step.PAYOUTS: listing.payouts,
    Step.PAYOUT_ROWS: listing.payout_rows,
    Step.BOOK: booking.book,
    Step.COMPARE_OPERATIONS: operations.operations,
    Step.COMPARE_UNLISTED: judging.unlisted,
    Step.COMPARE_PAYMENTS: judging.payments,
    Step.COMPARE_REFUNDS: judging.refunds,
    Step.COMPARE_PAYOUTS: judging.payouts,
    Step.COMPARE_BANK: judging.bank,
}
