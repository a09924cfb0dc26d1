"""Which refunds of a member need a step-up: those that bring a payment's refunds above what the merchant has set."""

from __future__ import annotations

from clearway.accounts import merchant_settings
from clearway.db.refunds import reading
from clearway.payments.finding import find
from clearway.services import Services


async def total_max(services: Services, merchant_id: str, payment_id: str, amount_minor: int | None) -> int | None:
    """Return what the payment's refunds may come to together without a step-up; None: this one needs it as things are.

    amount_minor None: all that is left. Earlier refunds count, so that many small ones are no way around;
    of those at the same moment the reservation decides. A currency without a limit always needs a step-up. Raises
    NotFoundError.
    """
    payment = await find(services, merchant_id, payment_id)
    async with services.reader.connect() as connection:
        limits = (await merchant_settings.read(connection, merchant_id))["refund_step_up"]
        earlier_minor = await reading.sum_of_refunds(connection, merchant_id, payment_id)
    limit_minor: int | None = limits.get(payment.currency)
    total_minor = payment.amount_captured if amount_minor is None else earlier_minor + amount_minor
    return None if limit_minor is None or total_minor > limit_minor else limit_minor
