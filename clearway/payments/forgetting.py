"""Forgetting the person behind a payment: what the law calls erasure. The money of the payment stays in the books.

What it reaches, and what it does not, stands in `docs/operations.md`, "Personal data".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import across_merchants, audit
from clearway.db.payments import forgetting, reading
from clearway.db.payments.rows import resource_of
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError
from clearway.domain.ids import PAYMENT, is_id
from clearway.domain.resources import PaymentResource
from clearway.payments.finding import payment_not_found


async def forget(connection: AsyncConnection, actor: Actor, payment_id: str, reason: str) -> PaymentResource:
    """Remove what is personal of the merchant's payment, in the caller's transaction, and return what is left.

    Each request is in the audit log, also one for a payment that is forgotten already. Raises NotFoundError, and
    ConflictError for a payment that has not ended: its gateway may still need to be asked with what is sealed.
    """
    merchant_id = actor.merchant_id
    standing = await reading.find_payment(connection, merchant_id, payment_id) if is_id(PAYMENT, payment_id) else None
    if standing is None:
        raise payment_not_found(payment_id)
    forgotten = await forgetting.forget_person(connection, merchant_id, payment_id, datetime.now(UTC))
    if forgotten is None:
        detail = (
            f"Payment {payment_id} is {standing.status}. Only a payment that has ended can be forgotten. "
            "Nothing was removed. Cancel it, or try again when it has ended."
        )
        raise ConflictError("not_forgettable", detail)
    await forgetting.forget_traces(connection, forgotten)
    await audit.record(connection, actor, "payment.forget", payment_id, {"reason": reason})
    return resource_of(forgotten)


async def of_any_merchant(connection: AsyncConnection, operator: str, payment_id: str, reason: str) -> dict[str, Any]:
    """Forget for an operator, who has nothing but the payment's id; return what is left in its JSON form."""
    merchant_id = await across_merchants.merchant_of(connection, payment_id) if is_id(PAYMENT, payment_id) else None
    if merchant_id is None:
        raise payment_not_found(payment_id)
    return (await forget(connection, Actor(operator, merchant_id), payment_id, reason)).data()
