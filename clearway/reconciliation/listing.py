"""The steps that store what a gateway reports: operations, balance rows, payouts, and the rows of each payout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.reconciliation import reported
from clearway.domain.reconciliation import Comparison, Finding, ItemKind
from clearway.gateways.contract import BalanceLister, OperationLister, PayoutLister, UnreadableRow
from clearway.reconciliation.running import RELISTED, Page, Write, Written, nothing

AT_ONCE: Final = 1
"""Payouts whose rows are read in one page."""


async def operations(page: Page) -> Write:
    """Store the operations of the period."""
    gateway, run = page.connection.gateway, page.run
    if not isinstance(gateway, OperationLister):
        return nothing
    listed = await gateway.list_operations(since=run.since, cursor=run.cursor)

    async def write(connection: AsyncConnection) -> Written:
        ours = [one for one in listed.operations if one.created_at < run.until]
        await reported.put_operations(connection, run, ours, page.now)
        return Written(listed.cursor, {"operations_listed": len(ours)})

    return write


async def rows(page: Page) -> Write:
    """Store the balance rows of the period, and of some days before it: late rows are found so."""
    gateway, run = page.connection.gateway, page.run
    if not isinstance(gateway, BalanceLister):
        return nothing
    window = page.window(page.lists.balance_lag_s)
    listed = await gateway.list_balance_rows(since=window.since - RELISTED, until=window.until, cursor=run.cursor)

    async def write(connection: AsyncConnection) -> Written:
        added, changed = await reported.add_rows(connection, run, listed.rows, page.now, None)
        written = Written(listed.cursor, {"rows_listed": added})
        written.findings += [_changed(row_id) for row_id in changed] + _unreadable(listed.unreadable)
        return written

    return write


async def payouts(page: Page) -> Write:
    """Store the payouts of the period, and of some days before it."""
    gateway, run = page.connection.gateway, page.run
    if not isinstance(gateway, PayoutLister):
        return nothing
    listed = await gateway.list_payouts(since=run.since - RELISTED, until=run.until, cursor=run.cursor)

    async def write(connection: AsyncConnection) -> Written:
        await reported.put_payouts(connection, run, listed.payouts, page.now)
        return Written(listed.cursor, {"payouts_listed": len(listed.payouts)})

    return write


async def payout_rows(page: Page) -> Write:
    """Store which rows a payout pays. The cursor is the payout, and the gateway's own cursor within it."""
    gateway, run = page.connection.gateway, page.run
    if not isinstance(gateway, PayoutLister):
        return nothing
    window = page.window(page.lists.payouts_lag_s)
    done, _, within = (run.cursor or "").partition("\n")
    async with page.reconciler.reader.connect() as connection:
        following = await reported.payouts_of(connection, window, window.since - RELISTED, done, AT_ONCE)
    if not (within or following):
        return nothing
    payout_id = done if within else following[0].id
    listed = await gateway.list_payout_rows(payout_id, cursor=within or None)

    async def write(connection: AsyncConnection) -> Written:
        await reported.put_payout_rows(connection, run, payout_id, listed.row_ids)
        return Written(f"{payout_id}\n{listed.cursor or ''}", {"payout_rows_listed": len(listed.row_ids)})

    return write


def _changed(row_id: str) -> Finding:
    detail = {"why": "The gateway changed the row after it was listed. It stays as it was booked."}
    kind = ItemKind.DATA_UNREADABLE
    return Finding(Comparison.BALANCE, kind, f"changed/{row_id}", 0, None, reference=row_id, detail=detail)


def _unreadable(found: Sequence[UnreadableRow]) -> list[Finding]:
    kind = ItemKind.DATA_UNREADABLE
    return [
        Finding(Comparison.BALANCE, kind, f"row/{row.id}", 0, None, reference=row.id, detail={"why": row.reason})
        for row in found
    ]
