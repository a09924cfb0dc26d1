"""Shared parts of the tables: the metadata with its naming rule, and kinds of columns and conditions."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, DateTime, MetaData, TextClause, collate, func, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SEALED: Final = {"sealed": True}
"""`info` of a column whose values, or some of them, are encrypted: `clearway reencrypt` rewrites them."""


def one_of(column: str, values: type[StrEnum] | frozenset[Any]) -> str:
    """Return the condition that a column holds one of these values."""
    listed = ", ".join(f"'{value.value}'" for value in sorted(values))
    return f"{column} IN ({listed})"


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    """Return a timestamp column. A required one defaults to the time of the insert."""
    if nullable:
        return Column(name, DateTime(timezone=True))
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def search_key(stored_or_sought: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the search form of a text: no blanks at either end, ASCII letters in lower case.

    The database computes it for the stored text (in an index) and for the search term, so the two cannot differ. The
    collation keeps it from depending on the language of the database.
    """
    return func.lower(collate(func.btrim(stored_or_sought), "C"))


def search_key_sql(stored: str) -> TextClause:
    """Return the same for an index, in SQL: Alembic compares indexes by their text."""
    return text(f'lower(btrim({stored}) COLLATE "C")')
