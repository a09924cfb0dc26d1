"""One mapping between rows and classes: a column and a field with the same name have the same value.

A class is a dataclass of `clearway.domain` or a resource. Enums are text in the database; everything else is as it is.
Resources validate their own fields, so values are passed unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel
from sqlalchemy import Row, Table

Kind = TypeVar("Kind")


class Mapped(Generic[Kind]):
    """A class and the table columns of its fields.

    renamed: fields whose column has another name. without: fields that are not the column of their name.
    """

    def __init__(
        self,
        kind: type[Kind],
        table: Table,
        *,
        renamed: Mapping[str, str] | None = None,
        without: Collection[str] = (),
    ) -> None:
        other = renamed or {}
        columns = {name: other.get(name, name) for name in _fields(kind) if name not in without}
        self._kind = kind
        self._column_of = {name: column for name, column in columns.items() if column in table.c}
        self._enums = {name: enum for name, enum in _enums(kind).items() if name in self._column_of}
        self._read = attrgetter(*self._column_of.values())

    def values(self, row: Row[Any] | SimpleNamespace) -> dict[str, Any]:
        """Return the values of the class's fields in a row."""
        found = dict(zip(self._column_of, self._read(row), strict=True))
        for name, enum in self._enums.items():
            found[name] = enum(found[name])
        return found

    def read(self, row: Row[Any] | SimpleNamespace, **more: Any) -> Kind:
        """Make an instance from a row; more: fields that the row does not have."""
        return self._kind(**self.values(row), **more)

    def columns(self, instance: Kind, names: Collection[str] | None = None) -> dict[str, Any]:
        """Return the columns of an instance; names: only of these fields."""
        wanted = self._column_of if names is None else {name: self._column_of[name] for name in names}
        return {column: _plain(getattr(instance, name)) for name, column in wanted.items()}


def _fields(kind: type[Any]) -> list[str]:
    if is_dataclass(kind):
        return [field.name for field in fields(kind)]
    assert issubclass(kind, BaseModel), f"{kind.__name__} is neither a dataclass nor a resource"
    return list(kind.model_fields)


def _enums(kind: type[Any]) -> dict[str, type[StrEnum]]:
    if not is_dataclass(kind):
        return {}
    hints = get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, StrEnum)}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value
