"""Lists as files: the same rows as the list, no formulas, amounts and dates that programs read, flat memory."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import audit_log
from clearway.exports import columns, xlsx_files
from clearway.exports.columns import Column, Table, decimal, defused
from clearway.exports.csv_files import csv_stream
from clearway.exports.xlsx_files import ExportTooLargeError, write_xlsx
from tests.services.api.conftest import Caller, NewCaller, Payer, client_of

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\uff1d1+1"]
HARMLESS = ["", "Ada", "a=1", " =1", "1-2", "'=1", 'say "hi", twice\nand more']


def read_csv(content: str) -> list[dict[str, str]]:
    """Read a file as a program does."""
    return list(csv.DictReader(io.StringIO(content, newline="")))


def exists(path: str | Path) -> bool:
    """Return whether a file or folder is there."""
    return Path(path).exists()


async def pages(*rows: Any) -> AsyncIterator[Sequence[Any]]:
    """Return one page."""
    yield rows


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_begins_like_a_formula_is_defused(text: str) -> None:
    """An apostrophe comes before it, and nothing of it is lost."""
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    """Only the beginning decides."""
    assert defused(text) == text


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [(50_000, "INR", "500.00"), (5, "INR", "0.05"), (500, "JPY", "500"), (500, "KWD", "0.500"), (-150, "EUR", "-1.50")],
)
def test_amounts_are_decimal_numbers(minor: int, currency: str, written: str) -> None:
    """The currency's own digits, a point, and no separators."""
    assert decimal(minor, currency) == written


async def test_a_csv_says_which_zone_its_times_have() -> None:
    """A time has the offset of the zone that was chosen, on its own day: summer and winter differ."""
    table = Table(
        "times",
        [Column("at", lambda moment: moment)],
        pages(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), None),
        ZoneInfo("Europe/Berlin"),
    )
    content = b"".join([chunk async for chunk in csv_stream(table, bom=True)])
    assert content.decode().splitlines() == ["\ufeffat", "2026-07-01T02:00:00+02:00", "2026-12-01T01:00:00+01:00", '""']


def sheet_of(content: bytes) -> str:
    """Return the XML of the one sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


async def test_an_xlsx_has_neither_formulas_nor_links() -> None:
    """Text stays text, numbers are numbers, and the temporary file is gone when it was read."""
    table = Table(
        "orders",
        [
            Column("text", lambda row: row[0]),
            Column("amount_minor", lambda row: row[1], own=True),
            Column("amount", lambda row: row[2], own=True, decimal=True),
        ],
        pages(("=1+1", 50_000, "500.00"), ("https://evil.example", -1, "-0.01"), ("x" * 40_000, 0, "0")),
    )
    file = await write_xlsx(table)
    content = b"".join([chunk async for chunk in file.chunks()])
    sheet = sheet_of(content)
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert "<t>=1+1</t>" in sheet
    assert ["<v>50000</v>" in sheet, "<v>500</v>" in sheet, "<v>-0.01</v>" in sheet] == [True] * 3
    assert not exists(file._path)


async def test_too_many_rows_leave_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is too long is refused, and its half file is deleted."""
    monkeypatch.setattr(xlsx_files, "ROWS_MAX", 2)
    made: list[str] = []
    kept = TemporaryDirectory

    def noted(**options: Any) -> Any:
        folder = kept(**options)
        made.append(folder.name)
        return folder

    monkeypatch.setattr(xlsx_files, "TemporaryDirectory", noted)
    with pytest.raises(ExportTooLargeError):
        await write_xlsx(Table("x", [Column("x", lambda row: row)], pages("a", "b", "c")))
    assert [exists(name) for name in made] == [False]


async def test_orders_are_exported_page_after_page(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """All orders are in the file once, newest first, over several pages, with harmless receipts and exact amounts."""
    monkeypatch.setattr(columns, "ROWS_AT_ONCE", 2)
    made = [await caller.order(100 + number, receipt=text) for number, text in enumerate([*FORMULAS[:4], "r-5"])]
    answer = await caller.http.get("/exports/orders")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="orders-')
    rows = read_csv(answer.text)
    assert [row["id"] for row in rows] == made[::-1]
    assert [row["receipt"] for row in rows] == ["r-5", *(f"'{text}" for text in reversed(FORMULAS[:4]))]
    assert (rows[0]["amount_minor"], rows[0]["amount"], rows[0]["currency"]) == ("104", "1.04", "INR")
    assert datetime.fromisoformat(rows[0]["created_at"]).utcoffset() is not None


async def test_payments_are_exported_with_the_filters_of_the_list(payer: Payer) -> None:
    """The file has what the list shows with the same query, customers included; XLSX has the same rows."""
    customer = {"name": "=HYPERLINK(1)", "email": "ada@example.test"}
    wanted = await payer.payment(customer=customer)
    await payer.payment()
    query = {"customer": "ada@example.test", "status": ["success", "failed"]}
    listed = (await payer.http.get("/payments", params=query)).json()["data"]
    (row,) = read_csv((await payer.http.get("/exports/payments", params=query)).text)
    assert [row["id"]] == [each["id"] for each in listed] == [wanted["id"]]
    assert (row["customer_name"], row["customer_email"]) == ("'=HYPERLINK(1)", "ada@example.test")
    assert (row["status"], row["amount"], row["amount_captured_minor"]) == ("success", "500.00", "50000")
    book = await payer.http.get("/exports/payments", params=query | {"format": "xlsx"})
    sheet = sheet_of(book.content)
    assert wanted["id"] in sheet
    assert sheet.count("<row ") == 2


async def test_refunds_are_exported(payer: Payer) -> None:
    """A refund is a row with its payment and reason."""
    payment = await payer.payment()
    body = {"amount": 100, "reason": "-damaged"}
    made = (await payer.http.post(f"/payments/{payment['id']}/refunds", json=body)).json()
    await payer.refund_in(made["id"], "processed")
    (row,) = read_csv((await payer.http.get("/exports/refunds", params={"payment_id": payment["id"]})).text)
    assert (row["id"], row["payment_id"], row["reason"]) == (made["id"], payment["id"], "'-damaged")
    assert (row["amount_minor"], row["status"]) == ("100", "processed")


async def test_no_merchant_exports_another_s_rows_and_each_export_is_audited(
    new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """The file is the caller's own, and the audit log has who made it; the filters may name people, so they are not."""
    one, other = await new_caller(), await new_caller()
    await one.order()
    assert read_csv((await other.http.get("/exports/orders")).text) == []
    query = select(audit_log.c.action, audit_log.c.actor, audit_log.c.detail).where(audit_log.c.merchant_id == other.id)
    async with api_engine.connect() as connection:
        found = [tuple(row) for row in await connection.execute(query)]
    assert ("export.create", f"key:{other.credentials.api_key}", {"list": "orders", "format": "csv"}) in found


async def test_an_export_needs_its_own_permission(caller: Caller, app: Any) -> None:
    """A key that may read payments gets no file of them: a file leaves the house."""
    for permissions, status in ((["payments:read"], 403), (["exports:write"], 200)):
        made = (await caller.http.post("/api_keys", json={"name": "k", "permissions": permissions})).json()
        headers = {"X-Api-Key": made["id"], "X-Api-Secret": made["secret"]}
        async with client_of(app) as http:
            assert (await http.get("/exports/payments", headers=headers)).status_code == status, permissions


async def test_a_wrong_parameter_is_a_problem_and_no_file(caller: Caller) -> None:
    """What is wrong is said before the file begins."""
    for query in ({"format": "pdf"}, {"time_zone": "Mars/Base"}, {"colour": "red"}):
        answer = await caller.http.get("/exports/payments", params=query)
        assert answer.status_code == 422, query
        assert answer.headers["content-type"] == "application/problem+json"
