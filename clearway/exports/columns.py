"""Columns of exports, and how values are written so that programs and spreadsheets read them alike.

A spreadsheet runs a cell that begins like a formula. Text of customers may do so, so `defused` puts an apostrophe
before it (OWASP, CSV Injection). Numbers and dates are Clearway's own and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from clearway.db.pages import PageRequest, Rows
from clearway.domain.money import exponent

Item = TypeVar("Item")
Value = str | int | datetime | None
ROWS_AT_ONCE: Final = 500
"""Small enough that writing a page does not keep other requests of the process waiting."""
FORMULA: Final = re.compile("^[=+\\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")
"""What begins a formula: OWASP's list, and the full-width signs that spreadsheets take for these."""
UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Column(Generic[Item]):
    """A column. own: its texts are made by Clearway, so they are no formulas. decimal: a number as people write it."""

    name: str
    read: Callable[[Item], Value]
    own: bool = False
    decimal: bool = False


@dataclass(frozen=True, slots=True)
class Table(Generic[Item]):
    """What is exported: columns, and the pages of items."""

    name: str
    columns: Sequence[Column[Item]]
    pages: AsyncIterator[Sequence[Item]]
    zone: ZoneInfo = UTC

    def written(self, item: Item, column: Column[Item]) -> str | int:
        """Return a value as it is written: dates in ISO 8601 with the offset of the zone."""
        value = column.read(item)
        if isinstance(value, datetime):
            return value.astimezone(self.zone).isoformat(timespec="seconds")
        return "" if value is None else value


async def pages_of(
    read: Callable[[PageRequest], Awaitable[Rows]], item_of: Callable[[Any], Item]
) -> AsyncIterator[Sequence[Item]]:
    """Read a list to its end, page after page, newest first. What is added meanwhile neither repeats nor hides rows."""
    after: str | None = None
    while True:
        found = await read(PageRequest(ROWS_AT_ONCE, after))
        yield [item_of(row) for row in found.rows]
        if found.next_cursor is None:
            return
        after = found.next_cursor


def defused(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def decimal(amount_minor: int, currency: str) -> str:
    """Return an amount as a decimal number: `500.00`, `500` for JPY, `0.500` for KWD."""
    digits = exponent(currency)
    if not digits:
        return str(amount_minor)
    whole, fraction = divmod(abs(amount_minor), 10**digits)
    return f"{'-' if amount_minor < 0 else ''}{whole}.{fraction:0{digits}d}"
