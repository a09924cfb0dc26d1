"""What a merchant's payments say about one customer. There is no table of customers: payments name them.

A payment that was forgotten names nobody, so it is not found here. The payments of one customer lie all over the table,
and a shop may sell to one customer without end: at most `SUMMED_MAX` of them are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import payments
from clearway.db.tables.base import search_key
from clearway.db.walks import unforeseen

SUMMED_MAX: Final = 1_000
"""Each payment may cost a read of the disk."""


@dataclass(frozen=True, slots=True)
class Found:
    """A customer. newest: the `customer` of the newest payment. first_at: of the oldest one.

    sums: rows of `currency, status, payments, captured_minor, refunded_minor, oldest_id, last_at`. complete: they are
    of all payments; else of the newest `SUMMED_MAX`.
    """

    newest: dict[str, Any]
    sums: Sequence[Row[Any]]
    first_at: datetime
    complete: bool


def has_email(column: Any, email: str) -> ColumnElement[bool]:
    """Say that a payment's customer has this e-mail address. The case of ASCII letters does not matter.

    column: the columns of payments, here and in `has_id`.
    """
    return search_key(column.customer["email"].astext) == search_key(literal(email))


def has_id(column: Any, customer_id: str) -> ColumnElement[bool]:
    """Say that the merchant calls a payment's customer by this id."""
    named: ColumnElement[bool] = column.customer["id"].astext == customer_id
    return named


async def find(
    connection: AsyncConnection, merchant_id: str, *, email: str | None = None, customer_id: str | None = None
) -> Found | None:
    """Return the customer whom the merchant's payments name so, or None. Either name is given."""
    named = has_email(payments.c, email) if email is not None else has_id(payments.c, customer_id or "")
    mine = _of(merchant_id, named)
    newest = await connection.scalar(select(payments.c.customer).where(*mine).order_by(payments.c.id.desc()).limit(1))
    if newest is None:
        return None
    sums = (await connection.execute(_sums(merchant_id, named))).all()
    oldest = (
        await connection.execute(
            select(payments.c.id, payments.c.created_at).where(*mine).order_by(payments.c.id).limit(1)
        )
    ).one()
    return Found(newest, sums, oldest.created_at, complete=oldest.id >= min(row.oldest_id for row in sums))


def _of(merchant_id: str, named: ColumnElement[bool]) -> Sequence[ColumnElement[bool]]:
    return payments.c.merchant_id == merchant_id, named


def _sums(merchant_id: str, named: ColumnElement[bool]) -> Select[Any]:
    """Add up the newest payments."""
    column = payments.c
    read = (column.id, column.currency, column.status, column.captured_minor, column.refunded_minor, column.created_at)
    summed = (
        select(*read)
        .where(*_of(merchant_id, named))
        .order_by(column.id.desc())
        .limit(unforeseen(SUMMED_MAX))
        .subquery("summed")
        .c
    )
    return select(
        summed.currency,
        summed.status,
        func.count().label("payments"),
        func.sum(summed.captured_minor).label("captured_minor"),
        func.sum(summed.refunded_minor).label("refunded_minor"),
        func.min(summed.id).label("oldest_id"),
        func.max(summed.created_at).label("last_at"),
    ).group_by(summed.currency, summed.status)
