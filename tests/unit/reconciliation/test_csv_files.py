"""Settlement files: read whole or refused with the number of the row; nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.settlement import BalanceKind
from clearway.reconciliation import csv_files
from clearway.reconciliation.csv_files import ColumnMap, FileInvalidError, Target, read

COLUMNS = ColumnMap(
    date="Date",
    gross="Gross",
    currency="Cur",
    gateway_id="Id",
    our_id="Order",
    fee="Fee",
    net="Net",
    kind="Type",
    kinds={"sale": BalanceKind.CHARGE, "return": BalanceKind.REFUND},
)
HEADER = "Id,Date,Order,Gross,Fee,Net,Cur,Type\n"
GOOD = "tx1,2026-11-25T10:00:00+04:00,pay_1:authorise:1,100.00,3.20,96.80,USD,sale\n"


def problems_of(row: str, columns: ColumnMap = COLUMNS) -> list[tuple[int, str]]:
    """Return what is wrong with a row after a good one."""
    found = read(HEADER + GOOD + row, Target.BALANCE_ROWS, columns)
    return [(each.row, each.message) for each in found.problems]


def test_a_file_is_read_by_its_column_map() -> None:
    """Columns are found by name, amounts become minor units, and times UTC."""
    (row,) = read(HEADER + GOOD, Target.BALANCE_ROWS, COLUMNS).rows
    assert (row.id, row.kind, row.gross_minor, row.fee_minor, row.net_minor, row.currency) == (
        "tx1", BalanceKind.CHARGE, 10_000, 320, 9_680, "USD"
    )  # fmt: skip
    assert (row.key, row.created_at) == ("pay_1:authorise:1", datetime(2026, 11, 25, 6, tzinfo=UTC))


def test_other_ways_to_write_numbers_and_dates() -> None:
    """A decimal comma, a day-first date in a time zone, semicolons, a byte order mark and quotes are read."""
    columns = ColumnMap(
        date="Datum", gross="Betrag", currency="W", our_id="Nr", decimal_separator=",", delimiter=";",
        date_format="%d.%m.%Y %H:%M", time_zone="Asia/Yerevan",
    )  # fmt: skip
    content = '\N{ZERO WIDTH NO-BREAK SPACE}Datum;Betrag;W;Nr\n25.11.2026 04:00;"1.234,5";USD;rfnd_1\n'
    (row,) = read(content, Target.BALANCE_ROWS, columns).rows
    assert (row.gross_minor, row.created_at, row.key) == (
        123_450,
        datetime(2026, 11, 25, tzinfo=UTC),
        "rfnd_1:refund:1",
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("tx2,2026-13-01,,1.00,0,1.00,USD,sale\n", "not a date"),
        ("tx2,2026-11-25,,1.005,0,1.005,USD,sale\n", "more decimals"),
        ("tx2,2026-11-25,,NaN,0,1.00,USD,sale\n", "not a number"),
        ("tx2,2026-11-25,,1e5,0,1.00,USD,sale\n", "not a number"),
        ("tx2,2026-11-25,,1.00,0,0.90,USD,sale\n", "gross less fee"),
        ("tx2,2026-11-25,,1.00,0,1.00,XXX,sale\n", "not a currency"),
        ("tx2,2026-11-25,,1.00,0,1.00,USD,gift\n", "map it"),
        ("\"=cmd|' /C calc'!A0\",2026-11-25,,1.00,0,1.00,USD,sale\n", "formula"),
        ("@SUM(1),2026-11-25,,1.00,0,1.00,USD,sale\n", "formula"),
        ("tx1,2026-11-25,,1.00,0,1.00,USD,sale\n", "same id as row 2"),
        (f"{'x' * 300},2026-11-25,,1.00,0,1.00,USD,sale\n", "longer"),
        ("tx2,2026-11-25,,99999999999999999999,0,1.00,USD,sale\n", "too large"),
    ],
)
def test_a_bad_row_is_named(row: str, words: str) -> None:
    """Each problem names its row, and what is wrong with it."""
    ((number, message),) = problems_of(row)
    assert number == 3
    assert words in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("Id,Date\n", "does not have"),
        (HEADER.replace("Fee", "Id"), "exactly one column"),
        (HEADER + "tx1,2026-11-25,only,three\n", "row 2 has 4 columns"),
        (HEADER + 'tx1,"never closed\n', "not valid CSV"),
        (HEADER + "tx1\x00", "NUL"),
    ],
)
def test_what_is_no_such_file_is_refused(content: str, words: str) -> None:
    """A file that cannot be read at all is refused as a whole."""
    with pytest.raises(FileInvalidError, match=words):
        read(content, Target.BALANCE_ROWS, COLUMNS)


def test_a_huge_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with too many rows is refused before it is read to its end."""
    monkeypatch.setattr(csv_files, "ROWS_MAX", 2)
    rows = "".join(GOOD.replace("tx1", f"tx{number}") for number in range(3))
    with pytest.raises(FileInvalidError, match="more than 2 rows"):
        read(HEADER + rows, Target.BALANCE_ROWS, COLUMNS)


def test_a_row_without_an_id_is_known_by_its_values() -> None:
    """Equal rows of two files are one row; a row that differs in anything is another."""
    columns = ColumnMap(date="Date", gross="Gross", currency="Cur")
    ids = [
        read(f"Date,Gross,Cur\n{values}\n", Target.BALANCE_ROWS, columns).rows[0].id
        for values in ("2026-11-25,1.00,USD", "2026-11-25,1.00,USD", "2026-11-25,1.01,USD")
    ]
    assert ids[0] == ids[1] != ids[2]


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text is read, or refused as FileInvalidError."""
    try:
        found = read(HEADER + text, Target.BALANCE_ROWS, COLUMNS)
    except FileInvalidError:
        return
    assert all(row.net_minor == row.gross_minor - row.fee_minor for row in found.rows)
