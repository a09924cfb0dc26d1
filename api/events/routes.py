"""`/events`: read again what webhooks told, for merchants who missed one or want to compare."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from api.auth.principal import MerchantDep
from api.events.schemas import EventResource
from api.http.paging import Page, page_of, page_request
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.db import events
from clearway.db.pages import PageRequest
from clearway.domain.errors import NotFoundError
from clearway.domain.events import EventType
from clearway.domain.ids import EVENT, is_id

router = Router(prefix="/events", tags=["events"])


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List events")
async def list_events(
    merchant: MerchantDep,
    services: ServicesDep,
    page: Annotated[PageRequest, Depends(page_request(EVENT))],
    type: EventType | None = None,  # noqa: A002 - the name merchants know
) -> Page[EventResource]:
    """List your events, newest first."""
    async with services.reader.connect() as connection:
        found = await events.list_events(connection, merchant.id, page, event_type=type)
    return page_of((EventResource.model_validate_json(row.body) for row in found.rows), found.next_cursor)


@router.get(
    "/{event_id}",
    response_model=EventResource,
    responses=declare(*TO_MERCHANTS, "event_not_found"),
    summary="Read an event",
)
async def get_event(event_id: str, merchant: MerchantDep, services: ServicesDep) -> Response:
    """Read one of your events: the very bytes its webhook has."""
    async with services.reader.connect() as connection:
        known = is_id(EVENT, event_id)
        body = await events.find_event_body(connection, merchant.id, event_id) if known else None
    if body is None:
        raise NotFoundError("event_not_found", f"You have no event {event_id!r}.")
    return Response(body, media_type="application/json")
