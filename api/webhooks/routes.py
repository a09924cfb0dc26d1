"""`/webhooks`: what was sent to a merchant's endpoints, attempt by attempt, and sending it again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import Id
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.webhooks.schemas import (
    DeliveryDetail,
    DeliveryResource,
    RetriedDelivery,
    delivery_detail,
    delivery_resource,
    retried_delivery,
)
from clearway.db.deliveries import reading
from clearway.db.deliveries.reading import DeliveryFilter
from clearway.db.pages import PageRequest
from clearway.deliveries import finding, sending
from clearway.deliveries.sending import Retried
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.events import EventType
from clearway.domain.ids import DELIVERY
from clearway.domain.permissions import Permission
from clearway.services import Allocation

RETRY: Final = "rtry"
"""Prefix of the ids of requests for retries; they name no resource."""
RETRY_PROBLEMS: Final = ("webhook_endpoint_closed", "webhook_retry_limit", "temporal_unavailable")
RETRY_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.ACCEPTED.value: {
        "model": RetriedDelivery,
        "description": "The attempt is still in progress. Read the delivery later to see its result.",
    }
}

router = Router(prefix="/webhooks", tags=["webhooks"])

Reader = Annotated[Principal, requires(Permission.DELIVERIES_READ)]
Sender = Annotated[Principal, requires(Permission.DELIVERIES_WRITE)]


async def delivery_filter(
    *,
    status: DeliveryStatus | None = None,
    event: Annotated[EventType | None, Query(description="The type of the event, such as `payment.success`.")] = None,
    event_id: Id | None = None,
    payment_id: Annotated[Id | None, Query(description="Includes the deliveries about its refunds.")] = None,
    endpoint_id: Id | None = None,
) -> DeliveryFilter:
    """Read the filters of a list of deliveries."""
    return DeliveryFilter(status, event, event_id, payment_id, endpoint_id)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List webhook deliveries")
async def list_webhooks(
    principal: Reader,
    services: ServicesDep,
    wanted: Annotated[DeliveryFilter, Depends(delivery_filter)],
    page: Annotated[PageRequest, Depends(page_request(DELIVERY))],
) -> Page[DeliveryResource]:
    """List the deliveries of your events to your endpoints, newest first."""
    async with services.reader.connect() as connection:
        found = await reading.list_deliveries(connection, principal.merchant_id, wanted, page)
    return page_of(map(delivery_resource, found.rows), found.next_cursor)


@router.get("/{delivery_id}", responses=declare(*TO_MERCHANTS, "webhook_not_found"), summary="Read a webhook delivery")
async def get_webhook(delivery_id: str, principal: Reader, services: ServicesDep) -> DeliveryDetail:
    """Read one delivery with the request and the response of each attempt."""
    row = await finding.find(services, principal.merchant_id, delivery_id)
    async with services.reader.connect() as connection:
        return delivery_detail(row, await reading.attempts_of(connection, row.id), services.cipher)


@router.post(
    "/{delivery_id}/retry",
    response_model=RetriedDelivery,
    responses={**RETRY_RESPONSES, **declare(*TO_MERCHANTS, *ONCE, *RETRY_PROBLEMS, "webhook_not_found")},
    summary="Send a webhook again",
)
async def retry_webhook(
    delivery_id: str, principal: Sender, services: ServicesDep, once: OnceDep, request: Request
) -> Response:
    """Make one delivery attempt now, and answer with its result.

    The attempt is additional to the schedule. If it succeeds, the delivery is `delivered`. If it fails, a pending
    delivery keeps its schedule. Each request makes one attempt; repeats with the same Idempotency-Key share it.
    """
    row = await finding.find(services, principal.merchant_id, delivery_id)
    await services.rate_limits.count_retry(request, row.endpoint_id)

    async def operation(allocation: Allocation) -> Answer:
        return retry_answer(await sending.retry(services, principal.merchant_id, delivery_id, allocation.resource_id))

    return await once.answer(RETRY, operation)


def retry_answer(retried: Retried) -> Answer:
    """Return 200 with the attempt's result, or 202 while it is under way."""
    status = HTTPStatus.ACCEPTED if retried.outcome is None else HTTPStatus.OK
    return Answer(status, retried_delivery(retried.delivery, retried.outcome))
