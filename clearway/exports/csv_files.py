"""CSV as a stream of bytes (RFC 4180): the first row leaves while later ones are not read yet."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from clearway.exports.columns import Table, defused

MARK: Final = "\ufeff"
"""Excel reads UTF-8 only with it."""


async def csv_stream(table: Table[Any], *, bom: bool = False) -> AsyncIterator[bytes]:
    """Write the header, then page after page."""
    yield ((MARK if bom else "") + _lines([[column.name for column in table.columns]])).encode()
    async for items in table.pages:
        yield _lines([_cells(table, item) for item in items]).encode()


def _cells(table: Table[Any], item: Any) -> list[str | int]:
    cells = []
    for column in table.columns:
        value = table.written(item, column)
        cells.append(value if column.own or not isinstance(value, str) else defused(value))
    return cells


def _lines(rows: Sequence[Sequence[str | int]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
