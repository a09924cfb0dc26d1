"""What a merchant has tried before going live, in the merchant's mode and in the account's test mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BindParameter, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import (
    gateway_configs,
    gateway_events,
    merchants,
    payments,
    refunds,
    webhook_deliveries,
    webhook_endpoints,
)
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.gateway_event import Verdict
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the merchant has tried. heard_gateways: those that have sent a webhook with a valid signature.

    paid, refunded: in test mode. https_endpoint, delivered: in the mode of the merchant.
    """

    heard_gateways: frozenset[str]
    https_endpoint: bool
    delivered: bool
    paid: bool
    refunded: bool


_OWN: Final[BindParameter[str]] = bindparam("of_merchant")
_ACCOUNT: Final = select(merchants.c.account_id).where(merchants.c.id == _OWN).scalar_subquery()
_TEST_SIDE: Final = (
    select(merchants.c.id)
    .where(merchants.c.account_id == _ACCOUNT, merchants.c.mode == Mode.TEST.value)
    .scalar_subquery()
)
_HTTPS: Final = exists().where(
    webhook_endpoints.c.merchant_id == _OWN,
    webhook_endpoints.c.deleted_at.is_(None),
    webhook_endpoints.c.status == EndpointStatus.ENABLED.value,
    webhook_endpoints.c.url.startswith("https://"),
)
_DELIVERED: Final = exists().where(
    webhook_deliveries.c.merchant_id == _OWN, webhook_deliveries.c.status == DeliveryStatus.DELIVERED.value
)
_PAID: Final = exists().where(payments.c.merchant_id == _TEST_SIDE, payments.c.status == PaymentStatus.SUCCESS.value)
_REFUNDED: Final = exists().where(refunds.c.merchant_id == _TEST_SIDE, refunds.c.status == RefundStatus.PROCESSED.value)
_HEARD: Final = (
    select(func.array_agg(gateway_configs.c.id))
    .where(
        gateway_configs.c.merchant_id == _OWN,
        exists().where(
            gateway_events.c.gateway_id == gateway_configs.c.id, gateway_events.c.verdict == Verdict.VERIFIED.value
        ),
    )
    .scalar_subquery()
)
REHEARSAL: Final = select(_HEARD, _HTTPS, _DELIVERED, _PAID, _REFUNDED)


async def rehearsal(connection: AsyncConnection, merchant_id: str) -> Rehearsal:
    """Return what a merchant has tried."""
    heard, https, delivered, paid, refunded = (await connection.execute(REHEARSAL, {"of_merchant": merchant_id})).one()
    return Rehearsal(frozenset(heard or ()), https, delivered, paid, refunded)
