"""Items of reconciliation: opened once, closed once, each closing with an append-only correction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, case, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, fetch_page
from clearway.db.pages import Rows as Page
from clearway.db.tables import reconciliation_corrections, reconciliation_items
from clearway.domain.ids import CORRECTION, RECONCILIATION_ITEM, new_id
from clearway.domain.reconciliation import CLEARWAY, SELF_CLOSING, Comparison, Finding, ItemState

CLOSED_BY_A_PERSON: Final = (reconciliation_items.c.state != ItemState.OPEN.value) & exists().where(
    reconciliation_corrections.c.item_id == reconciliation_items.c.id,
    reconciliation_corrections.c.merchant_id == reconciliation_items.c.merchant_id,
    reconciliation_corrections.c.actor != CLEARWAY,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items are listed; None: all."""

    state: str | None = None
    kind: str | None = None
    gateway_id: str | None = None
    reconciliation_id: str | None = None


async def open_items(
    connection: AsyncConnection, run: Row[Any], findings: Sequence[Finding], now: datetime
) -> list[Finding]:
    """Open an item for each finding that has none, and return those.

    A difference about which a person decided stays closed. One that was gone and is back gets a new item.
    """
    found = {(each.comparison.value, each.subject, each.kind.value): each for each in findings}
    settled = await _settled(connection, run, {each.subject for each in findings})
    values = [_row(run, each, now) for key, each in found.items() if key not in settled]
    if not values:
        return []
    statement = insert(reconciliation_items).values(values).on_conflict_do_nothing()
    column = reconciliation_items.c
    opened = await connection.execute(statement.returning(column.comparison, column.subject, column.kind))
    return [found[one.comparison, one.subject, one.kind] for one in opened]


async def _settled(connection: AsyncConnection, run: Row[Any], subjects: Collection[str]) -> set[tuple[str, str, str]]:
    """Return comparison, subject and kind of the items that a person closed."""
    column = reconciliation_items.c
    query = select(column.comparison, column.subject, column.kind).where(
        column.gateway_id == run.gateway_id,
        column.merchant_id == run.merchant_id,
        column.subject.in_(subjects),
        CLOSED_BY_A_PERSON,
    )
    return {(row.comparison, row.subject, row.kind) for row in await connection.execute(query)}


async def close_gone(
    connection: AsyncConnection,
    run: Row[Any],
    comparison: Comparison,
    *,
    judged: Collection[str],
    findings: Sequence[Finding],
    now: datetime,
) -> Sequence[Row[Any]]:
    """Close open items of judged subjects whose difference is gone; return them."""
    column = reconciliation_items.c
    query = select(reconciliation_items).where(
        column.gateway_id == run.gateway_id,
        column.merchant_id == run.merchant_id,
        column.comparison == comparison.value,
        column.state == ItemState.OPEN.value,
        column.subject.in_(judged),
        column.kind.in_([kind.value for kind in SELF_CLOSING]),
    )
    still = {(each.subject, each.kind.value) for each in findings}
    gone = [row for row in await connection.execute(query) if (row.subject, row.kind) not in still]
    for item in gone:
        reason = f"The run {run.id} compared it again and found no such difference."
        await close(connection, item, ItemState.EXPLAINED, reason, CLEARWAY, now=now)
    return gone


async def close(
    connection: AsyncConnection,
    item: Row[Any],
    outcome: ItemState,
    reason: str,
    actor: str,
    *,
    now: datetime,
    ledger_reference: str | None = None,
) -> bool:
    """Close an open item with a correction; False: it is closed already."""
    closing = (
        update(reconciliation_items)
        .where(
            reconciliation_items.c.id == item.id,
            reconciliation_items.c.merchant_id == item.merchant_id,
            reconciliation_items.c.state == ItemState.OPEN.value,
        )
        .values(state=outcome.value, closed_at=now)
        .returning(reconciliation_items.c.id)
    )
    if (await connection.execute(closing)).first() is None:
        return False
    correction = {
        "id": new_id(CORRECTION),
        "merchant_id": item.merchant_id,
        "item_id": item.id,
        "outcome": outcome.value,
        "reason": reason,
        "actor": actor,
        "ledger_reference": ledger_reference,
        "created_at": now,
    }
    await connection.execute(insert(reconciliation_corrections).values(correction))
    return True


async def find(connection: AsyncConnection, merchant_id: str, item_id: str) -> Row[Any] | None:
    """Return an item."""
    query = select(reconciliation_items).where(
        reconciliation_items.c.id == item_id, reconciliation_items.c.merchant_id == merchant_id
    )
    return (await connection.execute(query)).one_or_none()


async def listed(connection: AsyncConnection, merchant_id: str, page: PageRequest, wanted: Wanted) -> Page:
    """Return one page of items, newest first."""
    column = reconciliation_items.c
    query = select(reconciliation_items).where(column.merchant_id == merchant_id)
    for name in ("state", "kind", "gateway_id", "reconciliation_id"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(column[name] == value)
    return await fetch_page(connection, query, column.id, page)


async def corrections_of(
    connection: AsyncConnection, merchant_id: str, item_ids: Collection[str]
) -> dict[str, Row[Any]]:
    """Return the corrections of items, by item."""
    query = select(reconciliation_corrections).where(
        reconciliation_corrections.c.merchant_id == merchant_id, reconciliation_corrections.c.item_id.in_(item_ids)
    )
    return {row.item_id: row for row in await connection.execute(query)}


async def open_by_kind(
    connection: AsyncConnection, merchant_id: str, run_ids: Collection[str]
) -> dict[str, list[Row[Any]]]:
    """Count the items that runs opened by kind and currency: how many are open, and their money at risk; by run."""
    column = reconciliation_items.c
    is_open = column.state == ItemState.OPEN.value
    named = (column.reconciliation_id, column.kind, column.currency)
    query = (
        select(
            *named,
            func.count(case((is_open, 1))).label("open"),
            func.coalesce(func.sum(case((is_open, column.at_risk_minor))), 0).label("at_risk_minor"),
        )
        .where(column.merchant_id == merchant_id, column.reconciliation_id.in_(run_ids))
        .group_by(*named)
        .order_by(column.kind, column.currency)
    )
    found: dict[str, list[Row[Any]]] = {run_id: [] for run_id in run_ids}
    for row in await connection.execute(query):
        found[row.reconciliation_id].append(row)
    return found


def _row(run: Row[Any], finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(RECONCILIATION_ITEM),
        "gateway_id": run.gateway_id,
        "merchant_id": run.merchant_id,
        "reconciliation_id": run.id,
        "comparison": finding.comparison.value,
        "kind": finding.kind.value,
        "subject": finding.subject,
        "severity": finding.severity.value,
        "at_risk_minor": finding.at_risk_minor,
        "expected_minor": finding.expected_minor,
        "found_minor": finding.found_minor,
        "currency": finding.currency,
        "payment_id": finding.payment_id,
        "refund_id": finding.refund_id,
        "reference": finding.reference,
        "detail": finding.detail,
        "opened_at": now,
    }
