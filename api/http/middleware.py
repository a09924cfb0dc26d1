"""What happens around every request: its id, the size of its body, HEAD, its log line, metrics and the safe headers.

One ASGI middleware, because each layer costs every request. It logs method, route, status and time, and never a body, a
query or a credential.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.addresses import ADDRESS_KEY, TrustedProxies
from api.http.errors import BodyTooLargeError, problem_response
from api.http.limits import SCOPE_KEY as RATE_LIMIT_KEY
from api.http.metrics import HttpMetrics, route_template
from api.http.problems import CODES
from api.http.request_log import AnswerBody, log_request
from clearway.domain.ids import REQUEST, new_id
from clearway.security_headers import StrictTransport, add_missing

HEAD_KEY: Final = "clearway.is_head"
REQUEST_ID_FORM: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
QUIET: Final = frozenset({"/health", "/ready", "/metrics"})
"""Asked every few seconds by probes; logged only when they fail."""

CLIENT_LEFT: Final = 499
"""Not a status of HTTP, since nobody gets it: what proxies log for a client that did not wait."""

log = structlog.get_logger("clearway.access")


class RequestFrame:
    """Wraps the app; see the module."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: HttpMetrics,
        body_bytes_max: int,
        proxies: TrustedProxies,
        transport: StrictTransport,
    ) -> None:
        self._app = app
        self._transport = transport
        self._metrics = metrics
        self._body_bytes_max = body_bytes_max
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            named = {"clearway.request_id": _request_id(scope["headers"]), ADDRESS_KEY: self._proxies.client_of(scope)}
            await self._app({**scope, **named}, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A copy: the server looks at its own scope for the method, to know whether a body may follow.
        scope = {**scope, "headers": _without_blanks(scope["headers"])}
        request_id = _request_id(scope["headers"])
        scope["clearway.request_id"] = request_id
        scope[ADDRESS_KEY] = self._proxies.client_of(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._serve(scope, receive, _Answer(scope, send, request_id, self._transport))

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        started = time.perf_counter()
        if answer.is_head:
            scope["method"] = "GET"  # RFC 9110, section 9.3.2: the same but for the body
            scope[HEAD_KEY] = True
        try:
            await self._app(scope, _capped(scope, receive, self._body_bytes_max), answer.send)
        except ClientDisconnect:
            answer.status = CLIENT_LEFT  # in the middle of its request: nobody is there to be answered
        except Exception:
            log.exception("unhandled_error", route=route_template(scope), method=scope["method"])
            if answer.status is not None:
                raise  # The answer has begun: only closing the connection tells the client that it is not whole.
            failure = problem_response(Request(scope), "internal_error", CODES["internal_error"][1])
            await failure(scope, receive, answer.send)
        finally:
            scope["method"] = "HEAD" if answer.is_head else scope["method"]
            self._finish(scope, answer, time.perf_counter() - started)

    def _finish(self, scope: Scope, answer: _Answer, duration_s: float) -> None:
        status = answer.status or 500
        self._metrics.observe(scope, status, duration_s)
        log_request(scope, status, duration_s, answer.body)
        route = route_template(scope)
        if route not in QUIET or status >= 500:  # noqa: PLR2004
            duration_ms = round(duration_s * 1000, 1)
            log.info("request", method=scope["method"], route=route, status=status, duration_ms=duration_ms)


def is_head(request: Request) -> bool:
    """Return whether a request that a route handles as GET was sent as HEAD. It must have no effect."""
    return HEAD_KEY in request.scope


class _Answer:
    """The answer on its way out: adds the headers every answer has and remembers the status."""

    def __init__(self, scope: Scope, send: Send, request_id: str, transport: StrictTransport) -> None:
        self._scope = scope
        self._transport = transport
        self._send = send
        self._request_id = request_id
        self.is_head = scope["method"] == "HEAD"
        self.status: int | None = None
        self.body = AnswerBody()

    async def send(self, message: Message) -> None:
        """Pass one ASGI message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            add_missing(headers)
            self._transport.add(self._scope, headers)
            message["headers"].extend(self._scope.get(RATE_LIMIT_KEY, ()))
        elif self.is_head:
            message = {**message, "body": b""}
        else:
            self.body.add(message.get("body", b""))
        await self._send(message)


def _without_blanks(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Drop the blanks around values, which are no part of them (RFC 9110, section 5.5); the server leaves some."""
    return [(name, value.strip(b" \t")) for name, value in headers]


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Keep the caller's request id when it is a plain token, so that logs of both sides can be joined."""
    given = next((value for name, value in headers if name == b"x-request-id"), b"")
    return given.decode() if REQUEST_ID_FORM.fullmatch(given) else new_id(REQUEST)


def _capped(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Return a `receive` that stops at `limit` bytes, whether the length was announced or comes in chunks."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    received = 0

    async def capped() -> Message:
        nonlocal received
        if announced.isdigit() and int(announced) > limit:
            raise BodyTooLargeError(limit)
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise BodyTooLargeError(limit)
        return message

    return capped
