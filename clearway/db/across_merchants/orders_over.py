"""Orders whose time is over, of all merchants: for housekeeping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import orders, payments
from clearway.domain.order import OPEN
from clearway.domain.payment import HOLDS_ORDER

_COLUMNS: Final = tuple(orders.c[name] for name in ("id", "merchant_id", "expires_at"))


async def orders_over(
    connection: AsyncConnection, now: datetime, limit: int, after: Row[Any] | None
) -> Sequence[Row[Any]]:
    """Return open orders whose end has come and that no payment holds, the first end first."""
    held = exists().where(payments.c.order_id == orders.c.id, payments.c.status.in_(sorted(HOLDS_ORDER)))
    query = select(*_COLUMNS).where(orders.c.expires_at <= now, orders.c.status.in_(sorted(OPEN)), ~held)
    if after is not None:
        query = query.where(tuple_(orders.c.expires_at, orders.c.id) > tuple_(after.expires_at, after.id))
    query = query.order_by(orders.c.expires_at, orders.c.id).limit(limit)
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows
