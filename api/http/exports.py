"""Answers that are files of a list. The first page is read before the answer begins, so a refusal is a problem."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from api.http.fields import TimeZone
from clearway.domain.errors import UnprocessableError
from clearway.exports.columns import Table
from clearway.exports.csv_files import csv_stream
from clearway.exports.xlsx_files import ROWS_MAX, ExportTooLargeError, write_xlsx

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ExportFormat(StrEnum):
    """What kind of file."""

    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class FileChoice:
    """How a file is written."""

    format: ExportFormat
    bom: bool
    zone: ZoneInfo


async def file_choice(
    *,
    format: Annotated[ExportFormat, Query(description="`xlsx` has at most 100,000 rows, `csv` any number.")] =  # noqa: A002
    ExportFormat.CSV,
    bom: Annotated[bool, Query(description="Begin the CSV with a byte order mark, which Excel needs.")] = False,
    time_zone: Annotated[TimeZone, Query(description="Times are written with the offset of this zone.")] = "UTC",
) -> FileChoice:
    """Read how the file is to be written."""
    return FileChoice(format, bom, ZoneInfo(time_zone))


async def file_response(table: Table[Any], chosen: FileChoice) -> Response:
    """Return the answer. Raises what reading the first page raises, and UnprocessableError for too many rows."""
    pages = aiter(table.pages)
    first = await anext(pages)
    table = replace(table, pages=_beginning_with(first, pages), zone=chosen.zone)
    name = f"{table.name}-{datetime.now(UTC):%Y-%m-%d}.{chosen.format.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if chosen.format is ExportFormat.CSV:
        return StreamingResponse(csv_stream(table, bom=chosen.bom), headers=headers, media_type="text/csv")
    try:
        file = await write_xlsx(table)
    except ExportTooLargeError:
        detail = (
            f"An XLSX file has at most {ROWS_MAX:,} rows. Nothing was written. Use `format=csv`, or filter the list."
        )
        raise UnprocessableError("export_too_large", detail) from None
    return StreamingResponse(file.chunks(), headers=headers, media_type=XLSX)


async def _beginning_with(first: Sequence[Any], rest: AsyncIterator[Sequence[Any]]) -> AsyncIterator[Sequence[Any]]:
    yield first
    async for page in rest:
        yield page
