"""Reading a merchant's payments: one by its id, and pages of them.

Every query has an index that serves it (`tests/services/api/test_query_plans.py` looks at the plans).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, bindparam, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import customers
from clearway.db.pages import PageRequest, Rows, created_within
from clearway.db.payments.rows import attempt_resource_of, command_of, resource_of
from clearway.db.tables import gateway_configs, orders, payment_attempts, payment_commands, payments
from clearway.db.tables.base import search_key
from clearway.db.walks import PARTS_MAX, Walk, Way, walked_page
from clearway.domain.command import PaymentCommand
from clearway.domain.ids import ORDER, PAYMENT, is_id
from clearway.domain.payment import HOLDS_ORDER, PaymentMethod, PaymentStatus
from clearway.domain.resources import AttemptResource, PaymentResource

RARE_MAX: Final = 1_000
"""Payments of an amount, up to which they are found by it. Of more, a walk finds a page among its newest ones."""


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """The filters of a list of payments; amounts in minor units, bounds inclusive, moments from ≤ t < to.

    statuses: one of them; empty: any. customer: an e-mail address or the merchant's own id.
    """

    statuses: Sequence[str] = ()
    method: str | None = None
    currency: str | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    order_id: str | None = None
    gateway_id: str | None = None
    customer: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    search: str | None = None


async def find_payment(connection: AsyncConnection, merchant_id: str, payment_id: str) -> PaymentResource | None:
    """Return the merchant's payment, or None."""
    query = select(payments).where(payments.c.id == payment_id, payments.c.merchant_id == merchant_id)
    row = (await connection.execute(query)).one_or_none()
    return resource_of(row) if row else None


async def latest_of_order(connection: AsyncConnection, merchant_id: str, order_id: str) -> PaymentResource | None:
    """Return the payment that holds the merchant's order, or the last one that ended; or None."""
    query = (
        select(payments)
        .where(payments.c.order_id == order_id, payments.c.merchant_id == merchant_id)
        .order_by(payments.c.status.in_(sorted(HOLDS_ORDER)).desc(), payments.c.id.desc())
        .limit(1)
    )
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
    """Return one page of the merchant's payments, newest first. A short page may have a cursor, see `walked_page`."""
    period = created_within(payments.c.id, PAYMENT, wanted.created_from, wanted.created_to)
    mine = [payments.c.merchant_id == merchant_id, *period]
    ways, rest = _by_name(wanted, merchant_id, mine) or await _by_kind(connection, wanted, merchant_id, mine)
    return await walked_page(connection, Walk(payments, ways, partial(_conditions, rest)), page)


Found = tuple[list[Way], PaymentFilter]
"""The ways to what a filter asks for, and what is still to be asked of each row."""


def _by_name(wanted: PaymentFilter, merchant_id: str, mine: Sequence[ColumnElement[bool]]) -> Found | None:
    """Find payments by what few of them have: the index of it leads to them."""
    if wanted.search is not None:
        return [Way([*mine, place], scattered=True) for place in _places(wanted.search, merchant_id)], wanted
    if wanted.order_id is not None:
        return [Way([*mine, payments.c.order_id == wanted.order_id])], replace(wanted, order_id=None)
    if wanted.customer is not None:
        named = (customers.has_id(payments.c, wanted.customer), customers.has_email(payments.c, wanted.customer))
        return [Way([*mine, each], scattered=True) for each in named], replace(wanted, customer=None)
    return None


async def _by_kind(
    connection: AsyncConnection, wanted: PaymentFilter, merchant_id: str, mine: Sequence[ColumnElement[bool]]
) -> Found:
    """Find payments by what many of them have, such as a status: by the parts of the index of all of these columns."""
    kinds = any((wanted.statuses, wanted.method, wanted.currency, wanted.gateway_id))
    if not kinds and not _has_amount(wanted):
        return [Way(mine)], wanted
    used = Used(*(await connection.execute(USED, {"of_merchant": merchant_id})).one())
    rare = await _of_rare_amount(connection, merchant_id, wanted, used)
    if rare is not None:
        return [Way([*mine, rare])], replace(wanted, amount_min=None, amount_max=None)
    way = Way(mine, _parts(wanted, used))
    if not kinds or way.count > PARTS_MAX:  # hundreds of gateways and currencies
        return [Way(mine)], wanted
    return [way], replace(wanted, statuses=(), method=None, currency=None, gateway_id=None)


def _conditions(wanted: PaymentFilter, column: Any) -> list[ColumnElement[bool]]:
    """Return what a filter asks of a row, but for the search and the period, which are found by indexes."""
    pairs: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (wanted.statuses or None, column.status.in_),
        (wanted.method, column.method.__eq__),
        (wanted.currency, column.currency.__eq__),
        (wanted.amount_min, column.amount_minor.__ge__),
        (wanted.amount_max, column.amount_minor.__le__),
        (wanted.order_id, column.order_id.__eq__),
        (wanted.gateway_id, column.gateway_id.__eq__),
        (wanted.customer, lambda named: customers.has_id(column, named) | customers.has_email(column, named)),
    ]
    return [holds(value) for value, holds in pairs if value is not None]


@dataclass(frozen=True, slots=True)
class Used:
    """The currencies of a merchant's payments, and the gateways that the merchant has."""

    currencies: Sequence[str]
    gateways: Sequence[str]


def _has_amount(wanted: PaymentFilter) -> bool:
    return wanted.amount_min is not None or wanted.amount_max is not None


def _parts(wanted: PaymentFilter, used: Used) -> dict[str, Sequence[str]]:
    """Return the parts of `ix_payments_merchant_id_parts` that a filter asks for."""
    return {
        "status": list(dict.fromkeys(wanted.statuses)) or [*PaymentStatus],
        "method": [*PaymentMethod] if wanted.method is None else [wanted.method],
        "currency": used.currencies if wanted.currency is None else [wanted.currency],
        "gateway_id": used.gateways if wanted.gateway_id is None else [wanted.gateway_id],
    }


def _used_by_merchant() -> Select[Any]:
    """Return the query of `Used`. It finds each currency by one step in an index, so no payment is read for it."""
    of_merchant = payments.c.merchant_id == bindparam("of_merchant")
    first = select(func.min(payments.c.currency).label("currency")).where(of_merchant)
    step = first.cte("step", recursive=True)
    following = select(func.min(payments.c.currency)).where(of_merchant, payments.c.currency > step.c.currency)
    step = step.union_all(select(following.scalar_subquery()).where(step.c.currency.is_not(None)))
    currencies = select(step.c.currency).where(step.c.currency.is_not(None)).scalar_subquery()
    gateways = select(gateway_configs.c.id).where(gateway_configs.c.merchant_id == bindparam("of_merchant"))
    return select(func.array(currencies), func.array(gateways.scalar_subquery()))


USED: Final = _used_by_merchant()


async def _of_rare_amount(
    connection: AsyncConnection, merchant_id: str, wanted: PaymentFilter, used: Used
) -> ColumnElement[bool] | None:
    """Return what is true of the payments of an amount that few payments have; None: many have it, or none is asked."""
    if not _has_amount(wanted):
        return None
    amount = PaymentFilter(amount_min=wanted.amount_min, amount_max=wanted.amount_max)
    column = payments.c
    currencies = used.currencies if wanted.currency is None else [wanted.currency]
    within = (column.merchant_id == merchant_id, column.currency.in_(currencies), *_conditions(amount, column))
    some = select(literal(1).label("one")).where(*within).limit(RARE_MAX + 1).subquery()
    if int(await connection.scalar(select(func.count()).select_from(some)) or 0) > RARE_MAX:
        return None
    return _one_of(select(column.id).where(*within))


def _places(term: str, merchant_id: str) -> list[ColumnElement[bool]]:
    """Return every column that may hold the term, each with its index. A receipt may have any form."""
    column = payments.c
    sought = search_key(literal(term))
    with_receipt = select(orders.c.id).where(
        orders.c.merchant_id == merchant_id, search_key(orders.c.receipt) == sought
    )
    bare = term.strip()
    few = [select(column.id).where(column.order_id.in_(with_receipt))]
    few.append(
        select(column.id).where(column.gateway_id.in_(_gateways_of(merchant_id)), column.gateway_reference == bare)
    )
    if is_id(PAYMENT, bare):
        few.append(select(column.id).where(column.id == bare))
    if is_id(ORDER, bare):
        few.append(select(column.id).where(column.order_id == bare))
    places = [_one_of(union_all(*few)), customers.has_id(column, bare)]
    if "@" in term:  # every e-mail address and VPA has one
        places.append(customers.has_email(column, term))
        places.append(search_key(column.instrument["vpa"].astext) == sought)
    return places


def _one_of(few: Select[Any] | CompoundSelect[Any]) -> ColumnElement[bool]:
    """Say that a payment is one of these few. They are found first: the planner must not walk all to find them."""
    return payments.c.id == func.any(func.array(few.scalar_subquery()))


def _gateways_of(merchant_id: str) -> Select[Any]:
    return select(gateway_configs.c.id).where(gateway_configs.c.merchant_id == merchant_id)
