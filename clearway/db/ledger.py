"""Write the ledger. Triggers enforce the balance and forbid changes; a movement is booked once, by its reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from clearway.db.tables import ledger_accounts, ledger_entries, ledger_transactions
from clearway.db.writing import Rows, Write
from clearway.domain.ids import LEDGER_TRANSACTION, new_id
from clearway.domain.ledger import LedgerTransaction


def bookings(
    transactions: Sequence[LedgerTransaction],
    *,
    payment_id: str | None,
    refund_id: str | None = None,
    of_payment: Sequence[LedgerTransaction] = (),
    now: datetime,
) -> list[Write]:
    """Return the writes that append balanced transactions; accounts are opened when they are first used.

    of_payment: further transactions, which are the payment's and not the refund's.
    They go into one statement, after which the balance is checked. It raises sqlalchemy.exc.IntegrityError when a
    movement with the same reference is booked already.
    """
    every = [*((each, refund_id) for each in transactions), *((each, None) for each in of_payment)]
    if not every:
        return []
    numbered = [(new_id(LEDGER_TRANSACTION), transaction, about) for transaction, about in every]
    # Sorted, so that two bookings that open the same accounts cannot deadlock.
    used = sorted({(entry.account, each.currency) for each, _ in every for entry in each.entries})
    accounts = [{"code": code, "currency": currency, "created_at": now} for code, currency in used]
    movements = [
        {
            "id": transaction_id,
            "kind": transaction.kind.value,
            "reference": transaction.reference,
            "payment_id": payment_id,
            "refund_id": about,
            "created_at": now,
        }
        for transaction_id, transaction, about in numbered
    ]
    entries = [
        {
            "transaction_id": transaction_id,
            "line": line,
            "account": entry.account,
            "currency": transaction.currency,
            "amount_minor": entry.amount_minor,
        }
        for transaction_id, transaction, _ in numbered
        for line, entry in enumerate(transaction.entries)
    ]
    return [
        Rows(ledger_accounts, accounts, unless_there=True),
        Rows(ledger_transactions, movements),
        Rows(ledger_entries, entries),
    ]
