"""Reading a merchant's refunds: one by its id, and pages of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, created_within
from clearway.db.refunds.rows import resource_of
from clearway.db.tables import gateway_configs, payments, refunds
from clearway.db.walks import Walk, Way, walked_page
from clearway.domain.ids import REFUND
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import RefundResource


@dataclass(frozen=True, slots=True)
class RefundFilter:
    """The filters of a list of refunds; amounts in minor units, bounds inclusive, moments from ≤ t < to.

    statuses: one of them; empty: any. order_id: of the payments that were refunded.
    """

    statuses: Sequence[str] = ()
    payment_id: str | None = None
    order_id: str | None = None
    gateway_id: str | None = None
    currency: str | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


async def find_refund(connection: AsyncConnection, merchant_id: str, refund_id: str) -> RefundResource | None:
    """Return the merchant's refund, or None."""
    query = select(refunds).where(refunds.c.id == refund_id, refunds.c.merchant_id == merchant_id)
    row = (await connection.execute(query)).one_or_none()
    return resource_of(row) if row else None


async def list_refunds(connection: AsyncConnection, merchant_id: str, wanted: RefundFilter, page: PageRequest) -> Rows:
    """Return one page of the merchant's refunds, newest first. A short page may have a cursor, see `walked_page`."""
    column = refunds.c
    mine = [
        column.merchant_id == merchant_id,
        *created_within(column.id, REFUND, wanted.created_from, wanted.created_to),
    ]
    if wanted.payment_id is not None:
        mine.append(column.payment_id == wanted.payment_id)
    if wanted.order_id is not None:
        of_order = _of_order(merchant_id, wanted.order_id).scalar_subquery()
        mine.append(column.payment_id == func.any(func.array(of_order)))
    if wanted.payment_id is not None or wanted.order_id is not None:
        way = Way(mine)
    elif wanted.statuses or wanted.gateway_id is not None:
        way = Way(mine, await _parts(connection, merchant_id, wanted))
        wanted = replace(wanted, statuses=(), gateway_id=None)
    else:
        way = Way(mine)
    return await walked_page(connection, Walk(refunds, [way], partial(_conditions, wanted)), page)


async def _parts(connection: AsyncConnection, merchant_id: str, wanted: RefundFilter) -> dict[str, Sequence[str]]:
    """Return the parts of `ix_refunds_merchant_id_parts` that a filter asks for."""
    statuses = list(dict.fromkeys(wanted.statuses)) or [*RefundStatus]
    if wanted.gateway_id is not None:
        return {"status": statuses, "gateway_id": [wanted.gateway_id]}
    of_merchant = select(gateway_configs.c.id).where(gateway_configs.c.merchant_id == merchant_id)
    return {"status": statuses, "gateway_id": [*await connection.scalars(of_merchant)]}


def _conditions(wanted: RefundFilter, column: Any) -> list[ColumnElement[bool]]:
    """Return what a filter asks of a row, but for its payment, order and time, which are found by indexes."""
    pairs: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (wanted.statuses or None, column.status.in_),
        (wanted.gateway_id, column.gateway_id.__eq__),
        (wanted.currency, column.currency.__eq__),
        (wanted.amount_min, column.amount_minor.__ge__),
        (wanted.amount_max, column.amount_minor.__le__),
    ]
    return [holds(value) for value, holds in pairs if value is not None]


def _of_order(merchant_id: str, order_id: str) -> Select[Any]:
    return select(payments.c.id).where(payments.c.order_id == order_id, payments.c.merchant_id == merchant_id)


async def sum_of_refunds(connection: AsyncConnection, merchant_id: str, payment_id: str) -> int:
    """Return what the refunds of a payment move, in minor units, those under way and in review included."""
    gone = (RefundStatus.FAILED.value, RefundStatus.REVERSED.value)
    of_payment = (refunds.c.merchant_id == merchant_id) & (refunds.c.payment_id == payment_id)
    query = select(func.sum(refunds.c.amount_minor)).where(of_payment, refunds.c.status.not_in(gone))
    return int(await connection.scalar(query) or 0)
