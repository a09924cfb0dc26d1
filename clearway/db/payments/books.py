"""Reading what a payment has moved: its captures, and the ledger transactions of it and of its refunds."""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import captures, ledger_entries, ledger_transactions, payments
from clearway.domain.resources import CaptureResource, LedgerEntryResource, LedgerTransactionResource

ROWS_MAX = 1_000
"""More than the commands and refunds that one payment can have."""


async def list_captures(connection: AsyncConnection, merchant_id: str, payment_id: str) -> list[CaptureResource]:
    """Return the captures of the merchant's payment, oldest first."""
    column = captures.c
    query = (
        select(column.id, column.payment_id, column.amount_minor, column.currency, column.created_at)
        .where(column.payment_id == payment_id, column.merchant_id == merchant_id)
        .order_by(column.id)
        .limit(ROWS_MAX)
    )
    return [
        CaptureResource(
            id=row.id,
            payment_id=row.payment_id,
            amount=row.amount_minor,
            currency=row.currency,
            created_at=row.created_at,
        )
        for row in await connection.execute(query)
    ]


async def list_ledger(
    connection: AsyncConnection, merchant_id: str, payment_id: str
) -> list[LedgerTransactionResource]:
    """Return the ledger transactions of the merchant's payment and of its refunds, oldest first, with their entries."""
    transaction, entry = ledger_transactions.c, ledger_entries.c
    query = (
        select(
            *(transaction.id, transaction.kind, transaction.refund_id, transaction.created_at),
            *(entry.account, entry.currency, entry.amount_minor),
        )
        .join(ledger_entries, entry.transaction_id == transaction.id)
        .join(payments, payments.c.id == transaction.payment_id)
        .where(transaction.payment_id == payment_id, payments.c.merchant_id == merchant_id)
        .order_by(transaction.created_at, transaction.id, entry.line)
        .limit(ROWS_MAX)
    )
    rows = (await connection.execute(query)).all()
    return [
        LedgerTransactionResource(
            id=head[0],
            kind=head[1],
            refund_id=head[2],
            created_at=head[3],
            entries=[
                LedgerEntryResource(account=row.account, currency=row.currency, amount=row.amount_minor)
                for row in lines
            ],
        )
        for head, lines in groupby(rows, key=lambda row: (row.id, row.kind, row.refund_id, row.created_at))
    ]
