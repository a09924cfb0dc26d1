"""Requests of merchants, as stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.mapping import Mapped
from clearway.db.pages import EPOCH, PageRequest, Rows
from clearway.db.tables import request_log
from clearway.db.walks import Walk, Way, walked_page
from clearway.db.writing import Rows as NewRows
from clearway.db.writing import write
from clearway.domain.ids import LOGGED_REQUEST, first_id
from clearway.domain.request_log import LoggedRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is limited to. since: inclusive. failed: only answers of 400 and above, or none of them."""

    since: datetime
    until: datetime | None = None
    method: str | None = None
    route: str | None = None
    status: int | None = None
    failed: bool | None = None
    actor: str | None = None
    subject_id: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    error_code: str | None = None


_FAILED: Final = 400
EQUAL: Final = ("method", "route", "status", "actor", "subject_id", "idempotency_key", "error_code")
REQUESTS: Final = Mapped(LoggedRequest, request_log)
BODIES: Final = frozenset({"request_body", "response_body"})
"""Left out of lists."""


async def add(connection: AsyncConnection, requests: Sequence[LoggedRequest]) -> None:
    """Write requests in one statement. Those that are there already are left as they are."""
    await write(connection, [NewRows(request_log, [REQUESTS.columns(each) for each in requests], unless_there=True)])


async def page(connection: AsyncConnection, merchant_id: str, wanted: Wanted, request: PageRequest) -> Rows:
    """Return one page of a merchant's requests, newest first."""
    column = request_log.c
    listed = [each for each in column if each.name not in BODIES]
    within = [column.merchant_id == merchant_id, *_period(wanted)]
    if wanted.request_id is not None:
        within.append(column.request_id == wanted.request_id)
    walk = Walk(request_log, [Way(within)], partial(_conditions, wanted), listed)
    return await walked_page(connection, walk, request)


async def find(connection: AsyncConnection, merchant_id: str, logged_id: str) -> Row[Any] | None:
    """Return a request with its bodies, or None."""
    mine = (request_log.c.merchant_id == merchant_id) & (request_log.c.id == logged_id)
    return (await connection.execute(select(request_log).where(mine))).first()


def _period(wanted: Wanted) -> list[ColumnElement[bool]]:
    """By the time in the id, so that only the months in question are read."""
    found: list[ColumnElement[bool]] = [request_log.c.id >= first_id(LOGGED_REQUEST, wanted.since)]
    if wanted.until is not None:
        found.append(request_log.c.id < first_id(LOGGED_REQUEST, max(wanted.until, EPOCH)))
    return found


def _conditions(wanted: Wanted, column: Any) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.failed is not None:
        found.append(column.status >= _FAILED if wanted.failed else column.status < _FAILED)
    values: list[tuple[str, Any]] = [(name, getattr(wanted, name)) for name in EQUAL]
    return [*found, *(column[name] == value for name, value in values if value is not None)]


async def forget(connection: AsyncConnection, before: datetime) -> int:
    """Drop the months that ended before then; return how many."""
    found = await connection.scalar(text("SELECT forget_request_log(:before)"), {"before": before})
    return int(found or 0)
