"""The steps that compare: operations, what moved with balance rows, payouts with their rows and with bank lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import ledger
from clearway.db.reconciliation import recorded, reported
from clearway.db.writing import write
from clearway.domain import ledger as books
from clearway.domain.reconciliation import (
    Comparison,
    ExpectedFee,
    Finding,
    ItemKind,
    Moved,
    SettledRow,
    Window,
    compare_payout,
    compare_settled,
    is_row_late,
)
from clearway.domain.settlement import PayoutStatus
from clearway.gateways.contract import BalanceLister, OperationLister
from clearway.reconciliation.commands import BANK_LINE
from clearway.reconciliation.fees import expected_fee
from clearway.reconciliation.running import PAGE, RELISTED, Page, Write, Written, nothing

MISSING: Final = frozenset({ItemKind.MISSING_AT_GATEWAY, ItemKind.TOO_EARLY})


async def unlisted(page: Page) -> Write:
    """Find payments and refunds whose money moved with us and that the gateway's list does not have."""
    if not isinstance(page.connection.gateway, OperationLister):
        return nothing
    window = page.window(page.lists.operations_lag_s)

    async def write_page(connection: AsyncConnection) -> Written:
        found = await recorded.unlisted(connection, window, page.run.cursor or "", PAGE)
        written = Written.of([row.id for row in found])
        written.findings += [_unlisted(row, too_early=window.is_young(row.latest)) for row in found]
        judged = [each.subject for each in written.findings]
        await page.close_gone(connection, Comparison.OPERATIONS, judged, written)
        return written

    return write_page


async def payments(page: Page) -> Write:
    """Compare what was captured of payments with their balance rows."""
    window = page.window(page.lists.balance_lag_s)

    async def write_page(connection: AsyncConnection) -> Written:
        ids = await recorded.payments_to_compare(
            connection, window, window.since - RELISTED, page.run.cursor or "", PAGE
        )
        ours = await recorded.captured_of(connection, window, ids)
        theirs = await reported.rows_of(connection, page.run, payment_ids=ids) if ids else {}
        return await _judge(connection, page, ours, theirs, ids)

    return write_page


async def refunds(page: Page) -> Write:
    """Compare what refunds gave back with their balance rows."""
    window = page.window(page.lists.balance_lag_s)

    async def write_page(connection: AsyncConnection) -> Written:
        ids = await recorded.refunds_to_compare(
            connection, window, window.since - RELISTED, page.run.cursor or "", PAGE
        )
        ours = await recorded.refunded_of(connection, window, ids)
        theirs = await reported.rows_of(connection, page.run, refund_ids=ids) if ids else {}
        return await _judge(connection, page, ours, theirs, ids)

    return write_page


async def payouts(page: Page) -> Write:
    """Compare payouts with the sums of their rows, once the rows are listed too."""
    window = page.window(max(page.lists.balance_lag_s or 0, page.lists.payouts_lag_s or 0))

    async def write_page(connection: AsyncConnection) -> Written:
        found = await reported.payouts_of(connection, window, window.since - RELISTED, page.run.cursor or "", PAGE)
        sums = await reported.sums_of_payouts(connection, page.run, [row.id for row in found])
        written = Written.of([row.id for row in found])
        for row in found:
            listed, stored, net_minor = sums.get(row.id, (0, 0, 0))
            if listed and row.status != PayoutStatus.FAILED.value:
                written.findings += _payout(row, listed, stored, net_minor)
        judged = [f"payout/{row.id}" for row in found]
        await page.close_gone(connection, Comparison.PAYOUTS, judged, written)
        written.count("payouts_compared", len(found))
        return written

    return write_page


async def bank(page: Page) -> Write:
    """Match imported bank lines with payouts, book those, and find the others."""

    async def write_page(connection: AsyncConnection) -> Written:
        lines = await reported.unmatched_lines(connection, page.run, page.run.cursor or "", PAGE)
        written = Written.of([line.id for line in lines])
        for line in lines:
            payout = await reported.payout_named(connection, line)
            if payout is None:
                written.findings.append(_stray(line))
                continue
            await reported.match_line(connection, line, payout.id)
            arrived = books.paid_in(line.gateway_id, line.id, line.amount_minor, line.currency)
            await write(connection, ledger.bookings(arrived, payment_id=None, now=page.now))
            written.findings += compare_payout(
                payout.id, payout.amount_minor, line.currency, line.amount_minor, detail={BANK_LINE: line.id}
            )
            written.count("bank_lines_matched")
        return written

    return write_page


async def _judge(
    connection: AsyncConnection,
    page: Page,
    ours: dict[str, Moved],
    theirs: dict[str, list[SettledRow]],
    ids: Sequence[str],
) -> Written:
    written = Written.of(ids)
    lag_s = page.lists.balance_lag_s or 0
    window = page.window(lag_s)
    fee = expected_fee(page.connection.config)
    can_miss = isinstance(page.connection.gateway, BalanceLister)
    for subject_id, moved in ours.items():
        rows = theirs.get(subject_id, [])
        if rows or can_miss:
            written.findings += _compared(window, moved, rows, fee)
        written.count("compared")
    judged = [moved.subject for moved in ours.values()]
    gone = await page.close_gone(connection, Comparison.BALANCE, judged, written)
    for item in gone:
        rows = theirs.get(item.refund_id or item.payment_id, [])
        if item.kind == ItemKind.MISSING_AT_GATEWAY.value and any(is_row_late(row, lag_s) for row in rows):
            written.findings.append(_late(item, rows))
    still = {each.subject for each in written.findings}
    written.count("matched", len([subject for subject in judged if subject not in still]))
    return written


def _compared(window: Window, moved: Moved, rows: Sequence[SettledRow], fee: ExpectedFee | None) -> list[Finding]:
    moments: list[datetime | None] = [moved.latest_at, *(row.created_at for row in rows)]
    too_early = any(window.is_young(moment) for moment in moments)
    return compare_settled(moved, rows, too_early=too_early, fee=fee)


def _payout(row: Row[Any], listed: int, stored: int, net_minor: int) -> list[Finding]:
    if stored < listed:
        detail = {"rows": listed, "rows_known": stored}
        return [
            Finding(
                Comparison.PAYOUTS,
                ItemKind.TOO_EARLY,
                f"payout/{row.id}",
                0,
                row.currency,
                reference=row.id,
                detail=detail,
            )
        ]
    return compare_payout(row.id, net_minor, row.currency, row.amount_minor)


def _unlisted(row: Row[Any], *, too_early: bool) -> Finding:
    is_payment = row.id == row.payment_id
    return Finding(
        Comparison.OPERATIONS,
        ItemKind.TOO_EARLY if too_early else ItemKind.MISSING_AT_GATEWAY,
        f"{'payment' if is_payment else 'refund'}/{row.id}",
        int(row.amount_minor),
        row.currency,
        expected_minor=int(row.amount_minor),
        found_minor=0,
        payment_id=row.payment_id,
        refund_id=None if is_payment else row.id,
    )


def _late(item: Row[Any], rows: Sequence[SettledRow]) -> Finding:
    newest = max(rows, key=lambda row: row.listed_at)
    return Finding(
        Comparison.BALANCE,
        ItemKind.LATE,
        item.subject,
        0,
        item.currency,
        payment_id=item.payment_id,
        refund_id=item.refund_id,
        reference=newest.id,
        detail={"late_s": int((newest.listed_at - newest.created_at).total_seconds())},
    )


def _stray(line: Row[Any]) -> Finding:
    return Finding(
        Comparison.PAYOUTS,
        ItemKind.UNMATCHED_BANK_LINE,
        f"bank_line/{line.id}",
        abs(line.amount_minor),
        line.currency,
        found_minor=line.amount_minor,
        reference=line.reference,
        detail={"line": line.id},
    )
