"""Cursor pages over keys that sort by time of creation: newest first, stable while rows are added.

The cursor is the id of the last row shown. A page costs the same however deep it is, because it continues from that
key in an index; nothing here ever counts rows or uses OFFSET.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.domain.ids import first_id
from clearway.domain.limits import PAGE_SIZE_DEFAULT

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Ids have no earlier time."""
LAST: Final = datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: at most `limit` rows, older than the row `after_id`."""

    limit: int = PAGE_SIZE_DEFAULT
    after_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of rows; next_cursor is None on the last page."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None


def page_query(query: Select[Any], id_column: ColumnElement[Any], page: PageRequest) -> Select[Any]:
    """Return the query of one page. One row more than the limit shows whether there is a next page, without a count."""
    if page.after_id is not None:
        query = query.where(id_column < page.after_id)
    return query.order_by(id_column.desc()).limit(page.limit + 1)


def created_within(
    id_column: ColumnElement[str], prefix: str, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions that a row was created in this period: since is included, until is not.

    Ids carry the time of creation in milliseconds, and it is their row's `created_at`.
    """
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(id_column >= first_id(prefix, _next_millisecond(since)))
    if until is not None:
        conditions.append(id_column < first_id(prefix, _next_millisecond(until)))
    return conditions


def _next_millisecond(moment: datetime) -> datetime:
    """Return the first millisecond at or after a moment, within the times that an id can carry."""
    bounded = max(min(moment, LAST), EPOCH)
    return bounded + timedelta(microseconds=-bounded.microsecond % 1_000)


async def fetch_page(
    connection: AsyncConnection, query: Select[Any], id_column: ColumnElement[Any], page: PageRequest
) -> Rows:
    """Run `query` for one page, newest first. It must select `id_column` under the name `id`."""
    rows = (await connection.execute(page_query(query, id_column, page))).all()
    shown = rows[: page.limit]
    return Rows(shown, shown[-1].id if len(rows) > page.limit else None)
