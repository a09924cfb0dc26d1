"""Write related rows in one statement: one round trip, compiled and planned once.

Callers pass plain values (`Rows`, `Changed`). Their shape, which is everything but the values, decides the text of the
statement. The text is made at the first use of a shape and cached.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, TypeVar

from sqlalchemy import (
    JSON,
    ColumnElement,
    Insert,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    column,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert as Upsert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
TRIES_MAX: Final = 50
"""How often a change is retried because another one was written first."""

T = TypeVar("T")
_Statement = Insert | Upsert | Update


class ContendedError(Exception):
    """The row changed before every try, so this change was not written. Retry it."""


@dataclass(frozen=True)
class Rows:
    """Rows to insert, all with the same columns. unless_there: those that conflict are left as they are."""

    table: Table
    rows: Sequence[Mapping[str, Any]]
    unless_there: bool = False

    def shape(self) -> _RowsShape:
        """Return the part that decides the statement's text."""
        return _RowsShape(self.table, tuple(self.rows[0]), self.unless_there)

    def parameters(self, number: int) -> dict[str, Any]:
        """Return the parameters of write `number`, by their names in the statement."""
        return {f"rows_{number}": list(self.rows)}


@dataclass(frozen=True)
class Changed:
    """One row to change. values: what columns become. added: what is added to columns. where: further conditions."""

    table: Table
    id: str
    values: Mapping[str, Any]
    added: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    where: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    def shape(self) -> _ChangedShape:
        """Return the part that decides the statement's text."""
        return _ChangedShape(self.table, tuple(self.values), tuple(self.added), tuple(self.where))

    def parameters(self, number: int) -> dict[str, Any]:
        """Return the parameters of write `number`, by their names in the statement."""
        found: dict[str, Any] = {f"id_{number}": self.id}
        for role, values in (("set", self.values), ("add", self.added), ("where", self.where)):
            found |= {f"{role}_{name}_{number}": value for name, value in values.items()}
        return found


Write = Rows | Changed


async def write(connection: AsyncConnection, writes: Sequence[Write]) -> None:
    """Carry out all writes in one statement. None of them sees what the others write, and no two touch the same row."""
    if not writes:
        return
    await connection.execute(_together(tuple(each.shape() for each in writes)), _parameters(writes))


async def write_if(connection: AsyncConnection, first: Write, rest: Sequence[Write]) -> bool:
    """Carry out `first`, and the rest if it touched a row, in one statement; return whether it did.

    A change whose conditions compare the values that were read needs no lock and no transaction (optimistic locking):
    either the row is unchanged and everything is written, or nothing is.
    """
    statement = _together_if(first.shape(), tuple(each.shape() for each in rest))
    return (await connection.execute(statement, _parameters([first, *rest]))).first() is not None


async def until_written(subject_id: str, attempt: Callable[[], Awaitable[T | None]]) -> T:
    """Repeat an attempt, which reads and then writes by `write_if`, while it returns None: the row had changed.

    Raises ContendedError after TRIES_MAX attempts.
    """
    for _ in range(TRIES_MAX):
        written = await attempt()
        if written is not None:
            return written
    raise ContendedError(subject_id)


def row_after(row: Row[Any], columns: Mapping[str, Any]) -> SimpleNamespace:
    """Return the row with `columns` changed, so that it need not be read back."""
    before = row._mapping  # noqa: SLF001 - public; the underscore keeps it apart from the columns
    return SimpleNamespace(**{**before, **columns})


@dataclass(frozen=True)
class _RowsShape:
    table: Table
    columns: tuple[str, ...]
    unless_there: bool

    def statement(self, number: int, condition: ColumnElement[bool] | None = None) -> Insert | Upsert:
        """The rows are one JSON parameter: an INSERT with VALUES has another text for each number of rows."""
        given = func.json_to_recordset(bindparam(f"rows_{number}", type_=JSON))
        typed = (column(name, self.table.c[name].type) for name in self.columns)
        records = given.table_valued(*typed, name="records").render_derived(with_types=True)
        query = select(*records.c) if condition is None else select(*records.c).where(condition)
        if self.unless_there:
            return upsert(self.table).from_select(self.columns, query).on_conflict_do_nothing()
        return insert(self.table).from_select(self.columns, query)


@dataclass(frozen=True)
class _ChangedShape:
    table: Table
    values: tuple[str, ...]
    added: tuple[str, ...]
    where: tuple[str, ...]

    def statement(self, number: int, condition: ColumnElement[bool] | None = None) -> Update:
        columns = self.table.c
        become = {name: self._parameter("set", name, number) for name in self.values}
        become |= {name: columns[name] + self._parameter("add", name, number) for name in self.added}
        conditions = [columns[name] == self._parameter("where", name, number) for name in self.where]
        if condition is not None:
            conditions.append(condition)
        return update(self.table).where(columns.id == bindparam(f"id_{number}"), *conditions).values(become)

    def _parameter(self, role: str, name: str, number: int) -> Any:
        return bindparam(f"{role}_{name}_{number}", type_=self.table.c[name].type)


_Shape = _RowsShape | _ChangedShape


def _parameters(writes: Sequence[Write]) -> dict[str, Any]:
    """Writes are numbered by position, as in the statement's text."""
    return {name: value for number, each in enumerate(writes) for name, value in each.parameters(number).items()}


@cache
def _together(shapes: tuple[_Shape, ...]) -> _Statement:
    """The number of shapes is bounded: one for each kind of step, some tens."""
    *others, last = (shape.statement(number) for number, shape in enumerate(shapes))
    return last.add_cte(*(other.cte(f"write_{number}") for number, other in enumerate(others)))


@cache
def _together_if(first: _Shape, rest: tuple[_Shape, ...]) -> Select[Any]:
    touched = first.statement(0).returning(first.table.c.id).cte("touched")
    condition = exists(select(touched.c.id))
    others = (shape.statement(number, condition) for number, shape in enumerate(rest, 1))
    return select(touched.c.id).add_cte(*(other.cte(f"write_{number}") for number, other in enumerate(others, 1)))
