"""`/exports/…`: the lists of payments, refunds and orders as files, with the filters of the lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.exports import FileChoice, file_choice, file_response
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ApiServices, ServicesDep
from api.payments.routes import payment_filter
from api.refunds.routes import refund_filter
from clearway.db import audit, orders
from clearway.db.pages import PageRequest, Rows
from clearway.db.payments import reading as payments
from clearway.db.payments.reading import PaymentFilter
from clearway.db.payments.rows import resource_of as payment_resource
from clearway.db.refunds import reading as refunds
from clearway.db.refunds.reading import RefundFilter
from clearway.db.refunds.rows import resource_of as refund_resource
from clearway.domain.order import OrderStatus
from clearway.domain.permissions import Permission
from clearway.exports import lists
from clearway.exports.columns import Column, Table, pages_of


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be exported. item_of: makes the resource of a row."""

    name: str
    columns: Sequence[Column[Any]]
    item_of: Callable[[Any], Any]


PAYMENTS: Final = Kind("payments", lists.PAYMENTS, payment_resource)
REFUNDS: Final = Kind("refunds", lists.REFUNDS, refund_resource)
ORDERS: Final = Kind("orders", lists.ORDERS, orders.order_resource)

router = Router(prefix="/exports", tags=["exports"])

Exporter = Annotated[Principal, requires(Permission.EXPORTS_WRITE)]
Chosen = Annotated[FileChoice, Depends(file_choice)]
PROBLEMS = (*TO_MERCHANTS, "export_too_large")
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {}}}
}


@router.get(
    "/payments",
    response_class=Response,
    responses=FILES | declare(*PROBLEMS),
    summary="Export payments",
)
async def export_payments(
    principal: Exporter,
    services: ServicesDep,
    wanted: Annotated[PaymentFilter, Depends(payment_filter)],
    chosen: Chosen,
) -> Response:
    """Return the payments that `GET /payments` lists with these filters, all of them, newest first, as a file."""

    async def read(connection: AsyncConnection, page: PageRequest) -> Rows:
        return await payments.list_payments(connection, principal.merchant_id, wanted, page)

    return await _answer(services, principal, chosen, PAYMENTS, read)


@router.get("/refunds", response_class=Response, responses=FILES | declare(*PROBLEMS), summary="Export refunds")
async def export_refunds(
    principal: Exporter,
    services: ServicesDep,
    wanted: Annotated[RefundFilter, Depends(refund_filter)],
    chosen: Chosen,
) -> Response:
    """Return the refunds that `GET /refunds` lists with these filters, all of them, newest first, as a file."""

    async def read(connection: AsyncConnection, page: PageRequest) -> Rows:
        return await refunds.list_refunds(connection, principal.merchant_id, wanted, page)

    return await _answer(services, principal, chosen, REFUNDS, read)


@router.get("/orders", response_class=Response, responses=FILES | declare(*PROBLEMS), summary="Export orders")
async def export_orders(
    principal: Exporter, services: ServicesDep, chosen: Chosen, status: OrderStatus | None = None
) -> Response:
    """Return your orders, newest first, as a file."""

    async def read(connection: AsyncConnection, page: PageRequest) -> Rows:
        return await orders.list_orders(connection, principal.merchant_id, page, status=status)

    return await _answer(services, principal, chosen, ORDERS, read)


async def _answer(
    services: ApiServices,
    principal: Principal,
    chosen: FileChoice,
    kind: Kind,
    read: Callable[[AsyncConnection, PageRequest], Awaitable[Rows]],
) -> Response:
    """Each page is a statement of its own, so a slow reader holds no connection and no transaction."""

    async def page(request: PageRequest) -> Rows:
        async with services.reader.connect() as connection:
            return await read(connection, request)

    answer = await file_response(Table(kind.name, kind.columns, pages_of(page, kind.item_of)), chosen)
    async with services.reader.connect() as connection:
        detail = {"list": kind.name, "format": chosen.format.value}
        await audit.record(connection, principal.actor, "export.create", principal.merchant_id, detail)
    return answer
