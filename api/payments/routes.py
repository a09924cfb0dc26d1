"""`/payments`: create, read, list, capture and cancel payments. Refunds of a payment are in `api/refunds`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Body, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.admission import NEW_WORK
from api.http.fields import CurrencyCode, Id, SearchTerm, Time
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.payments.instruments import read_instrument
from api.payments.schemas import (
    PAYMENT_EXAMPLES,
    Attempts,
    CancelCreate,
    CaptureCreate,
    ForgetCreate,
    History,
    HistoryEntry,
    PaymentCreate,
    RetriesCreate,
    RetryCreate,
)
from api.routing.schemas import DecisionResource
from api.webhooks.schemas import DeliveryResource, delivery_resource
from clearway.db import events
from clearway.db.deliveries.reading import list_payment_deliveries
from clearway.db.pages import PageRequest
from clearway.db.payments import reading
from clearway.db.payments.reading import PaymentFilter
from clearway.db.payments.rows import resource_of
from clearway.domain.ids import CAPTURE, DELIVERY, PAYMENT
from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.domain.payment import PaymentMethod, PaymentStatus
from clearway.domain.permissions import Permission
from clearway.domain.resources import PaymentResource
from clearway.domain.retry import RetryPolicy
from clearway.durable.messages import CancelInput, CaptureInput
from clearway.payments import commands, creation, forgetting, retrying
from clearway.payments.finding import find
from clearway.routing import asking
from clearway.services import Allocation, Services

CANCELLATION: Final = "cxl"
RETRY: Final = "rty"
FORGETTING: Final = "fgt"
"""Prefixes of the ids of requests for cancellations, retries and forgetting; they name no resource."""

router = Router(prefix="/payments", tags=["payments"])

Reader = Annotated[Principal, requires(Permission.PAYMENTS_READ)]
Creator = Annotated[Principal, requires(Permission.PAYMENTS_WRITE)]
Capturer = Annotated[Principal, requires(Permission.PAYMENTS_CAPTURE)]
Forgetter = Annotated[Principal, requires(Permission.PAYMENTS_FORGET)]
Canceller = Annotated[Principal, requires(Permission.PAYMENTS_CANCEL)]

AmountBound = Annotated[int | None, Query(ge=0, le=AMOUNT_MINOR_MAX, description="In minor units, inclusive.")]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=PaymentResource,
    responses=declare(
        *(*TO_MERCHANTS, *WITH_BODY, *ONCE, "overloaded", "order_not_found", "order_has_payment", "order_closed"),
        *("no_gateway", "gateway_not_found", "gateway_disabled", "gateway_cannot"),
        *("fx_quote_not_found", "fx_quote_expired", "fx_quote_used", "fx_quote_invalid"),
        *("raw_card_refused", "card_number_refused", "card_refused", "temporal_unavailable", "gateway_unavailable"),
    ),
    dependencies=[NEW_WORK],
    summary="Create a payment",
)
async def create_payment(
    body: Annotated[PaymentCreate, Body(openapi_examples=PAYMENT_EXAMPLES)],
    principal: Creator,
    services: ServicesDep,
    once: OnceDep,
    request: Request,
) -> Response:
    """Record a payment of an order and start it. The answer is always the payment as recorded: `pending`.

    Webhooks report each change of status; `GET /payments/{payment_id}` shows the current one.
    """
    instrument = read_instrument(body)
    if body.customer and (customer := body.customer.known_by):
        await services.rate_limits.count_customer(request, principal.merchant_id, customer)

    async def operation(allocation: Allocation) -> Answer:
        order = await creation.read_order(services, body.order_id, merchant_id=principal.merchant_id)
        terms = creation.PaymentTerms(
            capture_method=body.capture_method,
            customer=body.customer.model_dump(exclude_none=True) if body.customer else None,
            notes=body.notes,
            gateway_id=body.gateway_id,
            country=body.country,
            quote_id=body.quote_id,
            retries=_policy(services, body.retries),
            asked_by=None if principal.user is None else principal.actor,
        )
        payment = await creation.create_payment(services, order, instrument, allocation, terms)
        return Answer(HTTPStatus.CREATED, payment)

    return await once.answer(PAYMENT, operation)


def _policy(services: Services, asked: RetriesCreate | None) -> RetryPolicy | None:
    if asked is None:
        return None
    settings = services.settings
    within_s = settings.payment_retry_within_s if asked.within_s is None else asked.within_s
    return RetryPolicy(asked.scheduled, settings.payment_retry_first_s, within_s)


async def payment_filter(
    *,
    status: Annotated[
        list[PaymentStatus],
        Query(default_factory=list, max_length=len(PaymentStatus), description="Repeat it for one of several."),
    ],
    method: PaymentMethod | None = None,
    currency: CurrencyCode | None = None,
    amount_min: AmountBound = None,
    amount_max: AmountBound = None,
    order_id: Id | None = None,
    gateway_id: Id | None = None,
    customer: Annotated[
        SearchTerm | None, Query(description="The customer's e-mail address, or your own id of them, in full.")
    ] = None,
    created_from: Annotated[Time | None, Query(description="RFC 3339, inclusive.")] = None,
    created_to: Annotated[Time | None, Query(description="RFC 3339, exclusive.")] = None,
    search: Annotated[
        SearchTerm | None,
        Query(
            description=(
                "A payment id, order id, VPA, customer e-mail, customer id, receipt or gateway reference, in full. The "
                "case of ASCII letters of VPA, e-mail and receipt does not matter, nor do blanks at either end."
            )
        ),
    ] = None,
) -> PaymentFilter:
    """Read the filters of a list of payments."""
    return PaymentFilter(
        statuses=status,
        method=method,
        currency=currency,
        amount_min=amount_min,
        amount_max=amount_max,
        order_id=order_id,
        gateway_id=gateway_id,
        customer=customer and customer.strip(),
        created_from=created_from,
        created_to=created_to,
        search=search,
    )


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List payments")
async def list_payments(
    principal: Reader,
    services: ServicesDep,
    wanted: Annotated[PaymentFilter, Depends(payment_filter)],
    page: Annotated[PageRequest, Depends(page_request(PAYMENT))],
) -> Page[PaymentResource]:
    """List your payments, newest first; filters are combined."""
    async with services.reader.connect() as connection:
        found = await reading.list_payments(connection, principal.merchant_id, wanted, page)
    return page_of(map(resource_of, found.rows), found.next_cursor)


@router.get("/{payment_id}", responses=declare(*TO_MERCHANTS, "payment_not_found"), summary="Read a payment")
async def get_payment(payment_id: str, principal: Reader, services: ServicesDep) -> PaymentResource:
    """Read the current state of one of your payments."""
    return await find(services, principal.merchant_id, payment_id)


@router.get(
    "/{payment_id}/history", responses=declare(*TO_MERCHANTS, "payment_not_found"), summary="A payment's history"
)
async def get_payment_history(payment_id: str, principal: Reader, services: ServicesDep) -> History:
    """List the steps of a payment and of its refunds, oldest first, with times and reasons."""
    await find(services, principal.merchant_id, payment_id)
    async with services.reader.connect() as connection:
        rows = await events.payment_history(connection, principal.merchant_id, payment_id)
    steps = [
        HistoryEntry(
            type=row.type,
            from_status=row.from_status,
            to_status=row.to_status,
            reason=row.reason,
            actor=row.actor,
            at=row.created_at,
            event_id=row.id,
            refund_id=row.refund_id,
        )
        for row in rows
    ]
    return History(payment_id=payment_id, data=steps)


@router.get(
    "/{payment_id}/routing",
    responses=declare(*TO_MERCHANTS, "payment_not_found", "routing_decision_not_found"),
    summary="Why a payment went to its gateway",
)
async def get_payment_routing(payment_id: str, principal: Reader, services: ServicesDep) -> DecisionResource:
    """Read which gateways were chosen when the payment was made, by which rule, and why others were left out."""
    async with services.reader.connect() as connection:
        return DecisionResource(**await asking.decision_of(connection, principal.merchant_id, payment_id))


@router.get(
    "/{payment_id}/attempts", responses=declare(*TO_MERCHANTS, "payment_not_found"), summary="A payment's attempts"
)
async def list_payment_attempts(payment_id: str, principal: Reader, services: ServicesDep) -> Attempts:
    """List the attempts of a payment, oldest first: at which gateway, when, and how each ended.

    A failover or a retry adds an attempt. `payment.gateway_id` is the gateway of the last one.
    """
    await find(services, principal.merchant_id, payment_id)
    async with services.reader.connect() as connection:
        found = await reading.list_attempts(connection, principal.merchant_id, payment_id)
    return Attempts(payment_id=payment_id, data=found)


@router.get(
    "/{payment_id}/webhooks",
    responses=declare(*TO_MERCHANTS, "payment_not_found", "cursor_invalid"),
    summary="Deliveries about a payment",
)
async def list_payment_webhooks(
    payment_id: str,
    principal: Reader,
    services: ServicesDep,
    page: Annotated[PageRequest, Depends(page_request(DELIVERY))],
) -> Page[DeliveryResource]:
    """List the webhook deliveries about a payment and its refunds, newest first."""
    await find(services, principal.merchant_id, payment_id)
    async with services.reader.connect() as connection:
        found = await list_payment_deliveries(connection, principal.merchant_id, payment_id, page)
    return page_of(map(delivery_resource, found.rows), found.next_cursor)


_COMMAND = (*TO_MERCHANTS, *WITH_BODY, *ONCE, "payment_not_found", "temporal_unavailable", "gateway_outcome_unknown")


@router.post(
    "/{payment_id}/capture",
    response_model=PaymentResource,
    responses=declare(*_COMMAND, "not_capturable", "capture_not_supported"),
    summary="Capture a payment",
)
async def capture_payment(
    payment_id: str, principal: Capturer, services: ServicesDep, once: OnceDep, body: CaptureCreate | None = None
) -> Response:
    """Capture part or all of the authorised amount.

    By default this is the last capture: the rest is released. Send `final: false` to capture more later. A 200 means
    that this capture took its amount.
    """

    async def operation(allocation: Allocation) -> Answer:
        wanted = body or CaptureCreate()
        asked = CaptureInput(allocation.resource_id, wanted.amount, wanted.final)
        return Answer(HTTPStatus.OK, await commands.capture(services, principal.actor, payment_id, asked))

    return await once.answer(CAPTURE, operation)


@router.post(
    "/{payment_id}/cancel",
    response_model=PaymentResource,
    responses=declare(*_COMMAND, "not_cancellable"),
    summary="Cancel a payment",
)
async def cancel_payment(
    payment_id: str, principal: Canceller, services: ServicesDep, once: OnceDep, body: CancelCreate | None = None
) -> Response:
    """Cancel a payment that is in progress, or void the part of the authorisation that is not captured."""

    async def operation(allocation: Allocation) -> Answer:
        asked = CancelInput((body or CancelCreate()).reason)
        payment = await commands.cancel(services, principal.actor, payment_id, allocation.resource_id, asked)
        return Answer(HTTPStatus.OK, payment)

    return await once.answer(CANCELLATION, operation)


@router.post(
    "/{payment_id}/retry",
    response_model=PaymentResource,
    responses=declare(
        *(*_COMMAND, "not_retryable", "retry_method_differs", "order_not_found"),
        *("no_gateway", "gateway_not_found", "gateway_disabled", "gateway_cannot"),
        *("raw_card_refused", "card_number_refused", "card_refused", "gateway_unavailable"),
    ),
    dependencies=[NEW_WORK],
    summary="Retry a payment",
)
async def retry_payment(
    payment_id: str, principal: Creator, services: ServicesDep, once: OnceDep, body: RetryCreate | None = None
) -> Response:
    """Make another attempt of a `retrying` payment, at its gateway or another. The answer is the payment, `pending`."""
    wanted = body or RetryCreate()
    instrument = None if wanted.instrument is None else read_instrument(wanted.instrument)

    async def operation(allocation: Allocation) -> Answer:
        asked = retrying.Wanted(wanted.gateway_id, instrument)
        retry_id = allocation.resource_id
        payment = await retrying.retry(services, principal.actor, payment_id, retry_id, asked)
        return Answer(HTTPStatus.OK, payment)

    return await once.answer(RETRY, operation)


@router.post(
    "/{payment_id}/forget",
    response_model=PaymentResource,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "payment_not_found", "not_forgettable"),
    summary="Forget the person behind a payment",
)
async def forget_payment(
    payment_id: str, principal: Forgetter, services: ServicesDep, once: OnceDep, body: ForgetCreate | None = None
) -> Response:
    """Permanently remove customer, instrument, notes and return URL of a payment that has ended.

    Amounts, refunds and the ledger do not change. Events that are read or sent again afterwards have
    `null` in place of what was removed. Copies that you, your gateway or your customer have remain.
    """

    async def operation(_: Allocation) -> Answer:
        reason = (body or ForgetCreate()).reason
        async with services.engine.begin() as connection:
            return Answer(HTTPStatus.OK, await forgetting.forget(connection, principal.actor, payment_id, reason))

    return await once.answer(FORGETTING, operation)
