"""Cursor pages over keys that sort by time of creation: newest first, stable while rows are added.

The cursor is the id of the last row shown. A page costs the same however deep it is, because it continues from that
key in an index; nothing here ever counts rows or uses OFFSET.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.domain.limits import PAGE_SIZE_DEFAULT


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


async def fetch_page(
    connection: AsyncConnection, query: Select[Any], id_column: ColumnElement[Any], page: PageRequest
) -> Rows:
    """Run `query` for one page, newest first. It must select `id_column` under the name `id`."""
    if page.after_id is not None:
        query = query.where(id_column < page.after_id)
    # One row more than the limit shows whether there is a next page, without a count.
    result = await connection.execute(query.order_by(id_column.desc()).limit(page.limit + 1))
    rows = result.all()
    shown = rows[: page.limit]
    return Rows(shown, shown[-1].id if len(rows) > page.limit else None)
