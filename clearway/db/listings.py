"""Reading payments, refunds, events and deliveries: one resource by id, pages of them, and a payment's history.

Every query here names the merchant, so that nobody reads another's anything, and has an index that serves it
(`tests/services/api/test_query_plans.py` looks at the plans). Nothing here writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import payments as payment_rows
from clearway.db import refunds as refund_rows
from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import captures, events, orders, payments, refunds, webhook_deliveries
from clearway.domain.events import EventType
from clearway.domain.ids import ORDER, PAYMENT, is_id
from clearway.domain.resources import PaymentResource, RefundResource


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """What a list of payments is narrowed to; amounts in minor units, bounds inclusive, moments from ≤ t < to."""

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
    """Return the merchant's payment as it stands, or None."""
    query = select(payments).where(payments.c.id == payment_id, payments.c.merchant_id == merchant_id)
    row = (await connection.execute(query)).one_or_none()
    return payment_rows.resource_of(row) if row else None


async def find_any_payment(connection: AsyncConnection, payment_id: str) -> PaymentResource | None:
    """Return any merchant's payment: for public pages, which know only its id."""
    row = (await connection.execute(select(payments).where(payments.c.id == payment_id))).one_or_none()
    return payment_rows.resource_of(row) if row else None


async def find_refund(connection: AsyncConnection, merchant_id: str, refund_id: str) -> RefundResource | None:
    """Return the merchant's refund as it stands, or None."""
    query = select(refunds).where(refunds.c.id == refund_id, refunds.c.merchant_id == merchant_id)
    row = (await connection.execute(query)).one_or_none()
    return refund_rows.resource_of(row) if row else None


PAYMENT_STATUS: Final = select(payments.c.status).where(payments.c.id == bindparam("payment_id"))


async def payment_status(connection: AsyncConnection, payment_id: str) -> str | None:
    """Return the status of any merchant's payment: for gateways, which know only its id."""
    status: str | None = await connection.scalar(PAYMENT_STATUS, {"payment_id": payment_id})
    return status


async def refund_status(connection: AsyncConnection, refund_id: str) -> str | None:
    """Return the status of any merchant's refund: for gateways, which know only its id."""
    status: str | None = await connection.scalar(select(refunds.c.status).where(refunds.c.id == refund_id))
    return status


async def creation_body(
    connection: AsyncConnection, merchant_id: str, *, payment_id: str | None = None, refund_id: str | None = None
) -> str | None:
    """Return the body of the event that told of the creation, or None when nothing was created under this id."""
    if refund_id is not None:
        subject = (events.c.refund_id == refund_id) & (events.c.type == EventType.REFUND_CREATED.value)
    else:
        subject = (
            (events.c.payment_id == payment_id)
            & events.c.refund_id.is_(None)
            & (events.c.type == EventType.PAYMENT_CREATED.value)
        )
    body: str | None = await connection.scalar(
        select(events.c.body).where(subject, events.c.merchant_id == merchant_id)
    )
    return body


async def capture_is_recorded(connection: AsyncConnection, merchant_id: str, capture_id: str) -> bool:
    """Tell whether this capture took place, whatever became of the payment after."""
    query = select(captures.c.id).where(captures.c.id == capture_id, captures.c.merchant_id == merchant_id)
    return await connection.scalar(query) is not None


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
    """Read what a term can be from its form, so that each search is exact look-ups in indexes."""
    column = payments.c
    if is_id(PAYMENT, term):
        return column.id == term
    if is_id(ORDER, term):
        return column.order_id == term
    if "@" not in term:
        with_receipt = select(orders.c.id).where(orders.c.merchant_id == merchant_id, orders.c.receipt == term)
        return column.order_id.in_(with_receipt)
    of_merchant = select(column.id).where(column.merchant_id == merchant_id)
    by_email = func.lower(column.customer["email"].astext) == term.lower()
    by_vpa = func.lower(column.instrument["vpa"].astext) == term.lower()
    return column.id.in_(union_all(of_merchant.where(by_email), of_merchant.where(by_vpa)))


async def list_refunds(
    connection: AsyncConnection,
    merchant_id: str,
    page: PageRequest,
    *,
    payment_id: str | None = None,
    status: str | None = None,
) -> Rows:
    """Return one page of the merchant's refunds, newest first."""
    query = select(refunds).where(refunds.c.merchant_id == merchant_id)
    if payment_id is not None:
        query = query.where(refunds.c.payment_id == payment_id)
    if status is not None:
        query = query.where(refunds.c.status == status)
    return await fetch_page(connection, query, refunds.c.id, page)


async def list_events(
    connection: AsyncConnection, merchant_id: str, page: PageRequest, *, event_type: str | None = None
) -> Rows:
    """Return one page of the merchant's events, newest first; each row's `body` is the delivery body."""
    query = select(events.c.id, events.c.body).where(events.c.merchant_id == merchant_id)
    if event_type is not None:
        query = query.where(events.c.type == event_type)
    return await fetch_page(connection, query, events.c.id, page)


async def find_event_body(connection: AsyncConnection, merchant_id: str, event_id: str) -> str | None:
    """Return the delivery body of the merchant's event, byte for byte, or None."""
    query = select(events.c.body).where(events.c.id == event_id, events.c.merchant_id == merchant_id)
    body: str | None = await connection.scalar(query)
    return body


async def payment_history(connection: AsyncConnection, merchant_id: str, payment_id: str) -> list[Row[Any]]:
    """Return the events of a payment and of its refunds, oldest first.

    Two look-ups instead of one condition: each of the two unique indexes on events serves one of them.
    """
    of_payment = _steps().where(events.c.payment_id == payment_id, events.c.refund_id.is_(None))
    of_refunds = _steps().where(events.c.refund_id.in_(select(refunds.c.id).where(refunds.c.payment_id == payment_id)))
    both = union_all(
        of_payment.where(events.c.merchant_id == merchant_id), of_refunds.where(events.c.merchant_id == merchant_id)
    ).subquery()
    return list((await connection.execute(select(both).order_by(both.c.id))).all())


def _steps() -> Select[Any]:
    return select(
        events.c.id,
        events.c.type,
        events.c.refund_id,
        events.c.from_status,
        events.c.to_status,
        events.c.reason,
        events.c.actor,
        events.c.created_at,
    )


async def list_payment_deliveries(
    connection: AsyncConnection, merchant_id: str, payment_id: str, page: PageRequest
) -> Rows:
    """Return one page of the webhook deliveries about a payment, newest first."""
    query = select(webhook_deliveries).where(
        webhook_deliveries.c.merchant_id == merchant_id, webhook_deliveries.c.payment_id == payment_id
    )
    return await fetch_page(connection, query, webhook_deliveries.c.id, page)
