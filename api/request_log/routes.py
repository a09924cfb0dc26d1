"""`/request_log`: which requests a merchant's programs and people sent, and how each was answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import PlainText, Time
from api.http.paging import Page, page_of, page_request
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.request_log.schemas import (
    LoggedRequestResource,
    LoggedRequestWithBodies,
    logged_request_resource,
    with_bodies,
)
from clearway.db import request_log
from clearway.db.pages import PageRequest
from clearway.db.request_log import Wanted
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import LOGGED_REQUEST, is_id
from clearway.domain.permissions import Permission
from clearway.domain.request_log import KEY_LENGTH_MAX

router = Router(prefix="/request_log", tags=["request log"])

Reader = Annotated[Principal, requires(Permission.REQUEST_LOG_READ)]
Exact = Annotated[PlainText | None, Query(max_length=KEY_LENGTH_MAX)]


async def log_filter(
    *,
    services: ServicesDep,
    created_from: Annotated[Time | None, Query(description="RFC 3339, inclusive.")] = None,
    created_to: Annotated[Time | None, Query(description="RFC 3339, exclusive.")] = None,
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] | None = None,
    route: Annotated[PlainText | None, Query(max_length=200, description="As the log shows it.")] = None,
    status: Annotated[int | None, Query(ge=100, le=599)] = None,
    failed: Annotated[bool | None, Query(description="true: answers of 400 and above. false: those below.")] = None,
    actor: Exact = None,
    subject_id: Annotated[PlainText | None, Query(max_length=64, description="The id in the path.")] = None,
    request_id: Exact = None,
    idempotency_key: Exact = None,
    error_code: Exact = None,
) -> Wanted:
    """Read the filters. Nothing older than the log is kept for is shown."""
    kept_since = datetime.now(UTC) - timedelta(days=services.settings.request_log_days)
    return Wanted(
        since=max(created_from, kept_since) if created_from else kept_since,
        until=created_to,
        method=method,
        route=route,
        status=status,
        failed=failed,
        actor=actor,
        subject_id=subject_id,
        request_id=request_id,
        idempotency_key=idempotency_key,
        error_code=error_code,
    )


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List requests")
async def list_requests(
    principal: Reader,
    services: ServicesDep,
    page: Annotated[PageRequest, Depends(page_request(LOGGED_REQUEST))],
    wanted: Annotated[Wanted, Depends(log_filter)],
) -> Page[LoggedRequestResource]:
    """List the requests of your programs, newest first, and what people changed in the dashboard.

    A request is listed a second or two after its answer. Queries and network addresses are not kept.
    """
    async with services.reader.connect() as connection:
        found = await request_log.page(connection, principal.merchant_id, wanted, page)
    return page_of(map(logged_request_resource, found.rows), found.next_cursor)


@router.get("/{logged_id}", responses=declare(*TO_MERCHANTS, "logged_request_not_found"), summary="Read a request")
async def get_request(logged_id: str, principal: Reader, services: ServicesDep) -> LoggedRequestWithBodies:
    """Read one request with its bodies, masked. Bodies are kept of requests that change something, and of refusals."""
    known = is_id(LOGGED_REQUEST, logged_id)
    async with services.reader.connect() as connection:
        row = await request_log.find(connection, principal.merchant_id, logged_id) if known else None
    kept_since = datetime.now(UTC) - timedelta(days=services.settings.request_log_days)
    if row is None or row.started_at < kept_since:
        raise NotFoundError("logged_request_not_found", f"The log has no request {logged_id!r}.")
    return with_bodies(row)
