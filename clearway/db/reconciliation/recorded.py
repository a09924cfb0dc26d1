"""What Clearway recorded, as reconciliation compares it: payments and refunds at one gateway, and whose a row is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, exists, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import (
    captures,
    gateway_operations,
    payment_attempts,
    payments,
    reconciliation_items,
    refunds,
    settlement_rows,
)
from clearway.domain.ids import PAYMENT, REFUND, is_id
from clearway.domain.reconciliation import Comparison, ItemState, Moved, Window
from clearway.domain.refund import RefundStatus
from clearway.domain.settlement import BalanceKind

PAID_OUT: Final = (RefundStatus.PROCESSED.value,)


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of some payments and refunds. gateways: the configurations where a payment has attempts."""

    payments: dict[str, Row[Any]]
    refunds: dict[str, Row[Any]]
    gateways: dict[str, frozenset[str]]


async def known(connection: AsyncConnection, merchant_id: str, subject_ids: Collection[str]) -> Known:
    """Return the merchant's payments and refunds with these ids."""
    wanted = {each for each in subject_ids if is_id(PAYMENT, each)}
    of_refunds = {each for each in subject_ids if is_id(REFUND, each)}
    query = select(payments).where(payments.c.merchant_id == merchant_id, payments.c.id.in_(wanted))
    found = {row.id: row for row in await connection.execute(query)}
    query = select(refunds).where(refunds.c.merchant_id == merchant_id, refunds.c.id.in_(of_refunds))
    found_refunds = {row.id: row for row in await connection.execute(query)}
    tried = select(payment_attempts.c.payment_id, payment_attempts.c.gateway_id).where(
        payment_attempts.c.merchant_id == merchant_id, payment_attempts.c.payment_id.in_(found)
    )
    gateways: dict[str, set[str]] = {each: {row.gateway_id} for each, row in found.items()}
    for row in await connection.execute(tried):
        gateways[row.payment_id].add(row.gateway_id)
    return Known(found, found_refunds, {each: frozenset(ids) for each, ids in gateways.items()})


async def find_by_references(
    connection: AsyncConnection, merchant_id: str, gateway_id: str, references: Collection[str]
) -> dict[str, tuple[str | None, str | None]]:
    """Return whose the gateway's ids are: payment id and refund id by reference."""
    found: dict[str, tuple[str | None, str | None]] = {}
    of_payments = select(payments.c.gateway_reference, payments.c.id).where(
        payments.c.merchant_id == merchant_id,
        payments.c.gateway_id == gateway_id,
        payments.c.gateway_reference.in_(references),
    )
    of_captures = (
        select(captures.c.gateway_reference, captures.c.payment_id)
        .join(payments, payments.c.id == captures.c.payment_id)
        .where(
            captures.c.merchant_id == merchant_id,
            payments.c.gateway_id == gateway_id,
            captures.c.gateway_reference.in_(references),
        )
    )
    for query in (of_payments, of_captures):
        for reference, payment_id in await connection.execute(query):
            found[reference] = (payment_id, None)
    of_refunds = select(refunds.c.gateway_reference, refunds.c.payment_id, refunds.c.id).where(
        refunds.c.merchant_id == merchant_id,
        refunds.c.gateway_id == gateway_id,
        refunds.c.gateway_reference.in_(references),
    )
    for reference, payment_id, refund_id in await connection.execute(of_refunds):
        found[reference] = (payment_id, refund_id)
    return found


async def payments_to_compare(
    connection: AsyncConnection, window: Window, since: datetime, after: str, limit: int
) -> list[str]:
    """Return payments with a capture or a row in the period, or an open item, by id."""
    captured = (
        select(captures.c.payment_id)
        .join(payments, payments.c.id == captures.c.payment_id)
        .where(
            captures.c.merchant_id == window.merchant_id,
            payments.c.gateway_id == window.gateway_id,
            captures.c.created_at >= since,
            captures.c.created_at < window.until,
        )
    )
    settled = _settled_in(window, since, settlement_rows.c.payment_id, BalanceKind.CHARGE)
    open_items = _open_items(window, reconciliation_items.c.payment_id).where(
        reconciliation_items.c.refund_id.is_(None)
    )
    return await _ids(connection, (captured, settled, open_items), after, limit)


async def refunds_to_compare(
    connection: AsyncConnection, window: Window, since: datetime, after: str, limit: int
) -> list[str]:
    """Return refunds that changed or have a row in the period, or an open item, by id."""
    changed = select(refunds.c.id).where(
        refunds.c.merchant_id == window.merchant_id,
        refunds.c.gateway_id == window.gateway_id,
        refunds.c.updated_at >= since,
        refunds.c.updated_at < window.until,
    )
    settled = _settled_in(window, since, settlement_rows.c.refund_id, BalanceKind.REFUND)
    return await _ids(
        connection, (changed, settled, _open_items(window, reconciliation_items.c.refund_id)), after, limit
    )


async def captured_of(connection: AsyncConnection, window: Window, payment_ids: Sequence[str]) -> dict[str, Moved]:
    """Return what was captured of payments before the end of the period."""
    query = (
        select(
            payments.c.id,
            payments.c.currency,
            func.coalesce(func.sum(captures.c.amount_minor), 0).label("amount"),
            func.count(captures.c.id).label("times"),
            func.max(captures.c.created_at).label("latest"),
        )
        .outerjoin(captures, (captures.c.payment_id == payments.c.id) & (captures.c.created_at < window.until))
        .where(payments.c.merchant_id == window.merchant_id, payments.c.id.in_(payment_ids))
        .group_by(payments.c.id, payments.c.currency)
    )
    return {
        row.id: Moved(f"payment/{row.id}", row.id, None, int(row.amount), row.currency, row.times, row.latest)
        for row in await connection.execute(query)
    }


async def refunded_of(connection: AsyncConnection, window: Window, refund_ids: Sequence[str]) -> dict[str, Moved]:
    """Return what refunds gave back: nothing while they are not processed."""
    query = select(refunds).where(refunds.c.merchant_id == window.merchant_id, refunds.c.id.in_(refund_ids))
    found = {}
    for row in await connection.execute(query):
        paid_out = row.status in PAID_OUT and row.updated_at < window.until
        amount = -row.amount_minor if paid_out else 0
        subject = f"refund/{row.id}"
        found[row.id] = Moved(subject, row.payment_id, row.id, amount, row.currency, int(paid_out), row.updated_at)
    return found


async def unlisted(connection: AsyncConnection, window: Window, after: str, limit: int) -> Sequence[Row[Any]]:
    """Return payments and refunds of the period whose money moved and that the gateway's list does not have, by id."""
    listed = gateway_operations.c
    taken = (
        select(
            payments.c.id,
            payments.c.id.label("payment_id"),
            func.sum(captures.c.amount_minor).label("amount_minor"),
            payments.c.currency,
            func.max(captures.c.created_at).label("latest"),
        )
        .join(captures, captures.c.payment_id == payments.c.id)
        .where(
            payments.c.merchant_id == window.merchant_id,
            payments.c.gateway_id == window.gateway_id,
            captures.c.created_at >= window.since,
            captures.c.created_at < window.until,
            ~exists().where(listed.gateway_id == window.gateway_id, listed.payment_id == payments.c.id),
        )
        .group_by(payments.c.id, payments.c.currency)
    )
    given_back = select(
        refunds.c.id,
        refunds.c.payment_id,
        refunds.c.amount_minor,
        refunds.c.currency,
        refunds.c.updated_at.label("latest"),
    ).where(
        refunds.c.merchant_id == window.merchant_id,
        refunds.c.gateway_id == window.gateway_id,
        refunds.c.status.in_(PAID_OUT),
        refunds.c.updated_at >= window.since,
        refunds.c.updated_at < window.until,
        ~exists().where(
            listed.gateway_id == window.gateway_id,
            or_(listed.operation_key.startswith(refunds.c.id + ":"), listed.reference == refunds.c.gateway_reference),
        ),
    )
    both = union(taken, given_back).subquery()
    query = select(both).where(both.c.id > after).order_by(both.c.id).limit(limit)
    return (await connection.execute(query)).all()


def _settled_in(window: Window, since: datetime, subject: Any, kind: BalanceKind) -> Select[Any]:
    column = settlement_rows.c
    return select(subject).where(
        column.gateway_id == window.gateway_id,
        column.merchant_id == window.merchant_id,
        column.kind == kind.value,
        column.created_at >= since,
        column.created_at < window.until,
        subject.is_not(None),
    )


def _open_items(window: Window, subject: Any) -> Select[Any]:
    column = reconciliation_items.c
    return select(subject).where(
        column.gateway_id == window.gateway_id,
        column.merchant_id == window.merchant_id,
        column.state == ItemState.OPEN.value,
        column.comparison == Comparison.BALANCE.value,
        subject.is_not(None),
    )


async def _ids(connection: AsyncConnection, queries: Sequence[Select[Any]], after: str, limit: int) -> list[str]:
    every = union(*queries).subquery()
    column = every.c[0]
    query = select(column).where(column > after).order_by(column).limit(limit)
    return [str(each) for each in (await connection.execute(query)).scalars()]
