"""Public routes, limited by address. They answer the same to everybody, whoever's order or payment it is."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Depends, Request
from starlette.responses import Response

from api.auth.principal import limit_address
from api.http.admission import NEW_WORK
from api.http.idempotency import Answer, KeyHeader, Once, fingerprints_of, read_key
from api.http.problems import ONCE, TO_ANYBODY, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.payments.instruments import read_instrument
from api.public.schemas import PublicOrder, PublicPayment, PublicPaymentCreate
from clearway.db import across_merchants, merchants
from clearway.domain.ids import PAYMENT, is_id
from clearway.payments.creation import create_payment, read_order
from clearway.payments.finding import payment_not_found
from clearway.services import Allocation

router = Router(tags=["public"], dependencies=[Depends(limit_address)])


@router.get("/orders/{order_id}/public", responses=declare(*TO_ANYBODY, "order_not_found"), summary="Order to be paid")
async def get_public_order(order_id: str, services: ServicesDep) -> PublicOrder:
    """Read the fields of an order that a checkout page needs."""
    order = await read_order(services, order_id)
    async with services.reader.connect() as connection:
        name = await merchants.merchant_name(connection, order.merchant_id)
    return PublicOrder.of(order.resource, name or "")


@router.get(
    "/payments/{payment_id}/public", responses=declare(*TO_ANYBODY, "payment_not_found"), summary="Payment in progress"
)
async def get_public_payment(payment_id: str, services: ServicesDep) -> PublicPayment:
    """Read the fields of a payment that a checkout page needs."""
    async with services.reader.connect() as connection:
        known = is_id(PAYMENT, payment_id)
        found = await across_merchants.find_any_payment(connection, payment_id) if known else None
    if found is None:
        raise payment_not_found(payment_id)
    return PublicPayment.of(found)


@router.post(
    "/payments/public",
    status_code=HTTPStatus.CREATED,
    response_model=PublicPayment,
    responses=declare(
        *(
            *TO_ANYBODY,
            *WITH_BODY,
            *ONCE,
            "overloaded",
            "order_not_found",
            "order_has_payment",
            "order_closed",
            "no_gateway",
        ),
        *("raw_card_refused", "card_number_refused", "card_refused", "temporal_unavailable", "gateway_unavailable"),
    ),
    dependencies=[NEW_WORK],
    summary="Pay an order",
)
async def create_public_payment(
    request: Request, body: PublicPaymentCreate, services: ServicesDep, key: KeyHeader = None
) -> Response:
    """Pay an order from a checkout page. Amount, currency and merchant are the order's."""
    instrument = read_instrument(body)
    order = await read_order(services, body.order_id)

    async def operation(allocation: Allocation) -> Answer:
        payment = await create_payment(services, order, instrument, allocation)
        return Answer(HTTPStatus.CREATED, PublicPayment.of(payment))

    given = read_key(key)
    # A merchant's own key has no space, so a customer's key never collides with one of the merchant.
    own = None if given is None else f"public {order.resource.id} {given}"
    once = Once(services, order.merchant_id, own, *await fingerprints_of(request, services))
    return await once.answer(PAYMENT, operation)
