"""`/events/stream`: what changes, as server-sent events, for programs. `Last-Event-ID` continues after a break."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.middleware import is_head
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ApiServices, ServicesDep
from api.live.standing import CHECKED_EACH_S, Standing, standing_of
from clearway.db.events import changes_after
from clearway.db.pages import EPOCH
from clearway.domain.errors import InvalidRequestError
from clearway.domain.ids import EVENT, first_id, is_id, made_at
from clearway.domain.permissions import Permission
from clearway.live.listeners import Change, Resync, Subscription
from clearway.live.tail import FAR

router = Router(prefix="/events", tags=["events"])

Reader = Annotated[Principal, requires(Permission.EVENTS_READ)]
WAIT_S: Final = 5.0
PAGE: Final = 500
CAUGHT_UP_MAX: Final = 10_000
"""Events that are sent after a break. When there are more, the stream says `resync` and continues with what is new."""


async def last_event(
    last_event_id: Annotated[str | None, Header(description="The id of the last message that was received.")] = None,
) -> str | None:
    """Read where to continue. Raises InvalidRequestError."""
    if last_event_id and not is_id(EVENT, last_event_id):
        detail = "Last-Event-ID is not the id of a message of this stream. Leave it out to receive new events only."
        raise InvalidRequestError("last_event_id_invalid", detail)
    return last_event_id or None


async def listening(principal: Reader, services: ServicesDep) -> AsyncIterator[Subscription]:
    """Listen while the answer is sent. Raises UnavailableError before it begins."""
    with services.listeners.subscribe(principal.merchant_id) as subscription:
        yield subscription


@router.get(
    "/stream",
    response_class=EventSourceResponse,
    responses=declare(*TO_MERCHANTS, "last_event_id_invalid", "too_many_listeners"),
    summary="Follow events as they happen",
)
async def stream_events(
    request: Request,
    principal: Reader,
    services: ServicesDep,
    after: Annotated[str | None, Depends(last_event)],
    subscription: Annotated[Subscription, Depends(listening)],
) -> AsyncIterator[ServerSentEvent]:
    """Stream events as server-sent events (SSE). A message has the type and the id of an event, and its subject's id.

    Send the id of the last message as `Last-Event-ID` to continue after a disconnect. Messages may be repeated and
    arrive slightly out of order. `resync` means that messages were skipped: read your lists again.
    """
    if is_head(request):
        return
    yield ServerSentEvent(comment="connected", retry=3_000)
    await services.listeners.following.wait()
    yield ServerSentEvent(comment="following")
    if after is not None:
        async for message in _missed(services, principal.merchant_id, after):
            yield message
    checked = time.monotonic()
    while not subscription.has_ended():
        found = await subscription.next(WAIT_S)
        if found is not None:
            yield _resync() if isinstance(found, Resync) else _message(found.shown)
        if time.monotonic() - checked >= CHECKED_EACH_S:
            checked = time.monotonic()
            if await standing_of(services, principal) is not Standing.GOOD:
                return


async def _missed(services: ApiServices, merchant_id: str, after: str) -> AsyncIterator[ServerSentEvent]:
    """Send what happened since a message, beginning a little before it: its neighbours may have committed later."""
    position, sent = _before(after), 0
    while sent < CAUGHT_UP_MAX:
        async with services.reader.connect() as connection:
            rows = await changes_after(connection, merchant_id, position, PAGE)
        for row in rows:
            if row.id != after:
                yield _message(Change.of(row).shown)
        if len(rows) < PAGE:
            return
        position, sent = rows[-1].id, sent + len(rows)
    yield _resync()


def _before(event_id: str) -> str:
    return first_id(EVENT, max(made_at(event_id) - FAR, EPOCH))


def _message(shown: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(id=shown["id"], event=shown["type"], data=shown)


def _resync() -> ServerSentEvent:
    return ServerSentEvent(event="resync", data={})
