"""Reading all pages of what a connector lists."""

from __future__ import annotations

from datetime import datetime

from clearway.gateways.contract import BalanceLister, BalanceRow, ListedOperation, OperationLister


async def all_rows(gateway: BalanceLister, since: datetime, until: datetime) -> list[BalanceRow]:
    """Return the balance rows of a time."""
    found: list[BalanceRow] = []
    cursor = None
    while True:
        page = await gateway.list_balance_rows(since=since, until=until, cursor=cursor)
        found += page.rows
        cursor = page.cursor
        if cursor is None:
            return found


async def all_operations(gateway: OperationLister, since: datetime) -> dict[str | None, ListedOperation]:
    """Return the operations since a time, by our key."""
    found: dict[str | None, ListedOperation] = {}
    cursor = None
    while True:
        page = await gateway.list_operations(since=since, cursor=cursor)
        found |= {one.key: one for one in page.operations}
        cursor = page.cursor
        if cursor is None:
            return found
