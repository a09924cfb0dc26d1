"""What a gateway reports, as rows: operations, balance rows, payouts, and lines of the bank account.

Balance rows are inserted once and never change; the others show the latest report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import bank_lines, gateway_operations, payout_rows, payouts, settlement_rows
from clearway.domain.ledger import GatewayAccount
from clearway.domain.reconciliation import SettledRow, Window
from clearway.domain.settlement import BalanceKind
from clearway.gateways.contract import BalanceRow, ListedOperation, Payout

RATE_STEP: Final = Decimal("1e-12")
"""The precision of the column."""
_REPORTED: Final = (
    "kind",
    "currency",
    "gross_minor",
    "fee_minor",
    "customer_minor",
    "customer_currency",
    "exchange_rate",
)
"""What a balance row must still say when it is listed again."""


async def put_operations(
    connection: AsyncConnection, run: Row[Any], operations: Sequence[ListedOperation], now: datetime
) -> None:
    """Store the present state of listed operations."""
    rows = {}
    for each in operations:
        identity = each.key or each.outcome.reference
        if identity is not None:
            rows[identity] = _operation(run, each, identity, now)
    if not rows:
        return
    statement = insert(gateway_operations).values(list(rows.values()))
    changing = ("outcome", "captured", "amount_minor", "currency", "reference", "reconciliation_id", "listed_at")
    latest = {name: statement.excluded[name] for name in changing}
    await connection.execute(statement.on_conflict_do_update(index_elements=["gateway_id", "id"], set_=latest))


async def operations_of(connection: AsyncConnection, run: Row[Any], after: str, limit: int) -> Sequence[Row[Any]]:
    """Return operations that this run listed, by id."""
    query = (
        select(gateway_operations)
        .where(
            gateway_operations.c.reconciliation_id == run.id,
            gateway_operations.c.merchant_id == run.merchant_id,
            gateway_operations.c.id > after,
        )
        .order_by(gateway_operations.c.id)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def add_rows(
    connection: AsyncConnection, config: Any, rows: Sequence[BalanceRow], now: datetime, import_id: str | None
) -> tuple[int, list[str]]:
    """Insert balance rows that are not there. Return how many, and the ids of those that were different before.

    config: anything with gateway_id and merchant_id.
    """
    values = {row.id: _row(config, row, now, import_id) for row in rows}
    if not values:
        return 0, []
    statement = insert(settlement_rows).values(list(values.values())).on_conflict_do_nothing()
    added = set((await connection.execute(statement.returning(settlement_rows.c.id))).scalars())
    again = values.keys() - added
    if not again:
        return len(added), []
    query = select(settlement_rows).where(
        settlement_rows.c.gateway_id == config.gateway_id,
        settlement_rows.c.merchant_id == config.merchant_id,
        settlement_rows.c.id.in_(again),
    )
    stored = (await connection.execute(query)).all()
    changed = [row.id for row in stored if any(getattr(row, name) != values[row.id][name] for name in _REPORTED)]
    return len(added), changed


async def unbooked(connection: AsyncConnection, run: Row[Any], after: str, limit: int) -> Sequence[Row[Any]]:
    """Return rows that are not booked, or booked as unmatched, by id; and lock them until this transaction ends."""
    column = settlement_rows.c
    query = (
        select(settlement_rows)
        .where(
            column.gateway_id == run.gateway_id,
            column.merchant_id == run.merchant_id,
            column.id > after,
            or_(column.booked_to.is_(None), column.booked_to == GatewayAccount.UNMATCHED.value),
        )
        .order_by(column.id)
        .limit(limit)
        .with_for_update()
    )
    return (await connection.execute(query)).all()


async def set_booked(connection: AsyncConnection, row: Row[Any], values: Mapping[str, Any]) -> None:
    """Match and book a row that this transaction has locked."""
    statement = (
        update(settlement_rows)
        .where(
            settlement_rows.c.gateway_id == row.gateway_id,
            settlement_rows.c.merchant_id == row.merchant_id,
            settlement_rows.c.id == row.id,
        )
        .values(**values)
    )
    await connection.execute(statement)


async def rows_of(
    connection: AsyncConnection,
    run: Row[Any],
    *,
    payment_ids: Sequence[str] = (),
    refund_ids: Sequence[str] = (),
) -> dict[str, list[SettledRow]]:
    """Return the rows of payments (what was taken) or of refunds, by their id."""
    column = settlement_rows.c
    subject = column.payment_id if payment_ids else column.refund_id
    kind = BalanceKind.CHARGE if payment_ids else BalanceKind.REFUND
    query = (
        select(settlement_rows, subject.label("subject_id"))
        .where(
            column.gateway_id == run.gateway_id,
            column.merchant_id == run.merchant_id,
            column.kind == kind.value,
            subject.in_(payment_ids or refund_ids),
        )
        .order_by(column.created_at, column.id)
    )
    found: dict[str, list[SettledRow]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.subject_id, []).append(_settled(row))
    return found


async def put_payouts(connection: AsyncConnection, run: Row[Any], listed: Sequence[Payout], now: datetime) -> None:
    """Store the present state of listed payouts."""
    if not listed:
        return
    own = {"gateway_id": run.gateway_id, "merchant_id": run.merchant_id, "listed_at": now}
    values = [own | asdict(payout) | {"status": payout.status.value} for payout in listed]
    statement = insert(payouts).values(values)
    latest = {name: statement.excluded[name] for name in ("amount_minor", "status", "arrives_at", "listed_at")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["gateway_id", "id"], set_=latest))


async def payouts_of(
    connection: AsyncConnection, window: Window, since: datetime, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Return payouts that were made from `since` to the end of the window, by id."""
    query = (
        select(payouts)
        .where(
            payouts.c.gateway_id == window.gateway_id,
            payouts.c.merchant_id == window.merchant_id,
            payouts.c.created_at >= since,
            payouts.c.created_at < window.until,
            payouts.c.id > after,
        )
        .order_by(payouts.c.id)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def put_payout_rows(connection: AsyncConnection, run: Row[Any], payout_id: str, row_ids: Sequence[str]) -> None:
    """Store which rows a payout pays."""
    if not row_ids:
        return
    own = {"gateway_id": run.gateway_id, "merchant_id": run.merchant_id, "payout_id": payout_id}
    values = [own | {"row_id": row_id} for row_id in dict.fromkeys(row_ids)]
    await connection.execute(insert(payout_rows).values(values).on_conflict_do_nothing())


async def sums_of_payouts(
    connection: AsyncConnection, run: Row[Any], payout_ids: Sequence[str]
) -> dict[str, tuple[int, int, int]]:
    """Return for each payout how many rows it pays, how many of them are stored, and what those add up to."""
    stored = settlement_rows.c
    query = (
        select(
            payout_rows.c.payout_id,
            func.count(),
            func.count(stored.id),
            func.coalesce(func.sum(stored.net_minor), 0),
        )
        .outerjoin(
            settlement_rows, (stored.gateway_id == payout_rows.c.gateway_id) & (stored.id == payout_rows.c.row_id)
        )
        .where(
            payout_rows.c.gateway_id == run.gateway_id,
            payout_rows.c.merchant_id == run.merchant_id,
            payout_rows.c.payout_id.in_(payout_ids),
        )
        .group_by(payout_rows.c.payout_id)
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in await connection.execute(query)}


async def add_bank_lines(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> int:
    """Insert lines of the bank account that are not there; return how many."""
    statement = insert(bank_lines).values(list(values)).on_conflict_do_nothing().returning(bank_lines.c.id)
    return len((await connection.execute(statement)).all())


async def unmatched_lines(connection: AsyncConnection, run: Row[Any], after: str, limit: int) -> Sequence[Row[Any]]:
    """Return bank lines without a payout, by id; and lock them until this transaction ends."""
    query = (
        select(bank_lines)
        .where(
            bank_lines.c.gateway_id == run.gateway_id,
            bank_lines.c.merchant_id == run.merchant_id,
            bank_lines.c.payout_id.is_(None),
            bank_lines.c.id > after,
        )
        .order_by(bank_lines.c.id)
        .limit(limit)
        .with_for_update()
    )
    return (await connection.execute(query)).all()


async def payout_named(connection: AsyncConnection, line: Row[Any]) -> Row[Any] | None:
    """Return the payout that a bank line names by its reference or id."""
    if not line.reference:
        return None
    named = func.strpos(line.reference, payouts.c.bank_reference) > 0
    query = select(payouts).where(
        payouts.c.gateway_id == line.gateway_id,
        payouts.c.merchant_id == line.merchant_id,
        payouts.c.currency == line.currency,
        or_(payouts.c.id == line.reference, named),
    )
    found = (await connection.execute(query.limit(2))).all()
    return found[0] if len(found) == 1 else None


async def match_line(connection: AsyncConnection, line: Row[Any], payout_id: str) -> None:
    """Note the payout of a bank line that this transaction has locked."""
    statement = (
        update(bank_lines)
        .where(
            bank_lines.c.gateway_id == line.gateway_id,
            bank_lines.c.merchant_id == line.merchant_id,
            bank_lines.c.id == line.id,
        )
        .values(payout_id=payout_id)
    )
    await connection.execute(statement)


def _operation(run: Row[Any], each: ListedOperation, identity: str, now: datetime) -> dict[str, Any]:
    return {
        "gateway_id": run.gateway_id,
        "merchant_id": run.merchant_id,
        "id": identity,
        "kind": each.kind.value,
        "operation_key": each.key,
        "payment_id": each.payment_id,
        "reference": each.outcome.reference,
        "outcome": each.outcome.kind.value,
        "captured": each.outcome.captured,
        "amount_minor": each.outcome.amount_minor,
        "currency": each.outcome.currency,
        "created_at": each.created_at,
        "reconciliation_id": run.id,
        "listed_at": now,
    }


def _row(config: Any, row: BalanceRow, now: datetime, import_id: str | None) -> dict[str, Any]:
    return {
        "gateway_id": config.gateway_id,
        "merchant_id": config.merchant_id,
        "id": row.id,
        "kind": row.kind.value,
        "currency": row.currency,
        "gross_minor": row.gross_minor,
        "fee_minor": row.fee_minor,
        "net_minor": row.net_minor,
        "customer_minor": row.customer_minor,
        "customer_currency": row.customer_currency,
        "exchange_rate": None if row.exchange_rate is None else row.exchange_rate.quantize(RATE_STEP),
        "source": row.source,
        "payment_reference": row.payment_reference,
        "operation_key": row.key,
        "claimed_payment_id": row.payment_id,
        "created_at": row.created_at,
        "available_at": row.available_at,
        "listed_at": now,
        "import_id": import_id,
    }


def _settled(row: Row[Any]) -> SettledRow:
    return SettledRow(
        id=row.id,
        kind=BalanceKind(row.kind),
        currency=row.currency,
        gross_minor=row.gross_minor,
        fee_minor=row.fee_minor,
        created_at=row.created_at,
        listed_at=row.listed_at,
        customer_minor=row.customer_minor,
        customer_currency=row.customer_currency,
        exchange_rate=row.exchange_rate,
    )
