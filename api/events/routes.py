"""`/events`: list, read and resend events, for merchants who missed a webhook or want to compare."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.events.schemas import EventResource, ResendCreate
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.webhooks.routes import RETRY, RETRY_PROBLEMS, RETRY_RESPONSES, retry_answer
from api.webhooks.schemas import RetriedDelivery
from clearway.db import events
from clearway.db.pages import PageRequest
from clearway.domain.errors import NotFoundError
from clearway.domain.events import EventType
from clearway.domain.ids import EVENT, is_id
from clearway.domain.permissions import Permission
from clearway.endpoints import resending
from clearway.services import Allocation

router = Router(prefix="/events", tags=["events"])

Reader = Annotated[Principal, requires(Permission.EVENTS_READ)]
Sender = Annotated[Principal, requires(Permission.DELIVERIES_WRITE)]


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List events")
async def list_events(
    principal: Reader,
    services: ServicesDep,
    page: Annotated[PageRequest, Depends(page_request(EVENT))],
    type: EventType | None = None,  # noqa: A002 - the name merchants know
) -> Page[EventResource]:
    """List your events, newest first."""
    async with services.reader.connect() as connection:
        found = await events.list_events(connection, principal.merchant_id, page, event_type=type)
    return page_of((EventResource.model_validate_json(events.body_of(row)) for row in found.rows), found.next_cursor)


@router.get(
    "/{event_id}",
    response_model=EventResource,
    responses=declare(*TO_MERCHANTS, "event_not_found"),
    summary="Read an event",
)
async def get_event(event_id: str, principal: Reader, services: ServicesDep) -> Response:
    """Read one of your events. The answer has the same bytes as the body of its webhook."""
    async with services.reader.connect() as connection:
        known = is_id(EVENT, event_id)
        body = await events.find_event_body(connection, principal.merchant_id, event_id) if known else None
    if body is None:
        raise NotFoundError("event_not_found", f"You have no event {event_id!r}.")
    return Response(body, media_type="application/json")


async def counted_resend(body: ResendCreate, request: Request, services: ServicesDep) -> ResendCreate:
    """Count one retry by hand to the endpoint. Raises RateLimitedError."""
    await services.rate_limits.count_retry(request, body.endpoint_id)
    return body


@router.post(
    "/{event_id}/resend",
    response_model=RetriedDelivery,
    responses={
        **RETRY_RESPONSES,
        **declare(
            *(*TO_MERCHANTS, *WITH_BODY, *ONCE, *RETRY_PROBLEMS, "event_not_found", "webhook_endpoint_not_found")
        ),
    },
    summary="Send an event again",
)
async def resend_event(
    event_id: str,
    principal: Sender,
    body: Annotated[ResendCreate, Depends(counted_resend)],
    services: ServicesDep,
    once: OnceDep,
) -> Response:
    """Make one delivery attempt of this event to this endpoint now, and answer with its result.

    It is a retry of the event's delivery to the endpoint. If there is none, a delivery is created, and it follows the
    endpoint's retry schedule if this attempt fails.
    """

    async def operation(allocation: Allocation) -> Answer:
        sent = await resending.resend(
            services, principal.merchant_id, event_id, body.endpoint_id, allocation.resource_id
        )
        return retry_answer(sent)

    return await once.answer(RETRY, operation)
