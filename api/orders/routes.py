"""`/orders`: create, read, list and cancel orders. An order is a row: only cancelling one may ask a workflow."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Query
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.admission import NEW_WORK
from api.http.errors import FieldsInvalidError
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, FieldProblem, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.orders.schemas import OrderCancel, OrderCreate
from clearway.db import orders
from clearway.db.pages import PageRequest
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import ORDER, is_id
from clearway.domain.order import LIFE_MAX, LIFE_MIN, OrderStatus
from clearway.domain.permissions import Permission
from clearway.domain.resources import OrderResource
from clearway.orders import cancelling
from clearway.services import Allocation

router = Router(prefix="/orders", tags=["orders"])

Reader = Annotated[Principal, requires(Permission.ORDERS_READ)]
Creator = Annotated[Principal, requires(Permission.ORDERS_WRITE)]
Canceller = Annotated[Principal, requires(Permission.PAYMENTS_CANCEL)]
CANCELLATION: Final = "ocx"
"""Prefix of the ids of requests for cancellations; they name no resource."""


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=OrderResource,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "overloaded"),
    dependencies=[NEW_WORK],
    summary="Create an order",
)
async def create_order(body: OrderCreate, principal: Creator, services: ServicesDep, once: OnceDep) -> Response:
    """Create an order: the amount that a customer is to pay. Its payments take amount and currency from it."""

    async def operation(allocation: Allocation) -> Answer:
        _check_end(body.expires_at)
        new = orders.NewOrder(
            id=allocation.resource_id,
            merchant_id=principal.merchant_id,
            amount_minor=body.amount,
            currency=body.currency,
            receipt=body.receipt,
            notes=body.notes,
            expires_at=body.expires_at,
        )
        async with services.engine.begin() as connection:
            return Answer(HTTPStatus.CREATED, await orders.record_order(connection, new))

    return await once.answer(ORDER, operation)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List orders")
async def list_orders(
    principal: Reader,
    services: ServicesDep,
    page: Annotated[PageRequest, Depends(page_request(ORDER))],
    status: Annotated[OrderStatus | None, Query()] = None,
) -> Page[OrderResource]:
    """List your orders, newest first."""
    async with services.reader.connect() as connection:
        found = await orders.list_orders(connection, principal.merchant_id, page, status=status)
    return page_of(map(orders.order_resource, found.rows), found.next_cursor)


@router.get("/{order_id}", responses=declare(*TO_MERCHANTS, "order_not_found"), summary="Read an order")
async def get_order(order_id: str, principal: Reader, services: ServicesDep) -> OrderResource:
    """Read one of your orders."""
    async with services.reader.connect() as connection:
        order = await orders.find_order(connection, principal.merchant_id, order_id) if is_id(ORDER, order_id) else None
    if order is None:
        raise NotFoundError("order_not_found", f"You have no order {order_id!r}. Nothing was done.")
    return order


@router.post(
    "/{order_id}/cancel",
    response_model=OrderResource,
    responses=declare(
        *(*TO_MERCHANTS, *WITH_BODY, *ONCE, "order_not_found", "order_not_cancellable"),
        *("temporal_unavailable", "gateway_outcome_unknown"),
    ),
    summary="Cancel an order",
)
async def cancel_order(
    order_id: str, principal: Canceller, services: ServicesDep, once: OnceDep, body: OrderCancel | None = None
) -> Response:
    """Cancel an order, so that nobody can pay it. A payment in progress is cancelled at its gateway first.

    It is refused if the payment is authorised or captured, or if the gateway does not confirm its cancellation.
    """

    async def operation(allocation: Allocation) -> Answer:
        reason = (body or OrderCancel()).reason
        order = await cancelling.cancel(services, principal.actor, order_id, allocation.resource_id, reason)
        return Answer(HTTPStatus.OK, order)

    return await once.answer(CANCELLATION, operation)


def _check_end(expires_at: datetime | None) -> None:
    """Refuse an end that is too soon or too late. Only at the first request: a repeat may come after the end."""
    now = datetime.now(UTC)
    if expires_at is not None and not now + LIFE_MIN <= expires_at <= now + LIFE_MAX:
        message = "Use a time from one minute to 180 days from now, or leave it out"
        raise FieldsInvalidError(FieldProblem(field="expires_at", message=message))
