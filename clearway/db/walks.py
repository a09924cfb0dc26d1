"""Pages of filtered lists that read a bounded number of rows, whatever the filters are.

A list is found by walking an index from its newest row on. An index that begins with a few columns of few values, and
ends with the id, has one such order for each combination of these values: a *part*. A page takes the newest rows of
each part, and merges them. Filters that exclude each other name parts that do not exist, and cost nothing.

Conditions that no index serves are asked of each row that is walked past. At most `LOOKED_AT_MAX` of them are.
When they do not fill the page, the page is short, and its cursor says how far the walk came. An index with parts should
include what these conditions read. The planner knows little of how many rows a part has: without the table to read,
walking is the cheaper plan for few rows too. `unforeseen` keeps it from sorting a part that it takes for small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Table,
    Text,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import LateralFromClause

from clearway.db.pages import PageRequest, Rows, fetch_page

LOOKED_AT_MAX: Final = 5_000
"""Of a way. Read one by one from a table, so many rows take some 20 ms when they are in memory."""
OF_PART_MAX: Final = 1_000
"""Of each part, when there are many: few of them have rows."""
SCATTERED_MAX: Final = 500
"""Of a way whose rows lie all over the table."""
PARTS_MAX: Final = 2_000
"""A part without rows costs some 5 µs."""

Conditions = Callable[[Any], Sequence[ColumnElement[bool]]]
"""Makes conditions from the columns of a table, or of a part of it."""


def none(_: Any) -> Sequence[ColumnElement[bool]]:
    """Make no condition."""
    return ()


@dataclass(frozen=True, slots=True)
class Way:
    """An index to walk. within: what it serves, such as whose rows. parts: values of each column before its id.

    scattered: its rows lie all over the table, so each may cost a read of the disk, and fewer are looked at.
    """

    within: Sequence[ColumnElement[bool]]
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    scattered: bool = False

    @property
    def count(self) -> int:
        """How many parts there are."""
        return max(1, math.prod(map(len, self.parts.values())))


@dataclass(frozen=True, slots=True)
class Walk:
    """What is listed: the rows that one of the ways comes by, of which the rest is true too.

    A row that several ways come by is listed once. columns: what is read of it, with its id; none: all.
    """

    table: Table
    ways: Sequence[Way]
    rest: Conditions = none
    columns: Sequence[ColumnElement[Any]] = ()


async def walked_page(connection: AsyncConnection, walk: Walk, page: PageRequest) -> Rows:
    """Return a page, newest first. A short page has a cursor too when there may be older rows that match."""
    if len(walk.ways) == 1 and not walk.ways[0].parts and not walk.rest(walk.table.c):
        return await fetch_page(connection, select(*_listed(walk)).where(*walk.ways[0].within), walk.table.c.id, page)
    rows = (await connection.execute(walked_query(walk, page))).all()
    found = [row for row in rows if row.id is not None]
    shown = found[: page.limit]
    if len(found) > page.limit:
        return Rows(shown, shown[-1].id)
    return Rows(shown, rows[0].walked_to)


def walked_query(walk: Walk, page: PageRequest) -> Select[Any]:
    """Return the query: the rows of the page with `walked_to`, in one row without an id when there are none."""
    table, wanted = walk.table, page.limit + 1
    walked = union_all(*(_walked(walk, way, page) for way in walk.ways)).cte("walked")
    horizon = select(func.max(walked.c.walked_to).label("walked_to")).cte("horizon")
    each = select(func.unnest(walked.c.ids).label("id")).distinct().subquery("each")
    beyond = func.coalesce(select(horizon.c.walked_to).scalar_subquery(), "")
    ids = select(each.c.id).where(each.c.id >= beyond).order_by(each.c.id.desc()).limit(wanted).subquery("ids")
    listed = horizon.outerjoin(ids.join(table, ids.c.id == table.c.id), true())
    return select(*_listed(walk), horizon.c.walked_to).select_from(listed).order_by(table.c.id.desc())


def _walked(walk: Walk, way: Way, page: PageRequest) -> Select[Any]:
    """Return for each part the ids found in it, and how far it was looked at when that did not fill the page."""
    wanted = page.limit + 1
    most = max(wanted, SCATTERED_MAX if way.scattered else LOOKED_AT_MAX // way.count, OF_PART_MAX * bool(way.parts))
    parts = parts_of(way)
    if not walk.rest(walk.table.c):
        newest = _ids(
            _order(walk.table, way, parts, page, walk.table.c.id).limit(unforeseen(wanted)).lateral("matching")
        )
        return select(newest.c.ids, null().cast(Text).label("walked_to")).select_from(parts.join(newest, true()))
    looked_at = _order(walk.table, way, parts, page, walk.table).limit(unforeseen(most)).lateral("looked_at")
    matching = select(looked_at.c.id).where(*walk.rest(looked_at.c)).limit(wanted).lateral("matching")
    newest = _ids(matching)
    last = _order(walk.table, way, parts, page, walk.table.c.id).offset(unforeseen(most - 1)).limit(1).lateral("last")
    end = select(last.c.id).where(func.coalesce(func.cardinality(newest.c.ids), 0) < wanted).lateral("end")
    ways_on = parts.join(newest, true()).outerjoin(end, true())
    return select(newest.c.ids, end.c.id.label("walked_to")).select_from(ways_on)


def unforeseen(number: int) -> ScalarSelect[int]:
    """Return a limit that the planner does not know: it expects a tenth of the rows, and so to walk.

    A limit above the rows that it expects would be no limit to it: it would read all there are, and sort them. It
    expects few of any one customer, and there may be very many.
    """
    return select(literal(number)).scalar_subquery()


def _listed(walk: Walk) -> Sequence[ColumnElement[Any]]:
    return walk.columns or walk.table.columns.values()


def _ids(matching: LateralFromClause) -> LateralFromClause:
    return select(func.array_agg(matching.c.id).label("ids")).lateral("newest")


def parts_of(way: Way) -> FromClause:
    """Return the combinations of the values, one a row, with a column of each."""
    combined: FromClause = select(literal("").label("whole")).subquery("whole")
    columns: list[ColumnElement[Any]] = []
    for name, values in way.parts.items():
        each = func.unnest(cast(literal(list(values), ARRAY(Text)), ARRAY(Text))).table_valued(name, name=name)
        combined = combined.join(each, true())
        columns.append(each.c[name])
    return select(*(columns or combined.c)).select_from(combined).subquery("parts")


def _order(table: Table, way: Way, parts: FromClause, page: PageRequest, *columns: Any) -> Select[Any]:
    """Return the rows of a part, newest first."""
    mine = (*way.within, *(table.c[name] == parts.c[name] for name in way.parts))
    query = select(*columns).where(*mine).correlate(parts).order_by(table.c.id.desc())
    return query if page.after_id is None else query.where(table.c.id < page.after_id)
