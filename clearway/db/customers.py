"""What a merchant's payments say about one customer. There is no table of customers: payments name them.

A payment that was forgotten names nobody, so it is not found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import payments
from clearway.db.tables.base import search_key


@dataclass(frozen=True, slots=True)
class Found:
    """A customer. newest: the `customer` of the newest payment.

    sums: rows of `currency, status, payments, captured_minor, refunded_minor, first_at, last_at`.
    """

    newest: dict[str, Any]
    sums: Sequence[Row[Any]]


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
    mine = (payments.c.merchant_id == merchant_id, named)
    newest = await connection.scalar(select(payments.c.customer).where(*mine).order_by(payments.c.id.desc()).limit(1))
    if newest is None:
        return None
    query = (
        select(
            payments.c.currency,
            payments.c.status,
            func.count().label("payments"),
            func.sum(payments.c.captured_minor).label("captured_minor"),
            func.sum(payments.c.refunded_minor).label("refunded_minor"),
            func.min(payments.c.created_at).label("first_at"),
            func.max(payments.c.created_at).label("last_at"),
        )
        .where(*mine)
        .group_by(payments.c.currency, payments.c.status)
    )
    return Found(newest, (await connection.execute(query)).all())
