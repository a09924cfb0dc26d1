"""Finding a merchant's payment, or raising the error that there is none."""

from __future__ import annotations

import structlog

from clearway.db.payments import reading
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import PAYMENT, is_id
from clearway.domain.resources import PaymentResource
from clearway.services import Services


def payment_not_found(payment_id: str) -> NotFoundError:
    """Return the error for a payment this merchant does not have."""
    return NotFoundError("payment_not_found", f"You have no payment {payment_id!r}.")


async def find(services: Services, merchant_id: str, payment_id: str) -> PaymentResource:
    """Return the merchant's payment in its current state. Raises NotFoundError."""
    if not is_id(PAYMENT, payment_id):
        raise payment_not_found(payment_id)
    structlog.contextvars.bind_contextvars(payment_id=payment_id)
    async with services.reader.connect() as connection:
        payment = await reading.find_payment(connection, merchant_id, payment_id)
    if payment is None:
        raise payment_not_found(payment_id)
    return payment
