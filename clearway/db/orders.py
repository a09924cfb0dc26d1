"""Orders, as stored. Their status is moved by the payment's steps (`clearway.db.payments`), never from here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import OrderStatus, orders, payments
from clearway.domain.payment import HOLDS_ORDER
from clearway.domain.resources import OrderResource


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be recorded; amount in minor units of `currency`."""

    id: str
    merchant_id: str
    amount_minor: int
    currency: str
    receipt: str | None = None
    notes: dict[str, str] = field(default_factory=dict)


def order_resource(row: Row[Any]) -> OrderResource:
    """Return the order as merchants see it."""
    return OrderResource(
        id=row.id,
        amount=row.amount_minor,
        currency=row.currency,
        receipt=row.receipt,
        notes=row.notes,
        status=row.status,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def record_order(connection: AsyncConnection, order: NewOrder) -> OrderResource:
    """Record an order and return it as it was created, however often this is repeated with the same id."""
    statement = insert(orders).values(
        id=order.id,
        merchant_id=order.merchant_id,
        amount_minor=order.amount_minor,
        currency=order.currency,
        receipt=order.receipt,
        notes=order.notes,
    )
    # Whatever unique index it conflicts with: when two record the same order at once, the second may meet any of them.
    await connection.execute(statement.on_conflict_do_nothing())
    recorded = await find_order(connection, order.merchant_id, order.id)
    assert recorded is not None, "the statement before has put it there, and orders are never deleted"
    # A repeat may come after a payment has moved the order on; the answer to a creation is the order as created.
    return recorded.model_copy(update={"status": OrderStatus.CREATED.value, "updated_at": recorded.created_at})


async def find_order(connection: AsyncConnection, merchant_id: str, order_id: str) -> OrderResource | None:
    """Return the merchant's order, or None."""
    query = select(orders).where(orders.c.id == order_id, orders.c.merchant_id == merchant_id)
    row = (await connection.execute(query)).one_or_none()
    return order_resource(row) if row else None


async def find_order_owner(connection: AsyncConnection, order_id: str) -> tuple[OrderResource, str] | None:
    """Return any merchant's order with the merchant's id: for public pages, which know only the order."""
    row = (await connection.execute(select(orders).where(orders.c.id == order_id))).one_or_none()
    return (order_resource(row), row.merchant_id) if row else None


async def order_is_taken(connection: AsyncConnection, order_id: str) -> bool:
    """Tell whether the order has a payment in progress or a successful one."""
    taken = exists().where(payments.c.order_id == order_id, payments.c.status.in_(sorted(HOLDS_ORDER)))
    return bool(await connection.scalar(select(taken)))


async def list_orders(
    connection: AsyncConnection, merchant_id: str, page: PageRequest, *, status: OrderStatus | None = None
) -> Rows:
    """Return one page of the merchant's orders, newest first."""
    query = select(orders).where(orders.c.merchant_id == merchant_id)
    if status is not None:
        query = query.where(orders.c.status == status.value)
    return await fetch_page(connection, query, orders.c.id, page)
