"""The step that books balance rows: whose each row is, and its entries in the ledger, once.

A row that is matched settles what the gateway owed for a payment or refund. A row of nobody, once it is old enough to
be believed, is booked as unmatched, and is an item. If it is matched later, a further entry moves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import ledger
from clearway.db.reconciliation import recorded, reported
from clearway.db.reconciliation.recorded import Known
from clearway.db.writing import write
from clearway.domain import ledger as books
from clearway.domain.ids import subject_of
from clearway.domain.ledger import GatewayAccount, LedgerTransaction, SettledAmounts
from clearway.domain.reconciliation import Comparison, Finding, ItemKind
from clearway.domain.settlement import BalanceKind
from clearway.reconciliation.running import PAGE, Page, Write, Written

AGAINST: Final = {
    BalanceKind.CHARGE: GatewayAccount.RECEIVABLE,
    BalanceKind.REFUND: GatewayAccount.RECEIVABLE,
    BalanceKind.DISPUTE: GatewayAccount.DISPUTES,
    BalanceKind.REVERSAL: GatewayAccount.DISPUTES,
    BalanceKind.FEE: GatewayAccount.FEES,
    BalanceKind.CONVERSION: GatewayAccount.FX,
    BalanceKind.PAYOUT: GatewayAccount.PAYOUTS_IN_TRANSIT,
    BalanceKind.ADJUSTMENT: GatewayAccount.ADJUSTMENTS,
}
"""The account that the gross amount of a row leaves."""
OF_PAYMENTS: Final = frozenset({BalanceKind.CHARGE, BalanceKind.REFUND})
TAKEN_BACK: Final = {
    BalanceKind.DISPUTE: ItemKind.DISPUTE_UNBOOKED,
    BalanceKind.REVERSAL: ItemKind.REVERSED_PAYMENT,
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a row is. is_complete: also which refund, where the row is of a refund."""

    payment_id: str | None = None
    refund_id: str | None = None
    is_complete: bool = False


async def book(page: Page) -> Write:
    """Book a page of rows that are not booked, or are booked as unmatched."""

    async def write_page(connection: AsyncConnection) -> Written:
        found = await reported.unbooked(connection, page.run, page.run.cursor or "", PAGE)
        owners = await owners_of(connection, page.run, found)
        written = Written.of([row.id for row in found])
        for row in found:
            await _book_row(connection, page, row, owners[row.id], written)
        await page.close_gone(connection, Comparison.BALANCE, [f"row/{row.id}" for row in found], written)
        return written

    return write_page


async def owners_of(connection: AsyncConnection, run: Row[Any], rows: Sequence[Row[Any]]) -> dict[str, Owner]:
    """Return whose each row is: by the gateway's id of the operation, then by our key, then by our payment id."""
    references = {each for row in rows for each in (row.source, row.payment_reference) if each}
    by_reference = await recorded.find_by_references(connection, run.merchant_id, run.gateway_id, references)
    keys = {subject_of(row.operation_key) for row in rows} | {row.claimed_payment_id for row in rows}
    subjects = {each for each in keys if each} | {each for pair in by_reference.values() for each in pair if each}
    known = await recorded.known(connection, run.merchant_id, subjects)
    return {row.id: _owner(run, row, by_reference, known) for row in rows}


def _owner(run: Row[Any], row: Row[Any], by_reference: dict[str, tuple[str | None, str | None]], known: Known) -> Owner:
    of_refund = row.kind == BalanceKind.REFUND.value
    payment_id, refund_id = by_reference.get(row.source or "", (None, None))
    named = subject_of(row.operation_key)
    if refund_id is None and of_refund and named in known.refunds and known.refunds[named].gateway_id == run.gateway_id:
        refund_id, payment_id = named, known.refunds[named].payment_id
    if payment_id is None:
        payment_id = by_reference.get(row.payment_reference or "", (None, None))[0]
    for claimed in (named, row.claimed_payment_id):
        if payment_id is None and claimed in known.payments and run.gateway_id in known.gateways[claimed]:
            payment_id = claimed
    complete = refund_id is not None if of_refund else payment_id is not None
    return Owner(payment_id, refund_id if of_refund else None, complete)


async def _book_row(connection: AsyncConnection, page: Page, row: Row[Any], owner: Owner, written: Written) -> None:
    kind = BalanceKind(row.kind)
    against = AGAINST[kind]
    if kind in OF_PAYMENTS and not owner.is_complete:
        if page.window(page.lists.balance_lag_s).is_young(row.created_at):
            written.count("too_early")
            return
        written.findings.append(_foreign(row, owner))
        against = GatewayAccount.UNMATCHED
    if row.booked_to == against.value:
        return
    amounts = _amounts(row)
    if row.booked_to is None:
        transactions = books.settled(row.gateway_id, row.id, amounts, against)
        written.count("rows_booked")
    else:
        amount, currency = amounts.moved
        transactions = books.matched(row.gateway_id, row.id, amount, currency)
        written.count("rows_matched_later")
    await _book(connection, transactions, owner.payment_id, page.now)
    values = {"payment_id": owner.payment_id, "refund_id": owner.refund_id, "booked_to": against.value}
    await reported.set_booked(connection, row, values | {"booked_at": page.now})
    if kind in TAKEN_BACK:
        written.findings.append(_taken_back(row, kind, owner))


async def _book(
    connection: AsyncConnection, transactions: Sequence[LedgerTransaction], payment_id: str | None, now: datetime
) -> None:
    await write(connection, ledger.bookings(transactions, payment_id=payment_id, now=now))


def _amounts(row: Row[Any]) -> SettledAmounts:
    return SettledAmounts(row.currency, row.gross_minor, row.fee_minor, row.customer_minor, row.customer_currency)


def _foreign(row: Row[Any], owner: Owner) -> Finding:
    amount, currency = _amounts(row).moved
    return Finding(
        Comparison.BALANCE,
        ItemKind.MISSING_WITH_US,
        f"row/{row.id}",
        abs(amount),
        currency,
        expected_minor=0,
        found_minor=amount,
        payment_id=owner.payment_id,
        reference=row.source or row.payment_reference or row.id,
        detail={"row": row.id, "kind": row.kind, "key": row.operation_key},
    )


def _taken_back(row: Row[Any], kind: BalanceKind, owner: Owner) -> Finding:
    amount, currency = _amounts(row).moved
    return Finding(
        Comparison.BALANCE,
        TAKEN_BACK[kind],
        f"row/{row.id}",
        abs(amount),
        currency,
        found_minor=amount,
        payment_id=owner.payment_id,
        reference=row.source or row.id,
        detail={"row": row.id, "fee_minor": row.fee_minor},
    )
