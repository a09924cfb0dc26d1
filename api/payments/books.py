"""`/payments/{payment_id}/captures` and `/ledger`: what a payment has moved."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.db.payments import books
from clearway.domain.permissions import Permission
from clearway.domain.resources import CaptureResource, LedgerTransactionResource
from clearway.payments.finding import find

router = Router(prefix="/payments", tags=["payments"])

Reader = Annotated[Principal, requires(Permission.PAYMENTS_READ)]


class Captures(BaseModel):
    """The captures of a payment, oldest first."""

    payment_id: str
    data: list[CaptureResource]


class Ledger(BaseModel):
    """What was booked for a payment and its refunds, oldest first."""

    payment_id: str
    data: list[LedgerTransactionResource]


@router.get(
    "/{payment_id}/captures", responses=declare(*TO_MERCHANTS, "payment_not_found"), summary="A payment's captures"
)
async def list_payment_captures(payment_id: str, principal: Reader, services: ServicesDep) -> Captures:
    """List the captures of a payment, oldest first. Their sum is its `amount_captured`."""
    await find(services, principal.merchant_id, payment_id)
    async with services.reader.connect() as connection:
        found = await books.list_captures(connection, principal.merchant_id, payment_id)
    return Captures(payment_id=payment_id, data=found)


@router.get("/{payment_id}/ledger", responses=declare(*TO_MERCHANTS, "payment_not_found"), summary="A payment's ledger")
async def list_payment_ledger(payment_id: str, principal: Reader, services: ServicesDep) -> Ledger:
    """List the ledger transactions of a payment and of its refunds. The entries of each add up to zero by currency."""
    await find(services, principal.merchant_id, payment_id)
    async with services.reader.connect() as connection:
        found = await books.list_ledger(connection, principal.merchant_id, payment_id)
    return Ledger(payment_id=payment_id, data=found)
