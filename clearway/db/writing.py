"""Writing what belongs together in one statement: one round trip, compiled and planned once for any number of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import JSON, Column, Insert, Row, Table, Update, column, func, insert, literal, select
from sqlalchemy.dialects.postgresql import Insert as Upsert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

Write = Insert | Update | Upsert


def inserted(table: Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """Return an INSERT of rows that all have the same columns."""
    return insert(table).from_select(list(rows[0]), _records(table, rows))


def inserted_unless_there(table: Table, rows: Sequence[Mapping[str, Any]]) -> Upsert:
    """Return the same for rows that may be there already; those are left as they are."""
    return upsert(table).from_select(list(rows[0]), _records(table, rows)).on_conflict_do_nothing()


async def write(connection: AsyncConnection, writes: Sequence[Write]) -> None:
    """Carry out all writes in one statement. None of them sees what the others write, and no two touch the same row."""
    if not writes:
        return
    *others, last = writes
    statement = last.add_cte(*(other.cte(f"write_{number}") for number, other in enumerate(others)))
    await connection.execute(statement)


def row_after(row: Row[Any], columns: Mapping[str, Any]) -> SimpleNamespace:
    """Return a row as it is once `columns` are written, so that it need not be read back."""
    before = row._mapping  # noqa: SLF001 - public; the underscore keeps it apart from the columns
    return SimpleNamespace(**{**before, **columns})


def _records(table: Table, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows as one JSON parameter: an INSERT with VALUES has another text for each number of rows."""
    columns: list[Column[Any]] = [table.c[name] for name in rows[0]]
    given = func.json_to_recordset(literal(list(rows), JSON))
    records = given.table_valued(*(column(each.name, each.type) for each in columns), name="records")
    return select(*records.render_derived(with_types=True).c)
