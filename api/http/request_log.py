"""Logs each request of a merchant as a row: who, what, the answer, how long. No query and no address.

Bodies are kept of what changes something, and of refusals, masked (`api.http.masked_bodies`).
Reads by people in the dashboard are left out: its pages poll, and would bury the requests of programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from api.http.errors import ERROR_CODE
from api.http.json_body import SCOPE_KEY as PARSED_BODY
from api.http.masked_bodies import BYTES_MAX, masked_body, masked_text
from api.http.metrics import route_template
from clearway.domain.ids import LOGGED_REQUEST, new_id
from clearway.domain.request_log import LoggedRequest, key_kept, subject_in
from clearway.monitoring.requests import RequestLog

CALLER: Final = "clearway.caller"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
PEOPLE: Final = "user:"
REFUSED: Final = 400


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a request is made, and by whom."""

    merchant_id: str
    actor: str


def note_caller(request: Request, merchant_id: str, actor: str) -> None:
    """Say who makes this request, once that is known. It is logged also when it is refused after that."""
    request.scope[CALLER] = Caller(merchant_id, actor)


class AnswerBody:
    """What is kept of an answer's body while it is sent: all of it when it is short, else nothing."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._bytes = 0

    def add(self, part: bytes) -> None:
        """Take the next part."""
        self._bytes += len(part)
        if self._bytes <= BYTES_MAX:
            self._parts.append(part)

    def text(self) -> str | None:
        """Return the masked text, or None."""
        return masked_text(b"".join(self._parts)) if 0 < self._bytes <= BYTES_MAX else None


def log_request(scope: Scope, status: int, duration_s: float, answer: AnswerBody) -> None:
    """Keep an answered request, if its merchant is known."""
    caller: Caller | None = scope.get(CALLER)
    if caller is None or (scope["method"] in SAFE and caller.actor.startswith(PEOPLE)):
        return
    log: RequestLog | None = scope["app"].state.request_log
    if log is not None:
        log.note(_row(scope, caller, status, duration_s, answer))


def _row(scope: Scope, caller: Caller, status: int, duration_s: float, answer: AnswerBody) -> LoggedRequest:
    with_bodies = scope["method"] not in SAFE or status >= REFUSED
    return LoggedRequest(
        id=new_id(LOGGED_REQUEST),
        merchant_id=caller.merchant_id,
        method=scope["method"],
        route=route_template(scope),
        subject_id=subject_in(scope.get("path_params", {})),
        status=status,
        error_code=scope.get(ERROR_CODE),
        actor=caller.actor,
        request_id=scope["clearway.request_id"],
        idempotency_key=key_kept(Headers(scope=scope).get("idempotency-key")),
        started_at=datetime.now(UTC) - timedelta(seconds=duration_s),
        duration_ms=round(duration_s * 1_000),
        request_body=masked_body(scope.get(PARSED_BODY)) if with_bodies else None,
        response_body=answer.text() if with_bodies else None,
    )
