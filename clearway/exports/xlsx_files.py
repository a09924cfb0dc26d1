"""XLSX as a temporary file: rows go to disk as they come, and no cell is a formula or a link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from clearway.exports.columns import Table

ROWS_MAX: Final = 100_000
"""A sheet holds 1,048,576 rows; this many take a minute and a dozen megabytes of disk. CSV has no limit."""
CHUNK: Final = 64 * 1024
OPTIONS: Final = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
CELL_LENGTH_MAX: Final = 32_767
"""Of Excel; the library would leave out a longer text."""


class ExportTooLargeError(Exception):
    """The list has more rows than a file of this kind may have."""


class XlsxFile:
    """A finished file, which is deleted when it was read or `discard` is called."""

    def __init__(self, folder: TemporaryDirectory[str], path: Path) -> None:
        self._folder = folder
        self._path = path

    async def chunks(self) -> AsyncIterator[bytes]:
        """Return the file's bytes."""
        try:
            with await asyncio.to_thread(self._path.open, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk
        finally:
            self.discard()

    def discard(self) -> None:
        """Delete the file."""
        self._folder.cleanup()


async def write_xlsx(table: Table[Any]) -> XlsxFile:
    """Write all rows to a file. Raises ExportTooLargeError."""
    folder = TemporaryDirectory(prefix="clearway-export-")
    path = Path(folder.name) / "export.xlsx"
    try:
        await _write(table, path, folder.name)
    except BaseException:
        folder.cleanup()
        raise
    return XlsxFile(folder, path)


async def _write(table: Table[Any], path: Path, folder: str) -> None:
    book = Workbook(str(path), {**OPTIONS, "tmpdir": folder})
    try:
        sheet = book.add_worksheet(table.name[:31])
        bold = book.add_format({"bold": True})
        for place, column in enumerate(table.columns):
            sheet.write_string(0, place, column.name, bold)
        sheet.freeze_panes(1, 0)
        await _write_pages(sheet, table)
    finally:
        # It compresses the rows, which would keep other requests waiting here.
        await asyncio.to_thread(book.close)


async def _write_pages(sheet: Worksheet, table: Table[Any]) -> None:
    written = 0
    async for items in table.pages:
        if written + len(items) > ROWS_MAX:
            raise ExportTooLargeError
        await asyncio.to_thread(_write_page, sheet, table, items, written + 1)
        written += len(items)


def _write_page(sheet: Worksheet, table: Table[Any], items: Sequence[Any], first: int) -> None:
    for row, item in enumerate(items, first):
        for place, column in enumerate(table.columns):
            value = table.written(item, column)
            if isinstance(value, int) or (column.decimal and value):
                sheet.write_number(row, place, float(value) if isinstance(value, str) else value)
            elif value:
                sheet.write_string(row, place, value[:CELL_LENGTH_MAX])
