"""`/refunds` and `/payments/{payment_id}/refunds`: create, read and list refunds."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.auth.step_up import check_step_up, has_step_up
from api.http.admission import NEW_WORK
from api.http.fields import CurrencyCode, Id, Time
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.payments.routes import AmountBound
from api.refunds.schemas import RefundCreate
from clearway.db.pages import PageRequest
from clearway.db.refunds import reading
from clearway.db.refunds.reading import RefundFilter
from clearway.db.refunds.rows import resource_of
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import REFUND, is_id
from clearway.domain.permissions import Permission
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import RefundResource
from clearway.payments.finding import find
from clearway.refunds import creation
from clearway.refunds.stepping_up import total_max
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
            "step_up_required",
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
    """Refund part or all of the captured amount. A payment can have several refunds; their sum never exceeds it.

    A member whose refunds of the payment exceed `security.refund_step_up` of the settings needs a step-up.
    """
    asked = body or RefundCreate()

    async def operation(allocation: Allocation) -> Answer:
        refund = await creation.create_refund(
            services,
            principal.actor,
            payment_id,
            allocation,
            amount_minor=asked.amount,
            reason=asked.reason,
            total_max_minor=await _total_max(services, principal, payment_id, asked.amount),
        )
        return Answer(HTTPStatus.CREATED, refund)

    return await once.answer(REFUND, operation)


async def _total_max(
    services: ServicesDep, principal: Principal, payment_id: str, amount_minor: int | None
) -> int | None:
    """Return what the payment's refunds may come to; None: the caller has no such limit. Raises ForbiddenError."""
    if has_step_up(principal):
        return None
    allowed = await total_max(services, principal.merchant_id, payment_id, amount_minor)
    if allowed is None:
        check_step_up(principal)
    return allowed


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
        wanted = RefundFilter(payment_id=payment_id)
        found = await reading.list_refunds(connection, principal.merchant_id, wanted, page)
    return page_of(map(resource_of, found.rows), found.next_cursor)


async def refund_filter(
    *,
    status: Annotated[
        list[RefundStatus],
        Query(default_factory=list, max_length=len(RefundStatus), description="Repeat it for one of several."),
    ],
    currency: CurrencyCode | None = None,
    amount_min: AmountBound = None,
    amount_max: AmountBound = None,
    payment_id: Id | None = None,
    order_id: Annotated[Id | None, Query(description="Of the payment that was refunded.")] = None,
    gateway_id: Id | None = None,
    created_from: Annotated[Time | None, Query(description="RFC 3339, inclusive.")] = None,
    created_to: Annotated[Time | None, Query(description="RFC 3339, exclusive.")] = None,
) -> RefundFilter:
    """Read the filters of a list of refunds."""
    return RefundFilter(
        statuses=status,
        currency=currency,
        amount_min=amount_min,
        amount_max=amount_max,
        payment_id=payment_id,
        order_id=order_id,
        gateway_id=gateway_id,
        created_from=created_from,
        created_to=created_to,
    )


@router.get("/refunds", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List refunds")
async def list_refunds(
    principal: Reader,
    services: ServicesDep,
    wanted: Annotated[RefundFilter, Depends(refund_filter)],
    page: RefundPage,
) -> Page[RefundResource]:
    """List your refunds, newest first; filters are combined."""
    async with services.reader.connect() as connection:
        found = await reading.list_refunds(connection, principal.merchant_id, wanted, page)
    return page_of(map(resource_of, found.rows), found.next_cursor)


@router.get("/refunds/{refund_id}", responses=declare(*TO_MERCHANTS, "refund_not_found"), summary="Read a refund")
async def get_refund(refund_id: str, principal: Reader, services: ServicesDep) -> RefundResource:
    """Read the current state of one of your refunds."""
    async with services.reader.connect() as connection:
        refund = (
            await reading.find_refund(connection, principal.merchant_id, refund_id)
            if is_id(REFUND, refund_id)
            else None
        )
    if refund is None:
        raise NotFoundError("refund_not_found", f"You have no refund {refund_id!r}.")
    return refund
