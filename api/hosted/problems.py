"""Errors of the checkout as pages for its customers; or as JSON for its own script."""

from __future__ import annotations

import asyncpg
import structlog
from fastapi import FastAPI, Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.hosted.pages import Pages
from clearway.domain.errors import ClearwayError

log = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(ClearwayError, _on_clearway_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    for away in (DBAPIError, PoolTimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        app.add_exception_handler(away, _on_database_error)


def wants_json(request: Request) -> bool:
    """Return whether the page's script asks, and not a browser that shows the answer."""
    return request.headers.get("accept", "").startswith("application/json")


async def _on_clearway_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClearwayError)
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return _answer(request, error.status, error.code, headers)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, "page_not_found" if error.status_code == 404 else "error")  # noqa: PLR2004


async def _on_database_error(request: Request, error: Exception) -> Response:
    log.error("database_unavailable", error=type(error).__name__)
    return _answer(request, 503, "database_unavailable")


def _answer(request: Request, status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    pages: Pages = request.app.state.pages
    if wants_json(request):
        message = pages.problem_text(request, status, code)
        return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
    return pages.problem(request, status, code, headers or {})
