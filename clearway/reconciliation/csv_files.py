"""Read balance rows and bank lines from a CSV file by a declared column map. Pure.

A file is read whole or refused: the first problems are returned with the number of their row, and nothing is guessed. A
value that a spreadsheet would run as a formula is refused, because people open exports in one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from clearway.domain.limits import GATEWAY_IDENTIFIER_LENGTH_MAX, SETTLED_MINOR_MAX
from clearway.domain.money import CurrencyUnknownError, exponent
from clearway.domain.settlement import BalanceKind
from clearway.domain.text import is_storable
from clearway.gateways.contract import AnswerUnreadableError, BalanceRow

ROWS_MAX: Final = 5_000
FIELD_LENGTH_MAX: Final = 1_000
PROBLEMS_MAX: Final = 20
FIRST_ROW: Final = 2
"""The first line is the header."""
_FORMULA: Final = re.compile(r"[=@]|[+-](?![\d.,]+$)|[\t\r]")
_NUMBER: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?|[+-]?\d+(\.\d+)?"),
    ",": re.compile(r"[+-]?\d{1,3}([. ]\d{3})+(,\d+)?|[+-]?\d+(,\d+)?"),
}
_ISO: Final = "iso"


class Target(StrEnum):
    """What a file contains."""

    BALANCE_ROWS = "balance_rows"
    BANK_LINES = "bank_lines"


class FileInvalidError(ValueError):
    """The file cannot be read at all; str(error) says why."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which column has what, by the names in the header; and how numbers and dates are written.

    our_id: our operation key, or payment or refund id. kinds: words of the file, each with a kind; without a kind
    column every row is a charge, or a refund when its amount is negative. date_format: as strptime has it, or `iso`.
    """

    date: str
    gross: str
    currency: str
    gateway_id: str | None = None
    our_id: str | None = None
    fee: str | None = None
    net: str | None = None
    kind: str | None = None
    source: str | None = None
    kinds: Mapping[str, BalanceKind] = field(default_factory=dict)
    decimal_separator: str = "."
    date_format: str = _ISO
    time_zone: str = "UTC"
    delimiter: str = ","
    amounts_in_minor_units: bool = False

    @property
    def named(self) -> dict[str, str]:
        """The columns that the file must have, by what they are."""
        names = ("date", "gross", "currency", "gateway_id", "our_id", "fee", "net", "kind", "source")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclass(frozen=True, slots=True)
class BankLine:
    """One line of the bank account."""

    id: str
    amount_minor: int
    currency: str
    reference: str | None
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row."""

    row: int
    message: str


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The rows of a file, and what is wrong with it. digest: of its bytes."""

    digest: str
    rows: tuple[BalanceRow, ...] = ()
    lines: tuple[BankLine, ...] = ()
    problems: tuple[Problem, ...] = ()


def read(content: str, target: Target, columns: ColumnMap, *, first_row: int = FIRST_ROW) -> ReadFile:
    """Read a file. first_row: the number of its first row after the header. Raises FileInvalidError."""
    text = content.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    if not text.strip():
        raise FileInvalidError("the file is empty")
    if "\x00" in text:
        raise FileInvalidError("the file has a NUL character: it is not a CSV file, or not UTF-8")
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    rows: list[BalanceRow] = []
    lines: list[BankLine] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for number, values in _records(text, columns, first_row):
        try:
            made: BalanceRow | BankLine
            made = _balance_row(values, columns) if target is Target.BALANCE_ROWS else _bank_line(values, columns)
            if made.id in seen:
                raise FileInvalidError(f"it has the same id as row {seen[made.id]}: {made.id}")  # noqa: TRY301
        except (FileInvalidError, AnswerUnreadableError) as error:
            problems.append(Problem(number, str(error)))
            if len(problems) >= PROBLEMS_MAX:
                break
            continue
        seen[made.id] = number
        rows += [made] if isinstance(made, BalanceRow) else []
        lines += [made] if isinstance(made, BankLine) else []
    return ReadFile(digest, tuple(rows), tuple(lines), tuple(problems))


def _records(text: str, columns: ColumnMap, first_row: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows by what their columns are. Raises FileInvalidError for a file without these columns."""
    reader = csv.reader(io.StringIO(text), delimiter=columns.delimiter, strict=True)
    places: dict[str, int] | None = None
    width, number = 0, first_row - 1
    try:
        for record in reader:
            if places is None:
                places, width = _places(record, columns), len(record)
                continue
            number += 1
            if number - first_row >= ROWS_MAX:
                raise FileInvalidError(f"the file has more than {ROWS_MAX} rows: split it")
            if not any(record):
                continue
            if len(record) != width:
                raise FileInvalidError(f"row {number} has {len(record)} columns, and the header has {width}")
            yield number, {name: record[place].strip() for name, place in places.items()}
    except csv.Error as error:
        raise FileInvalidError(f"row {number + 1} is not valid CSV: {error}") from None


def _places(header: Sequence[str], columns: ColumnMap) -> dict[str, int]:
    names = [name.strip() for name in header]
    missing = sorted({column for column in columns.named.values() if names.count(column) != 1})
    if missing:
        raise FileInvalidError(
            f"the header does not have exactly one column {', '.join(map(repr, missing))}; "
            f"it has: {', '.join(names)[:300]}"
        )
    return {what: names.index(column) for what, column in columns.named.items()}


def _balance_row(values: Mapping[str, str], columns: ColumnMap) -> BalanceRow:
    currency = _currency(values)
    gross = _amount(values, "gross", currency, columns)
    fee = _amount(values, "fee", currency, columns) if values.get("fee") else 0
    if columns.net is not None:
        net = _amount(values, "net", currency, columns)
        if columns.fee is None:
            fee = gross - net
        elif net != gross - fee:
            raise FileInvalidError(f"net is {net}, and gross less fee is {gross - fee}, in minor units")
    ours = _text(values, "our_id")
    kind = _kind(values, gross, columns)
    at = _moment(values, columns)
    own = _text(values, "gateway_id")
    return BalanceRow(
        id=own or _derived_id(values),
        kind=kind,
        currency=currency,
        gross_minor=gross,
        fee_minor=fee,
        created_at=at,
        source=_text(values, "source") or own,
        payment_reference=_text(values, "source") or own,
        key=ours if ours and ":" in ours else f"{ours}:refund:1" if ours and ours.startswith("rfnd_") else ours,
        payment_id=ours if ours and ours.startswith("pay_") and ":" not in ours else None,
    )


def _bank_line(values: Mapping[str, str], columns: ColumnMap) -> BankLine:
    currency = _currency(values)
    amount = _amount(values, "gross", currency, columns)
    reference = _text(values, "source") or _text(values, "our_id")
    return BankLine(
        _text(values, "gateway_id") or _derived_id(values), amount, currency, reference, _moment(values, columns)
    )


def _derived_id(values: Mapping[str, str]) -> str:
    """Return an id for a row without one: rows that are equal in every column are the same row."""
    equal = "\n".join(f"{name}={value}" for name, value in sorted(values.items()))
    return f"csv_{hashlib.sha256(equal.encode()).hexdigest()[:32]}"


def _kind(values: Mapping[str, str], gross: int, columns: ColumnMap) -> BalanceKind:
    word = values.get("kind")
    if word is None:
        return BalanceKind.CHARGE if gross >= 0 else BalanceKind.REFUND
    known: dict[str, Any] = {each.value: each for each in BalanceKind} | dict(columns.kinds)
    if word not in known:
        raise FileInvalidError(f"the kind {word[:40]!r} is not known; map it in `kinds`")
    return BalanceKind(known[word])


def _text(values: Mapping[str, str], name: str) -> str | None:
    value = values.get(name)
    if not value:
        return None
    if _FORMULA.match(value):
        raise FileInvalidError(f"{name} begins like a formula ({value[:20]!r}): it is not an id")
    if not is_storable(value, GATEWAY_IDENTIFIER_LENGTH_MAX):
        raise FileInvalidError(f"{name} is longer than {GATEWAY_IDENTIFIER_LENGTH_MAX} characters, or cannot be stored")
    return value


def _currency(values: Mapping[str, str]) -> str:
    currency = values["currency"]
    try:
        exponent(currency)
    except CurrencyUnknownError:
        raise FileInvalidError(f"{currency[:10]!r} is not a currency such as USD") from None
    return currency


def _amount(values: Mapping[str, str], name: str, currency: str, columns: ColumnMap) -> int:
    given = values[name]
    pattern = _NUMBER[columns.decimal_separator]
    if len(given) > FIELD_LENGTH_MAX or not pattern.fullmatch(given):
        raise FileInvalidError(
            f"{name} is not a number with {columns.decimal_separator!r} before its decimals: {given[:30]!r}"
        )
    thousands = "," if columns.decimal_separator == "." else "."
    plain = given.replace(thousands, "").replace(" ", "").replace(columns.decimal_separator, ".")
    value = Decimal(plain) if columns.amounts_in_minor_units else Decimal(plain).scaleb(exponent(currency))
    if value != value.to_integral_value() or abs(value) > SETTLED_MINOR_MAX:
        raise FileInvalidError(f"{name} has more decimals than {currency} has, or is too large: {given[:30]!r}")
    return int(value)


def _moment(values: Mapping[str, str], columns: ColumnMap) -> datetime:
    given = values["date"]
    try:
        if columns.date_format == _ISO:
            moment = datetime.fromisoformat(given)
        else:
            moment = datetime.strptime(given, columns.date_format)  # noqa: DTZ007 - the zone follows
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(columns.time_zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FileInvalidError(f"{given[:30]!r} is not a date in the format {columns.date_format!r}") from None
