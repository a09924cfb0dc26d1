"""`/refunds` and `/payments/{payment_id}/refunds`: create, read and list refunds."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.admission import NEW_WORK
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.refunds.schemas import RefundCreate
from clearway.db.pages import PageRequest
from clearway.db.refunds import reading
from clearway.db.refunds.rows import resource_of
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import REFUND, is_id
from clearway.domain.permissions import Permission
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import RefundResource
from clearway.payments.finding import find
from clearway.refunds import creation
from clearway.services import Allocation

router = Router(tags=["refunds"])

Reader = Annotated[Principal, requires(Permission.REFUNDS_READ)]
Creator = Annotated[Principal, requires(Permission.REFUNDS_WRITE)]

RefundPage = Annotated[PageRequest, Depends(page_request(REFUND))]


@router.post(
    "/payments/{payment_id}/refunds",
    status_code=HTTPStatus.CREATED,
    response_model=RefundResource,
    responses=declare(
        *(*TO_MERCHANTS, *WITH_BODY, *ONCE, "overloaded"),
        *(
            "payment_not_found",
            "amount_not_refundable",
            "refund_not_supported",
            "card_number_refused",
            "temporal_unavailable",
        ),
    ),
    dependencies=[NEW_WORK],
    summary="Refund a payment",
)
async def create_refund(
    payment_id: str, principal: Creator, services: ServicesDep, once: OnceDep, body: RefundCreate | None = None
) -> Response:
    """Refund part or all of the captured amount. A payment can have several refunds; their sum never exceeds it."""
    asked = body or RefundCreate()

    async def operation(allocation: Allocation) -> Answer:
        refund = await creation.create_refund(
            services, principal.actor, payment_id, allocation, amount_minor=asked.amount, reason=asked.reason
        )
        return Answer(HTTPStatus.CREATED, refund)

    return await once.answer(REFUND, operation)


@router.get(
    "/payments/{payment_id}/refunds",
    responses=declare(*TO_MERCHANTS, "payment_not_found", "cursor_invalid"),
    summary="List a payment's refunds",
)
async def list_payment_refunds(
    payment_id: str, principal: Reader, services: ServicesDep, page: RefundPage
) -> Page[RefundResource]:
    """List the refunds of a payment, newest first."""
    await find(services, principal.merchant_id, payment_id)
    async with services.reader.connect() as connection:
        found = await reading.list_refunds(connection, principal.merchant_id, page, payment_id=payment_id)
    return page_of(map(resource_of, found.rows), found.next_cursor)


@router.get("/refunds", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List refunds")
async def list_refunds(
    principal: Reader, services: ServicesDep, page: RefundPage, status: RefundStatus | None = None
) -> Page[RefundResource]:
    """List your refunds, newest first."""
    async with services.reader.connect() as connection:
        found = await reading.list_refunds(connection, principal.merchant_id, page, status=status)
    return page_of(map(resource_of, found.rows), found.next_cursor)


@router.get("/refunds/{refund_id}", responses=declare(*TO_MERCHANTS, "refund_not_found"), summary="Read a refund")
async def get_refund(refund_id: str, principal: Reader, services: ServicesDep) -> RefundResource:
    """Read one of your refunds as it stands."""
    async with services.reader.connect() as connection:
        refund = (
            await reading.find_refund(connection, principal.merchant_id, refund_id)
            if is_id(REFUND, refund_id)
            else None
        )
    if refund is None:
        raise NotFoundError("refund_not_found", f"You have no refund {refund_id!r}.")
    return refund
