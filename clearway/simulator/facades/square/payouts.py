"""Payouts and their entries, over the simulator's own settlement. Reads; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from clearway.domain.settlement import BalanceKind
from clearway.simulator.facades.square.accounts import Accounts
from clearway.simulator.facades.square.books import Books, Kind
from clearway.simulator.facades.square.calls import CHANNEL
from clearway.simulator.facades.square.errors import missing
from clearway.simulator.facades.square.lists import page_of, seconds
from clearway.simulator.facades.square.parameters import EntryListing, PayoutListing
from clearway.simulator.facades.square.views import moment, money
from clearway.simulator.settlement import PaidOut, Settled, Settlement, Wanted

ALL_MAX: Final = 100_000
FAR: Final = float(2**40)
_TYPES: Final = {
    BalanceKind.CHARGE: "CHARGE",
    BalanceKind.REFUND: "REFUND",
    BalanceKind.DISPUTE: "DISPUTE",
    BalanceKind.FEE: "FEE",
}


@dataclass(frozen=True, slots=True)
class Payouts:
    """The lists of payouts and of entries."""

    settlement: Settlement
    books: Books
    accounts: Accounts

    def list(self, account: str, asked: PayoutListing) -> dict[str, Any]:
        """Return a page of payouts: of the main location, unless another is asked for."""
        location = self.accounts.location(account, asked.location_id)
        span = (seconds(asked.begin_time), seconds(asked.end_time, FAR))
        found = self.settlement.payouts(Wanted(CHANNEL, account, *span), 0, ALL_MAX)
        bodies = [_payout(one, location["id"]) for one in found if one.currency == location["currency"]]
        wanted = [body for body in bodies if asked.status in {None, body["status"]}]
        return page_of("payouts", wanted if asked.sort_order == "ASC" else wanted[::-1], asked.cursor, asked.limit)

    def entries(self, account: str, payout_id: str, asked: EntryListing) -> dict[str, Any]:
        """Return a page of the entries of a payout. Raises SquareError (404)."""
        if self.settlement.payout(CHANNEL, account, payout_id) is None:
            raise missing("payout", payout_id)
        found = self.settlement.rows_of_payout(payout_id, 0, ALL_MAX)
        bodies = [self._entry(row) for row in found if row.kind is not BalanceKind.PAYOUT]
        return page_of(
            "payout_entries", bodies if asked.sort_order == "ASC" else bodies[::-1], asked.cursor, asked.limit
        )

    def _entry(self, row: Settled) -> dict[str, Any]:
        name = _TYPES.get(row.kind, "OTHER_ADJUSTMENT")
        gross = money(row.gross, row.currency)
        if not row.readable:
            gross["amount"] = "n/a"
        return {
            "id": f"poe_{row.id[4:]}",
            "payout_id": row.payout,
            "effective_at": moment(row.created_at),
            "type": name,
            "gross_amount_money": gross,
            "fee_amount_money": money(row.fee, row.currency),
            "net_amount_money": money(row.gross - row.fee, row.currency),
            f"type_{name.lower()}_details": self._source(row),
        }

    def _source(self, row: Settled) -> dict[str, Any]:
        """Return the payment of a row, and the refund."""
        made_by = self.books.of_operation(row.operation_key or "")
        if made_by is not None and made_by.kind is Kind.REFUND:
            return {"payment_id": made_by.parent, "refund_id": made_by.id}
        payment = self.books.of_payment(row.payment_reference or "")
        return {} if payment is None else {"payment_id": payment.id}


def _payout(payout: PaidOut, location_id: str) -> dict[str, Any]:
    at = moment(payout.created_at)
    return {
        "id": payout.id,
        "status": "PAID",
        "location_id": location_id,
        "created_at": at,
        "updated_at": at,
        "amount_money": money(payout.amount, payout.currency),
        "destination": {"type": "BANK_ACCOUNT", "id": f"bact:{location_id}"},
        "version": 1,
        "type": "BATCH",
        "arrival_date": at[:10],
        "end_to_end_id": payout.bank_reference,
    }
