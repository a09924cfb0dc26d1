"""Exceptions into RFC 9457 problem documents, in one place; no route builds an error answer of its own.

Errors of the API alone, beside the tree of `clearway.domain.errors`:

    ClearwayError
    ├── UnsupportedBodyError     415  says what is accepted
    └── UnprocessableError
        └── FieldsInvalidError   422  names the fields

Values that a client sent never appear in a log line or an answer; names of fields do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.http.forms import wanted
from api.http.problems import CODES, MEDIA_TYPE, FieldProblem, problem
from clearway.domain.errors import ClearwayError, UnprocessableError
from clearway.domain.field_checks import CARD_NUMBER_REFUSED

FIELD_ERRORS_SHOWN_MAX: Final = 20
FIELD_NAME_LENGTH_MAX: Final = 100
NOT_KNOWN: Final = "Unknown field. Check the spelling, or leave it out"
ERROR_CODE: Final = "clearway.error_code"
"""In the scope of a request that was answered with a problem."""
IN_OUR_WORDS: Final = {
    "extra_forbidden": NOT_KNOWN,
    "missing": "This field is required",
    "union_tag_invalid": "There is no {discriminator} {tag!r}. Use one of {expected_tags}",
    "union_tag_not_found": "Add {discriminator}, which says what kind it is",
    "model_attributes_type": "This must be a JSON object",
    "string_pattern_mismatch": "{wanted}",
    "too_long": "This may be at most {max_length} long",
    "too_short": "This must be at least {min_length} long",
}
"""Messages for people who write JSON, in place of pydantic's, which name Python types."""
AWAY_STATES: Final = ("08", "53", "55P03", "57")
"""SQLSTATE classes: connection lost, out of resources, lock not available, cancelled or shutting down."""

log = structlog.get_logger(__name__)


class FieldsInvalidError(UnprocessableError):
    """Fields that are each well formed, but cannot be accepted together."""

    def __init__(self, *errors: FieldProblem) -> None:
        super().__init__("validation_error", _in_words(errors))
        self.errors = list(errors)


class UnsupportedBodyError(ClearwayError):
    """A body in an unsupported format. headers: name the accepted ones (RFC 9110, section 15.5.16)."""

    status = 415
    title = "Unsupported media type"

    def __init__(self, detail: str, headers: dict[str, str]) -> None:
        super().__init__("unsupported_media_type", detail)
        self.headers = headers


class BodyTooLargeError(HTTPException):
    """Raised while a body is read: an HTTPException, because FastAPI turns any other error there into a 400."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is larger than the {limit} bytes that are accepted. Nothing was done.")


def problem_response(
    request: Request, code: str, detail: str, *, status: int | None = None, title: str | None = None, **more: Any
) -> Response:
    """Answer with one problem; status and title default to those of the code."""
    status = CODES[code][0] if status is None else status
    request.scope[ERROR_CODE] = code
    body = problem(
        code,
        detail,
        status=status,
        title=title or HTTPStatus(status).phrase,
        request_id=request_id_of(request),
        errors=more.get("errors"),
    )
    return Response(orjson.dumps(body), status, more.get("headers"), MEDIA_TYPE)


def request_id_of(request: Request) -> str:
    """Return the id that the middleware gave this request."""
    return str(request.scope.get("clearway.request_id", "unknown"))


def install(app: FastAPI) -> None:
    """Register every handler."""
    app.add_exception_handler(ClearwayError, _on_clearway_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(DBAPIError, _on_database_error)
    app.add_exception_handler(PoolTimeoutError, _on_database_error)
    # SQLAlchemy does not wrap a failed connection: the driver's own exception arrives.
    for raised_by_connect in (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        app.add_exception_handler(raised_by_connect, _on_database_error)


async def _on_clearway_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClearwayError)
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    headers |= error.headers if isinstance(error, UnsupportedBodyError) else {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'ApiKey realm="clearway"'
    errors = error.errors if isinstance(error, FieldsInvalidError) else None
    return problem_response(
        request, error.code, error.detail, status=error.status, title=error.title, headers=headers, errors=errors
    )


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    errors = [_field_problem(item) for item in found[:FIELD_ERRORS_SHOWN_MAX]]
    holds_card = any(item["type"] == CARD_NUMBER_REFUSED for item in found)
    code = "card_number_refused" if holds_card else "validation_error"
    return problem_response(request, code, _in_words(errors), title="Unprocessable", errors=errors)


def _field_problem(item: Any) -> FieldProblem:
    """Name the field and what is wrong; never the value, which may be a card number or a secret."""
    place = [str(part) for part in item["loc"]]
    if place and place[0] in {"body", "query", "path", "header"}:
        place = place[1:] or place
    words = IN_OUR_WORDS.get(item["type"])
    context = item.get("ctx", {})
    message = (
        item["msg"] if words is None else words.format_map(context | {"wanted": wanted(context.get("pattern", ""))})
    )
    return FieldProblem(field=".".join(place)[:FIELD_NAME_LENGTH_MAX], message=message)


def _in_words(errors: Sequence[FieldProblem]) -> str:
    listed = "; ".join(f"{error.field}: {error.message.removesuffix('.')}" for error in errors)
    return f"The request is not valid, and nothing was done. {listed}."


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            return problem_response(
                request, "route_not_found", f"There is no route {request.url.path}. Nothing was done; check the path."
            )
        case 405:
            allowed = _allowed_methods(request, (error.headers or {}).get("Allow", ""))
            detail = f"{request.url.path} does not support {request.method}. Nothing was done; it supports {allowed}."
            return problem_response(request, "method_not_allowed", detail, headers={"Allow": allowed})
        case 413:
            return problem_response(request, "body_too_large", error.detail, headers={"Connection": "close"})
        case status:
            log.warning("unexpected_http_exception", status=status)
            return problem_response(request, "internal_error", str(error.detail), status=status)


def _allowed_methods(request: Request, of_framework: str) -> str:
    """Return every method the address takes; the framework names only those of the first route that fits.

    The address belongs to the template with the fewest parameters: `/payments/public` is not the id of a payment.
    """
    fitting = {
        template: operations
        for template, operations in request.app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\\{[^{}]+\\}", "[^/]+", re.escape(template)), request.url.path)
    }
    own = fitting[min(fitting, key=lambda template: template.count("{"))] if fitting else of_framework.split(", ")
    methods = {method.upper() for method in own}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


async def _on_database_error(request: Request, error: Exception) -> Response:
    """Distinguish a database that is down or overloaded from a wrong statement, which is a bug."""
    if isinstance(error, DBAPIError) and not _is_away(error):
        raise error
    log.error("database_unavailable", error=type(error).__name__)
    return problem_response(request, "database_unavailable", CODES["database_unavailable"][1])


def _is_away(error: DBAPIError) -> bool:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or isinstance(error, InterfaceError) or state.startswith(AWAY_STATES)
