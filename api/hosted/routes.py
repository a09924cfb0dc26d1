"""`/checkout/<order>`: the page of an order, its form, its live status; and the files that the page loads."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from api.auth.principal import limit_address
from api.hosted import paying
from api.hosted.appearance import Appearance, appearance_of
from api.hosted.pages import HELP, Pages
from api.hosted.problems import wants_json
from api.hosted.scenes import Scene, scene_of, with_form
from api.hosted.visits import Visit, visit_of
from api.http.admission import NEW_WORK
from api.http.services import ApiServices, ServicesDep
from clearway.checkout.opening import OpenOrder, open_order
from clearway.checkout.stages import MOVING
from clearway.checkout.watching import Watch

STREAM_S: Final = 600.0
"""A stream ends after this, and the page opens another."""
QUIET_S: Final = 15.0
"""How long a stream is silent: proxies close what is silent for a minute."""
NO_STREAM: Final = 204
"""Makes a browser's EventSource stop; the page then asks by itself."""

router = APIRouter()
order = APIRouter(prefix="/checkout/{order_id}", dependencies=[Depends(limit_address)])


async def _visit(request: Request, order_id: str) -> Visit:
    return visit_of(request, order_id)


async def _opened(services: ServicesDep, visit: Annotated[Visit, Depends(_visit)]) -> OpenOrder:
    return await open_order(services, visit.order_id, visit.key_id)


async def _look(services: ServicesDep, opened: Annotated[OpenOrder, Depends(_opened)]) -> Appearance:
    return await appearance_of(services, opened)


VisitDep = Annotated[Visit, Depends(_visit)]
OpenedDep = Annotated[OpenOrder, Depends(_opened)]
LookDep = Annotated[Appearance, Depends(_look)]


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


@router.get("/health")
async def get_health() -> dict[str, str]:
    """Say that the process runs."""
    return {"status": "ok"}


@router.get("/assets/{digest}/{name}")
async def get_asset(request: Request, digest: str, name: str) -> Response:
    """Return one of our own files; its address changes with its content."""
    asset = _pages(request).assets.at(f"/assets/{digest}/{name}")
    if asset is None:
        raise HTTPException(404)
    headers = {"cache-control": "public, max-age=31536000, immutable", "access-control-allow-origin": "*"}
    return Response(asset.content, 200, headers, asset.media_type)


@order.get("")
async def show_order(
    request: Request, services: ServicesDep, visit: VisitDep, opened: OpenedDep, look: LookDep
) -> Response:
    """Show the form, or where the payment of the order is."""
    return _pages(request).order(visit, await scene_of(services, visit, opened, look))


@order.post("", dependencies=[NEW_WORK])
async def pay_order(
    request: Request, services: ServicesDep, visit: VisitDep, opened: OpenedDep, look: LookDep
) -> Response:
    """Pay the order as the form says, and show where the payment is."""
    return_url = services.settings.checkout_url.rstrip("/") + replace(visit, embed=False, origin="").url()
    sent = await paying.send(request, services, visit, opened, look, return_url=return_url)
    if not sent.errors:
        return await _moved(request, services, visit, sent.opened, look)
    scene = with_form(services, Scene(sent.opened, look, values=sent.values, errors=sent.errors), sent.options)
    if wants_json(request):
        errors = {name: visit.language.text(f"field.{key}") for name, key in sent.errors.items()}
        return JSONResponse({"errors": errors, "token": scene.token}, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _pages(request).order(visit, scene, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@order.post("/cancel")
async def call_off(
    request: Request, services: ServicesDep, visit: VisitDep, opened: OpenedDep, look: LookDep
) -> Response:
    """Call off the payment that waits for its customer, who wants to pay in another way."""
    await paying.call_off(request, services, opened)
    opened = await open_order(services, visit.order_id, visit.key_id)
    return await _moved(request, services, visit, opened, look)


@order.get("/state")
async def get_state(
    request: Request, services: ServicesDep, visit: VisitDep, opened: OpenedDep, look: LookDep
) -> Response:
    """Return where the order is, for a page that asks from time to time."""
    return JSONResponse(await _state(request, services, visit, opened, look))


@order.get("/events")
async def stream_states(
    request: Request, services: ServicesDep, visit: VisitDep, opened: OpenedDep, look: LookDep
) -> Response:
    """Send where the order is whenever that changes (server-sent events), until nothing can change any more."""
    watch: Watch = request.app.state.watch
    if opened.latest is None or opened.stage not in MOVING or watch.is_full:
        return Response(status_code=NO_STREAM)
    states = _states(request, services, visit, look, opened.latest.id)
    headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
    return StreamingResponse(states, 200, headers, "text/event-stream")


@order.get("/help/{subject}")
async def show_help(request: Request, visit: VisitDep, look: LookDep, subject: str) -> Response:
    """Show a page of help."""
    if subject not in HELP:
        raise HTTPException(404)
    return _pages(request).help(visit, look, subject)


async def _states(
    request: Request, services: ApiServices, visit: Visit, look: Appearance, payment_id: str
) -> AsyncIterator[str]:
    watch: Watch = request.app.state.watch
    ends_at = time.monotonic() + STREAM_S
    async for moved in watch.changes(payment_id, QUIET_S):
        if not moved:
            yield ": nothing new\n\n"
        else:
            opened = await open_order(services, visit.order_id, visit.key_id)
            state = await _state(request, services, visit, opened, look)
            yield f"event: state\ndata: {json.dumps(state)}\n\n"
            if opened.stage not in MOVING:
                return
        if time.monotonic() > ends_at:
            yield "event: again\ndata: {}\n\n"
            return


async def _moved(
    request: Request, services: ApiServices, visit: Visit, opened: OpenOrder, look: Appearance
) -> Response:
    """Answer an act: the script gets the state, and a browser without it loads the page again."""
    if wants_json(request):
        return JSONResponse(await _state(request, services, visit, opened, look))
    return RedirectResponse(visit.url(), HTTPStatus.SEE_OTHER)


async def _state(
    request: Request, services: ApiServices, visit: Visit, opened: OpenOrder, look: Appearance
) -> dict[str, Any]:
    """Return what the script needs: the stage, the part of the page that shows it, and where the customer must go."""
    scene = await scene_of(services, visit, opened, look)
    latest = opened.latest
    return {
        "stage": opened.stage.value,
        "payment_id": latest.id if latest else None,
        "status": latest.status.value if latest else None,
        "error_code": latest.error_code if latest else None,
        "moving": opened.stage in MOVING,
        "html": _pages(request).stage(visit, scene),
        "action_url": latest.next_action.url if latest and latest.next_action else None,
        "result": scene.result,
    }
