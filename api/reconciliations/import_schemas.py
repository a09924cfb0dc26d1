"""The request and answer of `POST /reconciliations/imports`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import Body, Flag, Id, PlainText, TimeZone
from clearway.domain.resources import Minor, Moment, Resource
from clearway.domain.settlement import BalanceKind
from clearway.reconciliation.csv_files import FIRST_ROW, ColumnMap, Target

CONTENT_LENGTH_MAX = 60_000
COLUMN_LENGTH_MAX = 100
KINDS_MAX = 50


Column = Annotated[PlainText, Field(min_length=1, max_length=COLUMN_LENGTH_MAX)]


class Columns(Body):
    """Which column of the header has what, and how numbers and dates are written."""

    date: Column
    gross: Annotated[Column, Field(description="The amount before the fee; of bank lines, the amount.")]
    currency: Column
    gateway_id: Annotated[Column | None, Field(description="The gateway's id of the row, unique in its files.")] = None
    our_id: Annotated[Column | None, Field(description="Clearway's payment or refund id, or its operation key.")] = None
    source: Annotated[
        Column | None,
        Field(description="The gateway's id of the payment, capture or refund; of bank lines, the text of the line."),
    ] = None
    fee: Column | None = None
    net: Column | None = None
    kind: Column | None = None
    kinds: Annotated[
        dict[Column, BalanceKind],
        Field(max_length=KINDS_MAX, description="Words of the kind column, each with the kind that it means."),
    ] = Field(default_factory=dict)
    decimal_separator: Literal[".", ","] = "."
    delimiter: Literal[",", ";", "\t", "|"] = ","
    date_format: Annotated[
        PlainText, Field(max_length=50, description="`iso`, or as strptime has it, such as `%d.%m.%Y %H:%M`.")
    ] = "iso"
    time_zone: TimeZone = "UTC"
    amounts_in_minor_units: Flag = False

    def column_map(self) -> ColumnMap:
        """Return it as the reader takes it."""
        return ColumnMap(**self.model_dump())


class SettlementImport(Body):
    """A CSV file with a header, as text. Cut a longer one into parts, each with the header."""

    gateway_id: Id
    target: Annotated[Target, Field(description="What the file contains.")]
    columns: Columns
    content: Annotated[str, Field(min_length=1, max_length=CONTENT_LENGTH_MAX)]
    dry_run: Flag = False
    first_row: Annotated[
        int,
        Field(strict=True, ge=2, le=100_000_000, description="The number of the first row, for messages about a part."),
    ] = FIRST_ROW


class FileRow(Resource):
    """A row as it was read."""

    id: str
    kind: BalanceKind | None
    amount: Minor
    fee: Minor
    currency: str
    at: Moment


class RowProblem(Resource):
    """What is wrong with a row of the file."""

    row: int
    message: str


class ImportResult(Resource):
    """What was read and stored."""

    object: Literal["settlement_import"] = "settlement_import"
    id: Annotated[str | None, Field(description="null: a dry run, nothing was stored.")] = None
    rows: Annotated[int, Field(description="Rows that were read.")]
    added: Annotated[int, Field(description="Rows that were not there before.")] = 0
    changed: Annotated[
        list[str], Field(description="Rows that an earlier file had with other values: they stay as they were.")
    ] = Field(default_factory=list)
    repeated: Annotated[bool, Field(description="The same file was imported before; nothing was stored again.")] = False
    first: list[FileRow]
    problems: list[RowProblem]
