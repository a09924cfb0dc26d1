"""Writing the books. Triggers hold the balance and forbid changes; a movement is booked once, by its reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import ledger_accounts, ledger_entries, ledger_transactions
from clearway.domain.ids import LEDGER_TRANSACTION, new_id
from clearway.domain.ledger import LedgerTransaction


async def book(
    connection: AsyncConnection,
    transactions: Sequence[LedgerTransaction],
    *,
    payment_id: str,
    refund_id: str | None = None,
    now: datetime,
) -> None:
    """Append balanced transactions; accounts are opened when they are first used.

    Raises sqlalchemy.exc.IntegrityError when a movement with the same reference is in the books already.
    """
    for transaction in transactions:
        transaction_id = new_id(LEDGER_TRANSACTION)
        accounts = [
            {"code": entry.account, "currency": transaction.currency, "created_at": now}
            # In one order, so that two bookings that open the same accounts cannot wait for each other.
            for entry in sorted(transaction.entries, key=lambda entry: entry.account)
        ]
        await connection.execute(upsert(ledger_accounts).values(accounts).on_conflict_do_nothing())
        await connection.execute(
            insert(ledger_transactions).values(
                id=transaction_id,
                kind=transaction.kind.value,
                reference=transaction.reference,
                payment_id=payment_id,
                refund_id=refund_id,
                created_at=now,
            )
        )
        lines = [
            {
                "transaction_id": transaction_id,
                "line": line,
                "account": entry.account,
                "currency": transaction.currency,
                "amount_minor": entry.amount_minor,
            }
            for line, entry in enumerate(transaction.entries)
        ]
        # One statement for all lines: the balance is checked after each statement.
        await connection.execute(insert(ledger_entries).values(lines))
