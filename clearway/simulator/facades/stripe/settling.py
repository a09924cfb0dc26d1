"""Stripe's view of what has settled: balance transactions and payouts, over the simulator's own settlement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from clearway.domain.settlement import BalanceKind
from clearway.simulator.facades.stripe.accounts import Caller, require_secret
from clearway.simulator.facades.stripe.amounts import stripe_amount
from clearway.simulator.facades.stripe.books import Books
from clearway.simulator.facades.stripe.calls import CHANNEL
from clearway.simulator.facades.stripe.errors import missing
from clearway.simulator.facades.stripe.parameters import SettledListing, Span
from clearway.simulator.facades.stripe.views import Views
from clearway.simulator.records import Records
from clearway.simulator.settlement import RELEASED, PaidOut, Settled, Settlement, Wanted

ALL_MAX: Final = 100_000
_CATEGORIES: Final = {
    BalanceKind.CHARGE: ("charge", "charge"),
    BalanceKind.REFUND: ("refund", "refund"),
    BalanceKind.DISPUTE: ("adjustment", "dispute"),
    BalanceKind.REVERSAL: ("adjustment", "other_adjustment"),
    BalanceKind.FEE: ("stripe_fee", "fee"),
    BalanceKind.PAYOUT: ("payout", "payout"),
    BalanceKind.CONVERSION: ("adjustment", "fx"),
    BalanceKind.ADJUSTMENT: ("adjustment", "other_adjustment"),
}


@dataclass(frozen=True, slots=True)
class Settling:
    """Lists, newest first."""

    settlement: Settlement
    records: Records
    books: Books
    views: Views

    def transactions(self, caller: Caller, asked: SettledListing) -> dict[str, Any]:
        """Return a page of balance transactions; of one payout if it is named."""
        require_secret(caller)
        if asked.payout is not None:
            if self.settlement.payout(CHANNEL, caller.account, asked.payout) is None:
                raise missing("payout", asked.payout, "payout")
            found = self.settlement.rows_of_payout(asked.payout, 0, ALL_MAX)
        else:
            found = self.settlement.rows(_wanted(caller, asked), 0, ALL_MAX)
        body = _page([self._transaction(row) for row in found], asked, "/v1/balance_transactions")
        return self.views.expanded(caller.account, body, asked.expand)

    def payouts(self, caller: Caller, asked: SettledListing) -> dict[str, Any]:
        """Return a page of payouts."""
        require_secret(caller)
        found = self.settlement.payouts(_wanted(caller, asked), 0, ALL_MAX)
        return _page([_payout(payout) for payout in found], asked, "/v1/payouts")

    def _transaction(self, row: Settled) -> dict[str, Any]:
        kind, category = _CATEGORIES[row.kind]
        if row.detail == RELEASED:
            kind, category = "refund", RELEASED
        elif row.kind is BalanceKind.REFUND and row.gross > 0:
            kind = category = "refund_failure"
        fee = stripe_amount(row.fee, row.currency)
        return {
            "id": f"txn_{row.id[4:]}",
            "object": "balance_transaction",
            "amount": stripe_amount(row.gross, row.currency) if row.readable else "n/a",
            "available_on": int(row.available_at),
            "balance_type": "payments",
            "created": int(row.created_at),
            "currency": row.currency.lower(),
            "description": None,
            "exchange_rate": None if row.rate is None else float(row.rate),
            "fee": fee,
            "fee_details": _fee_details(fee, row.currency),
            "net": stripe_amount(row.gross - row.fee, row.currency),
            "reporting_category": category,
            "source": row.payout if row.kind is BalanceKind.PAYOUT else self._source(row),
            "status": "available",
            "type": kind,
        }

    def _source(self, row: Settled) -> str | None:
        """Return the refund of the row, or the charge of its payment."""
        if row.kind is BalanceKind.REFUND:
            refund = self.books.of_operation(row.operation_key or "")
            return refund.id if refund else None
        made_by = self.records.payment_operation(row.payment_reference or "")
        charge = self.books.of_operation(made_by.key) if made_by else None
        return charge.id if charge else None


def _payout(payout: PaidOut) -> dict[str, Any]:
    return {
        "id": payout.id,
        "object": "payout",
        "amount": stripe_amount(payout.amount, payout.currency),
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": int(payout.created_at),
        "automatic": True,
        "balance_transaction": None,
        "created": int(payout.created_at),
        "currency": payout.currency.lower(),
        "description": "STRIPE PAYOUT",
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": payout.bank_reference,
        "status": "paid",
        "trace_id": None,
        "type": "bank_account",
    }


def _fee_details(fee: int, currency: str) -> list[dict[str, Any]]:
    detail = {"amount": fee, "application": None, "currency": currency.lower()}
    return [{**detail, "description": "Stripe processing fees", "type": "stripe_fee"}] if fee else []


def _wanted(caller: Caller, asked: SettledListing) -> Wanted:
    created = asked.created
    since, until = 0.0, float(2**40)
    if isinstance(created, Span):
        since = float(max(created.gte or 0, (created.gt + 1) if created.gt is not None else 0))
        until = float(min(created.lt or 2**40, (created.lte + 1) if created.lte is not None else 2**40))
    elif created is not None:
        since, until = float(created), float(created + 1)
    return Wanted(CHANNEL, caller.account, since, until)


def _page(bodies: list[dict[str, Any]], asked: SettledListing, url: str) -> dict[str, Any]:
    newest_first = bodies[::-1]
    ids = [body["id"] for body in newest_first]
    if asked.starting_after is not None and asked.starting_after not in ids:
        raise missing("object", asked.starting_after, "starting_after", 400)
    begin = ids.index(asked.starting_after) + 1 if asked.starting_after is not None else 0
    page = newest_first[begin : begin + asked.limit]
    return {"object": "list", "url": url, "has_more": len(newest_first) > begin + asked.limit, "data": page}
