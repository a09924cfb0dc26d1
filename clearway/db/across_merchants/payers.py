"""Orders and payments, for public pages, which know only an id, and for operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.mapping import Mapped
from clearway.db.orders import order_resource
from clearway.db.payments.rows import attempt_of, resource_of
from clearway.db.tables import merchants, orders, payment_attempts, payments, refunds
from clearway.domain.attempt import Attempt
from clearway.domain.ids import REFUND, is_id
from clearway.domain.merchant import Mode
from clearway.domain.payment import HOLDS_ORDER, PaymentStatus
from clearway.domain.resources import OrderResource, PaymentResource


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """An order with its merchant and their mode. held_by: the payment, in progress or successful, that holds it."""

    resource: OrderResource
    merchant_id: str
    mode: Mode
    held_by: str | None


_HELD_BY: Final = (
    select(payments.c.id)
    .where(payments.c.order_id == orders.c.id, payments.c.status.in_(sorted(HOLDS_ORDER)))
    .limit(1)
    .scalar_subquery()
)


FIND_PAYABLE: Final = (
    select(orders, merchants.c.mode, _HELD_BY.label("held_by"))
    .join(merchants, merchants.c.id == orders.c.merchant_id)
    .where(orders.c.id == bindparam("order_id"))
)


async def find_payable(connection: AsyncConnection, order_id: str) -> PayableOrder | None:
    """Return an order of any merchant and whether it can be paid; or None."""
    row = (await connection.execute(FIND_PAYABLE, {"order_id": order_id})).one_or_none()
    return PayableOrder(order_resource(row), row.merchant_id, Mode(row.mode), row.held_by) if row else None


async def merchant_of(connection: AsyncConnection, subject_id: str) -> str | None:
    """Return the merchant of a payment or refund: for operators, who know only its id."""
    table = refunds if is_id(REFUND, subject_id) else payments
    merchant_id: str | None = await connection.scalar(select(table.c.merchant_id).where(table.c.id == subject_id))
    return merchant_id


async def find_any_payment(connection: AsyncConnection, payment_id: str) -> PaymentResource | None:
    """Return any merchant's payment: for public pages, which know only its id."""
    row = (await connection.execute(select(payments).where(payments.c.id == payment_id))).one_or_none()
    return resource_of(row) if row else None


@dataclass(frozen=True, slots=True)
class Returning:
    """The part of a payment that a returning customer needs."""

    id: str
    merchant_id: str
    status: PaymentStatus
    amount_minor: int
    currency: str
    gateway_reference: str | None
    sealed_return_url: str | None
    action_form: str | None


FIND_RETURNING: Final = select(
    payments.c.id,
    payments.c.merchant_id,
    payments.c.status,
    payments.c.amount_minor,
    payments.c.currency,
    payments.c.gateway_reference,
    payments.c.sealed_return_url,
    payments.c.action_form,
).where(payments.c.id == bindparam("payment_id"))


RETURNING: Final = Mapped(Returning, payments)


async def find_returning(connection: AsyncConnection, payment_id: str) -> Returning | None:
    """Return any merchant's payment for its returning customer, who has shown its token."""
    row: Any = (await connection.execute(FIND_RETURNING, {"payment_id": payment_id})).one_or_none()
    return RETURNING.read(row) if row else None


VERSIONS: Final = select(payments.c.id, payments.c.version).where(
    payments.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
)


async def payment_versions(connection: AsyncConnection, payment_ids: list[str]) -> dict[str, int]:
    """Return how often each of these payments has moved: for pages that wait for the next move."""
    rows = (await connection.execute(VERSIONS, {"ids": payment_ids})).all()
    return {row.id: row.version for row in rows}


FIND_LAST_ATTEMPT: Final = (
    select(payment_attempts)
    .where(payment_attempts.c.payment_id == bindparam("payment_id"))
    .order_by(payment_attempts.c.number.desc())
    .limit(1)
)


async def find_last_attempt(connection: AsyncConnection, payment_id: str) -> Attempt | None:
    """Return the last attempt of any merchant's payment: the one at whose page a returning customer was."""
    row = (await connection.execute(FIND_LAST_ATTEMPT, {"payment_id": payment_id})).one_or_none()
    return attempt_of(row) if row else None
