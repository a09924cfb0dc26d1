"""Orders, as stored. Their status is changed by the steps of payments and by `clearway.db.order_ends`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Row, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import orders
from clearway.domain.order import OrderStatus
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
    expires_at: datetime | None = None


# On conflict with any unique index: when two record the same order at once, the second may meet any of them.
RECORD: Final = insert(orders).on_conflict_do_nothing().returning(orders)
_THIS: Final = orders.c.id == bindparam("order_id")
FIND: Final = select(orders).where(_THIS, orders.c.merchant_id == bindparam("of_merchant"))

CURRENCIES_LOOKED_AT: Final = 1_000
"""How many of the newest orders say which currencies a merchant uses."""


def order_resource(row: Row[Any] | SimpleNamespace) -> OrderResource:
    """Return the order's API resource."""
    return OrderResource(
        id=row.id,
        amount=row.amount_minor,
        currency=row.currency,
        receipt=row.receipt,
        notes=row.notes,
        status=row.status,
        expires_at=row.expires_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def record_order(connection: AsyncConnection, order: NewOrder) -> OrderResource:
    """Record an order and return it as created. A repeat with the same id returns the same order."""
    inserted = (await connection.execute(RECORD, asdict(order))).one_or_none()
    if inserted is not None:
        return order_resource(inserted)
    recorded = await find_order(connection, order.merchant_id, order.id)
    assert recorded is not None, "it was there before, and orders are never deleted"
    # A repeat may come after a payment has changed the order's status; it still gets the order as created.
    return recorded.model_copy(update={"status": OrderStatus.CREATED, "updated_at": recorded.created_at})


async def record_order_again(connection: AsyncConnection, order: NewOrder) -> None:
    """Record a lost order again; an existing one does not change."""
    await connection.execute(RECORD, asdict(order))


async def find_order(connection: AsyncConnection, merchant_id: str, order_id: str) -> OrderResource | None:
    """Return the merchant's order, or None."""
    row = (await connection.execute(FIND, {"order_id": order_id, "of_merchant": merchant_id})).one_or_none()
    return order_resource(row) if row else None


async def list_orders(
    connection: AsyncConnection, merchant_id: str, page: PageRequest, *, status: OrderStatus | None = None
) -> Rows:
    """Return one page of the merchant's orders, newest first."""
    query = select(orders).where(orders.c.merchant_id == merchant_id)
    if status is not None:
        query = query.where(orders.c.status == status.value)
    return await fetch_page(connection, query, orders.c.id, page)


async def currencies(connection: AsyncConnection, merchant_id: str) -> frozenset[str]:
    """Return the currencies of the merchant's newest orders."""
    newest = (
        select(orders.c.currency)
        .where(orders.c.merchant_id == merchant_id)
        .order_by(orders.c.id.desc())
        .limit(CURRENCIES_LOOKED_AT)
        .subquery()
    )
    return frozenset(await connection.scalars(select(newest.c.currency).distinct()))
