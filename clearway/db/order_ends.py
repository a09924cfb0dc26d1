"""Ending an order without a payment: cancelled or expired, with its event, deliveries and audit row.

The row of the order is locked first, against payments that are about to be recorded: their guard in the database
(`payments_order_open`) waits for this lock, and then meets a closed order. So an order never has both a payment in
progress and an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit
from clearway.db.events import DueDelivery, Happening, announce, endpoints_of
from clearway.db.orders import order_resource
from clearway.db.tables import orders, payments
from clearway.db.writing import Changed, row_after, write
from clearway.domain.actor import SYSTEM, Actor, in_history
from clearway.domain.order import EVENT_OF_END, OPEN, OrderStatus
from clearway.domain.payment import HOLDS_ORDER, PaymentStatus
from clearway.domain.resources import OrderResource

LOCK: Final = (
    select(orders)
    .where(orders.c.id == bindparam("order_id"), orders.c.merchant_id == bindparam("of_merchant"))
    .with_for_update()
)
HOLDER: Final = select(payments.c.id, payments.c.status).where(
    payments.c.order_id == bindparam("order_id"),
    payments.c.merchant_id == bindparam("of_merchant"),
    payments.c.status.in_(sorted(HOLDS_ORDER)),
)


@dataclass(frozen=True, slots=True)
class Why:
    """Why an order ends. asked_by: for the audit log; None: its time has come."""

    reason: str
    asked_by: Actor | None = None


@dataclass(frozen=True, slots=True)
class HeldBy:
    """The payment that holds an order, which therefore did not end."""

    payment_id: str
    status: PaymentStatus


@dataclass(frozen=True, slots=True)
class Ended:
    """An order as it is now. due: deliveries of its end. held_by: why it did not end. again: it had ended before."""

    order: OrderResource
    due: tuple[DueDelivery, ...] = ()
    held_by: HeldBy | None = None
    again: bool = False


async def end(
    connection: AsyncConnection, merchant_id: str, order_id: str, to: OrderStatus, why: Why, *, now: datetime
) -> Ended:
    """End an order, in the transaction of the connection, unless a payment holds it or it has ended before."""
    this = {"order_id": order_id, "of_merchant": merchant_id}
    row = (await connection.execute(LOCK, this)).one()
    if OrderStatus(row.status) not in OPEN:
        return Ended(order_resource(row), again=True)
    holder = (await connection.execute(HOLDER, this)).first()
    if holder is not None:
        return Ended(order_resource(row), held_by=HeldBy(holder.id, PaymentStatus(holder.status)))
    after = {"status": to.value, "updated_at": now}
    order = order_resource(row_after(row, after))
    happening = _happening(row, order, why)
    announced = announce([happening], await endpoints_of(connection, row.merchant_id), now=now)
    detail = {"from": row.status, "reason": why.reason}
    audited = audit.beside(why.asked_by, "order.cancel", row.id, detail, now=now)
    await write(connection, [Changed(orders, row.id, after), *announced.writes, *audited])
    return Ended(order, tuple(announced.due))


def _happening(row: Row[Any], order: OrderResource, why: Why) -> Happening:
    return Happening(
        type=EVENT_OF_END[order.status],
        merchant_id=row.merchant_id,
        data=order.data() | {"notes": {}},  # events are kept for good, and notes may be personal
        step=order.status.value,
        subject_id=row.id,
        from_status=row.status,
        to_status=order.status.value,
        reason=why.reason,
        actor=SYSTEM if why.asked_by is None else in_history(why.asked_by),
    )
