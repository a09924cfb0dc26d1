"""Carries out, on the HTTP connection, the faults that `faults` chose."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault
from clearway.simulator.wire import error_body

_LOOK_EVERY_S: Final = 0.05
_TRANSPORT: Final = "clearway.simulator.transport"


class DroppedConnection(Response):
    """Closes the connection without an answer. Needs `OfferingToDrop` around the app."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the ASGI signature
        """Close the connection, and wait until the server has noticed."""
        scope[_TRANSPORT].abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class Say(Protocol):
    """Makes an API's response for an error of the service itself."""

    def __call__(self, status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
        """Return the answer."""


def _error(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return JSONResponse(error_body(code, message), status, headers)


async def misbehave(
    request: Request, fault: Fault | None, execute: Callable[[], Response], say: Say = _error
) -> Response:
    """Answer a request with the fault: execute may be called before, after or not at all."""
    if fault is None:
        return execute()
    refusal = _refuse(fault, say)
    if refusal is not None:
        return refusal
    return await _spoil(request, fault, execute(), say)


def _refuse(fault: Fault, say: Say) -> Response | None:
    """Answer without execution, for the faults before it."""
    match fault.kind:
        case FaultKind.ERROR_BEFORE:
            return say(503, "unavailable", "The service is being restarted. Nothing was done.", fault.retry_after_s)
        case FaultKind.RATE_LIMITED:
            return say(429, "rate_limited", "Too many requests. Nothing was done.", fault.retry_after_s)
        case FaultKind.DROPPED_BEFORE:
            return DroppedConnection()
        case FaultKind.NOT_FOUND_YET:
            return say(404, "operation_not_found", "There is no operation with this key.")
        case _:
            return None


async def _spoil(request: Request, fault: Fault, good: Response, say: Say) -> Response:
    """Damage the answer to an executed request."""
    match fault.kind:
        case FaultKind.EXECUTED_THEN_DROPPED:
            return DroppedConnection()
        case FaultKind.EXECUTED_THEN_TIMEOUT:
            await _hold(request, fault.delay_s)
            return say(504, "timeout", "The bank did not answer in time.")
        case FaultKind.ERROR_AFTER_CHARGE:
            return say(500, "internal_error", "Something went wrong on our side.")
        case FaultKind.MALFORMED:
            return Response(bytes(good.body)[: len(good.body) // 2], 200, media_type="application/json")
        case FaultKind.SLOW:
            await _linger(fault)
    return good


async def _linger(fault: Fault) -> None:
    """Wait for the fault's delay, but not longer than its rule is in force."""
    until = time.monotonic() + fault.delay_s
    while (left_s := until - time.monotonic()) > 0 and fault.in_force():  # noqa: ASYNC110 - rules are plain values
        await asyncio.sleep(min(left_s, _LOOK_EVERY_S))


async def _hold(request: Request, delay_s: float) -> None:
    """Wait, but not longer than the caller: a caller who is gone should not block a shutdown."""
    until = time.monotonic() + delay_s
    while time.monotonic() < until and not await request.is_disconnected():  # noqa: ASYNC110 - ASGI has no event
        await asyncio.sleep(_LOOK_EVERY_S)


class OfferingToDrop:
    """ASGI wrapper, outermost, that puts the transport of each request's connection where a response can reach it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        # ASGI has no message for it, so this reaches for uvicorn's own request cycle, which `send` is a method of.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app({**scope, _TRANSPORT: transport}, receive, send)
