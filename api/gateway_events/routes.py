"""`/gateway_events`: list and read what gateways sent, and process it again, one by one or by range."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.gateway_events.schemas import (
    GatewayEventReplay,
    GatewayEventResource,
    RangeReplay,
    RangeReplayed,
    gateway_event,
    gateway_event_replay,
)
from api.http.fields import Id, Time
from api.http.paging import Page, page_of, page_request
from api.http.problems import TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.db import gateway_events
from clearway.db.gateway_events import EventFilter
from clearway.db.pages import PageRequest
from clearway.domain.gateway_event import Disposition, Verdict
from clearway.domain.ids import GATEWAY_EVENT
from clearway.domain.permissions import Permission
from clearway.gateway_events import replaying

router = Router(prefix="/gateway_events", tags=["gateway events"])

Reader = Annotated[Principal, requires(Permission.GATEWAY_EVENTS_READ)]
Replayer = Annotated[Principal, requires(Permission.GATEWAY_EVENTS_WRITE)]


async def event_filter(
    *,
    gateway_id: Id | None = None,
    subject_id: Annotated[Id | None, Query(description="A payment or refund.")] = None,
    verdict: Verdict | None = None,
    disposition: Disposition | None = None,
    since: Annotated[Time | None, Query(description="RFC 3339, inclusive.")] = None,
    until: Annotated[Time | None, Query(description="RFC 3339, exclusive.")] = None,
) -> EventFilter:
    """Read the filters of a list of gateway events."""
    return EventFilter(gateway_id, subject_id, verdict, disposition, since, until)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List gateway events")
async def list_gateway_events(
    principal: Reader,
    services: ServicesDep,
    wanted: Annotated[EventFilter, Depends(event_filter)],
    page: Annotated[PageRequest, Depends(page_request(GATEWAY_EVENT))],
) -> Page[GatewayEventResource]:
    """List the requests to your gateways' webhook URLs, newest first: also refused, unreadable and late ones."""
    async with services.reader.connect() as connection:
        found = await gateway_events.list_page(connection, principal.merchant_id, wanted, page)
    return page_of(map(gateway_event, found.rows), found.next_cursor)


@router.get(
    "/{gateway_event_id}",
    responses=declare(*TO_MERCHANTS, "gateway_event_not_found"),
    summary="Read a gateway event",
)
async def get_gateway_event(gateway_event_id: str, principal: Reader, services: ServicesDep) -> GatewayEventResource:
    """Read one gateway event."""
    return gateway_event(await replaying.find(services, principal.merchant_id, gateway_event_id))


@router.post(
    "/replay",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "temporal_unavailable"),
    summary="Process gateway events again, by range",
)
async def replay_gateway_events(body: RangeReplay, principal: Replayer, services: ServicesDep) -> RangeReplayed:
    """Process the stored events of a period again, oldest first, at most 50 in one request.

    A payment never moves back to an earlier status, so processing an event twice is harmless.
    """
    done, next_cursor = await replaying.replay_range(services, principal.actor, body.wanted(), body.cursor)
    return RangeReplayed(data=[gateway_event_replay(one) for one in done], next_cursor=next_cursor)


@router.post(
    "/{gateway_event_id}/replay",
    responses=declare(*TO_MERCHANTS, "gateway_event_not_found", "gateway_event_incomplete", "temporal_unavailable"),
    summary="Process a gateway event again",
)
async def replay_gateway_event(gateway_event_id: str, principal: Replayer, services: ServicesDep) -> GatewayEventReplay:
    """Process a stored event again, with the current credentials of its gateway.

    The signature is verified as of the time when the event was received.
    """
    return gateway_event_replay(await replaying.replay(services, principal.actor, gateway_event_id))
