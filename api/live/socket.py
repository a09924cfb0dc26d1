"""`/live`: one WebSocket for each browser of a person who is signed in. It sends the ids of resources that changed.

The handshake is checked as a request of the same session is, and it must come from a page of the dashboard: browsers
send cookies with the sockets of any page, and name the page in `Origin`. Nothing that the browser sends is read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import orjson
import structlog
from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from sqlalchemy.exc import SQLAlchemyError

from api.auth.permissions import check_permission
from api.auth.principal import MERCHANT_HEADER, Principal, authenticate_member
from api.auth.session import BACKGROUND_HEADER
from api.http.services import ApiServices
from api.live.standing import CHECKED_EACH_S, Standing, standing_of
from clearway.domain.api import API_PREFIX
from clearway.domain.errors import (
    AuthenticationError,
    ClearwayError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from clearway.domain.permissions import Permission
from clearway.live.listeners import Resync, Subscription

HEARTBEAT_S: Final = 25
"""Proxies close what is silent for a minute."""
FOLLOWING_S: Final = 10.0
FOREIGN_PAGE: Final = "origin_not_allowed"
BAD_QUERY: Final = 4400
SIGNED_OUT: Final = 4401
NOT_ALLOWED: Final = 4403
TRY_LATER: Final = 1013
RESTARTING: Final = 1012
CLOSE_CODES: Final[Mapping[type[ClearwayError], int]] = {
    AuthenticationError: SIGNED_OUT,
    ForbiddenError: NOT_ALLOWED,
    NotFoundError: NOT_ALLOWED,
    InvalidRequestError: BAD_QUERY,
}
"""Of refused handshakes; another error means: try later."""
OF_STANDING: Final = {Standing.SIGNED_OUT: SIGNED_OUT, Standing.CHANGED: NOT_ALLOWED}
HEARTBEAT: Final = '{"type":"heartbeat"}'
RESYNC: Final = '{"type":"resync"}'

router = APIRouter(prefix=API_PREFIX)
log = structlog.get_logger(__name__)


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """Send the browser what changes at a merchant, until the session or the membership ends."""
    services: ApiServices = websocket.app.state.services
    try:
        principal = await _principal(websocket, services)
        with services.listeners.subscribe(principal.merchant_id) as subscription:
            await websocket.accept()
            await _serve(websocket, services, principal, subscription)
    except WebSocketDisconnect:
        return
    except ClearwayError as error:
        await _refuse(websocket, error)
    except (SQLAlchemyError, OSError) as error:
        log.warning("live_socket_closed", error=type(error).__name__)
        await _close(websocket, TRY_LATER, "database_unavailable")


async def _principal(websocket: WebSocket, services: ApiServices) -> Principal:
    """Check the handshake, which is a GET, with the merchant's header: a browser can't send one with it."""
    if not websocket.headers.get("origin"):
        raise ForbiddenError(FOREIGN_PAGE, "A browser names its page in `Origin`. Programs use `/events/stream`.")
    merchant_id = websocket.query_params.get("merchant_id", "")
    named = (MERCHANT_HEADER.lower().encode(), merchant_id.encode())
    by_itself = (BACKGROUND_HEADER.lower().encode(), b"1")  # a page connects again as often as it must
    headers = [*websocket.scope["headers"], named, by_itself]
    handshake = Request({**websocket.scope, "type": "http", "method": "GET", "headers": headers})
    principal = await authenticate_member(handshake, services)
    await check_permission(handshake, services, principal, Permission.EVENTS_READ)
    return principal


async def _serve(websocket: WebSocket, services: ApiServices, principal: Principal, subscription: Subscription) -> None:
    """Send `hello` once the event table is followed, then each change. Another task notices a disconnect."""
    leaving = asyncio.create_task(_left(websocket))
    leaving.add_done_callback(lambda _: subscription.end())
    try:
        await _followed(services)
        hello = {"type": "hello", "merchant_id": principal.merchant_id, "heartbeat_s": HEARTBEAT_S}
        await websocket.send_text(orjson.dumps(hello).decode())
        await _tell(websocket, services, principal, subscription)
    finally:
        leaving.cancel()


async def _followed(services: ApiServices) -> None:
    try:
        async with asyncio.timeout(FOLLOWING_S):
            await services.listeners.following.wait()
    except TimeoutError:
        raise UnavailableError("database_unavailable", "The event table cannot be read now.") from None


async def _tell(websocket: WebSocket, services: ApiServices, principal: Principal, subscription: Subscription) -> None:
    checked = time.monotonic()
    while not subscription.has_ended():
        found = await subscription.next(HEARTBEAT_S)
        if subscription.has_ended():
            break
        if found is None:
            await websocket.send_text(HEARTBEAT)
        else:
            await websocket.send_text(RESYNC if isinstance(found, Resync) else found.message)
        if time.monotonic() - checked >= CHECKED_EACH_S:
            checked = time.monotonic()
            standing = await standing_of(services, principal)
            if standing is not Standing.GOOD:
                await _close(websocket, OF_STANDING[standing], standing.value)
                return
    await _close(websocket, RESTARTING, "restarting")


async def _left(websocket: WebSocket) -> None:
    """Wait until the browser disconnects; what it sends is dropped."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _refuse(websocket: WebSocket, error: ClearwayError) -> None:
    """Close with a code that the dashboard understands. A foreign page gets no connection, and no reason."""
    if error.code == FOREIGN_PAGE:
        await websocket.close()
        return
    code = next((code for kind, code in CLOSE_CODES.items() if isinstance(error, kind)), TRY_LATER)
    await _close(websocket, code, error.code)


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close. A browser sees the code only after the connection was accepted."""
    try:
        if websocket.application_state.name == "CONNECTING":
            await websocket.accept()
        await websocket.close(code, reason)
    except (RuntimeError, WebSocketDisconnect):
        return  # it has left
