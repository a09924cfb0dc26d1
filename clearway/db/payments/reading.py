"""Reading a merchant's payments: one by its id, and pages of them.

Every query has an index that serves it (`tests/services/api/test_query_plans.py` looks at the plans).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.payments.rows import attempt_resource_of, command_of, resource_of
from clearway.db.tables import orders, payment_attempts, payment_commands, payments
from clearway.db.tables.base import search_key
from clearway.domain.command import PaymentCommand
from clearway.domain.ids import ORDER, PAYMENT, is_id
from clearway.domain.resources import AttemptResource, PaymentResource


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """The filters of a list of payments; amounts in minor units, bounds inclusive, moments from ≤ t < to."""

    status: str | None = None
    method: str | None = None
    currency: str | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    order_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    search: str | None = None


async def find_payment(connection: AsyncConnection, merchant_id: str, payment_id: str) -> PaymentResource | None:
    """Return the merchant's payment, or None."""
    query = select(payments).where(payments.c.id == payment_id, payments.c.merchant_id == merchant_id)
    row = (await connection.execute(query)).one_or_none()
    return resource_of(row) if row else None


async def find_command(
    connection: AsyncConnection, merchant_id: str, payment_id: str, command_id: str
) -> PaymentCommand | None:
    """Return the command of the merchant's payment, or None when none was sent to a gateway under this id."""
    query = select(payment_commands).where(
        payment_commands.c.id == command_id,
        payment_commands.c.payment_id == payment_id,
        payment_commands.c.merchant_id == merchant_id,
    )
    row = (await connection.execute(query)).one_or_none()
    return command_of(row) if row else None


async def list_attempts(connection: AsyncConnection, merchant_id: str, payment_id: str) -> list[AttemptResource]:
    """Return the attempts of the merchant's payment in their order."""
    column = payment_attempts.c
    query = (
        select(payment_attempts)
        .where(column.payment_id == payment_id, column.merchant_id == merchant_id)
        .order_by(column.number)
    )
    return [attempt_resource_of(row) for row in await connection.execute(query)]


async def list_payments(
    connection: AsyncConnection, merchant_id: str, wanted: PaymentFilter, page: PageRequest
) -> Rows:
    """Return one page of the merchant's payments, newest first."""
    query = select(payments).where(payments.c.merchant_id == merchant_id, *_conditions(wanted))
    if wanted.search is not None:
        query = query.where(_matches(wanted.search, merchant_id))
    return await fetch_page(connection, query, payments.c.id, page)


def _conditions(wanted: PaymentFilter) -> list[ColumnElement[bool]]:
    column = payments.c
    pairs = [
        (wanted.status, column.status.__eq__),
        (wanted.method, column.method.__eq__),
        (wanted.currency, column.currency.__eq__),
        (wanted.amount_min, column.amount_minor.__ge__),
        (wanted.amount_max, column.amount_minor.__le__),
        (wanted.order_id, column.order_id.__eq__),
        (wanted.created_from, column.created_at.__ge__),
        (wanted.created_to, column.created_at.__lt__),
    ]
    return [holds(value) for value, holds in pairs if value is not None]


def _matches(term: str, merchant_id: str) -> ColumnElement[bool]:
    """Search every column that may hold the term, each by an index. A receipt may have any form."""
    column = payments.c
    of_merchant = select(column.id).where(column.merchant_id == merchant_id)
    sought = search_key(literal(term))
    with_receipt = select(orders.c.id).where(
        orders.c.merchant_id == merchant_id, search_key(orders.c.receipt) == sought
    )
    places = [of_merchant.where(column.order_id.in_(with_receipt))]
    bare = term.strip()
    if is_id(PAYMENT, bare):
        places.append(of_merchant.where(column.id == bare))
    if is_id(ORDER, bare):
        places.append(of_merchant.where(column.order_id == bare))
    if "@" in term:  # every e-mail address and VPA has one
        places.append(of_merchant.where(search_key(column.customer["email"].astext) == sought))
        places.append(of_merchant.where(search_key(column.instrument["vpa"].astext) == sought))
    return column.id.in_(union_all(*places))
