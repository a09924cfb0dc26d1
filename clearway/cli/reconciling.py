"""`clearway reconcile`: compare a period with what a gateway reports, and close what differs."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.json_files import read_json
from clearway.cli.merchant_api import IdempotencyKey, Limit, MerchantApi
from clearway.cli.output import coloured, plain, table
from clearway.cli.problems import CommandError

WAIT_S: Final = 600.0
POLL_S: Final = 0.5
FILE_BYTES_MAX: Final = 50_000_000
PART_BYTES_MAX: Final = 48_000
"""A part of a file in one request: the API takes 64 KiB, and JSON needs some of it."""
PROBLEMS_SHOWN: Final = 20

reconcile: Final = typer.Typer(
    help="Reconciliation: compare what gateways report with the record, and close what differs.", no_args_is_help=True
)

Gateway = Annotated[str, typer.Argument(metavar="GATEWAY", help="The id of a gateway, gw_…")]
OnlyGateway = Annotated[
    str | None, typer.Option("--gateway", metavar="GATEWAY", help="Only of this gateway.", show_default=False)
]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="The id of a difference, rci_…")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(reconcile, name="reconcile", rich_help_panel="Look and act")


@reconcile.command("run")
@asks_api
@shows_result
def run(
    api: MerchantApi,
    gateway: Gateway,
    *,
    date: Annotated[str | None, typer.Option(help="A day in the gateway's time zone: 2026-11-25.")] = None,
    since: Annotated[str | None, typer.Option(help="Begin of a period, RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option(help="End of the period, exclusive.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it has ended.")] = True,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Compare a day or a period. It is harmless to compare it again."""
    period = {"date": date, "since": since, "until": until}
    body = {"gateway_id": gateway} | {name: value for name, value in period.items() if value is not None}
    found = api.post("/reconciliations", body, idempotency_key=idempotency_key)
    if wait:
        found = _ended(api, found)
    failed = found["status"] == "failed"
    error = CommandError(f"The reconciliation failed: {found['failure']}") if failed else None
    return Result(found, *_shown(found), error=error)


@reconcile.command("list")
@asks_api
@shows_result
def list_runs(api: MerchantApi, *, gateway: OnlyGateway = None, limit: Limit = 20) -> Result:
    """List reconciliations, newest first."""
    found = api.all("/reconciliations", limit=limit, gateway_id=gateway)
    rows = table("id", "gateway", "since", "until", "status", "compared", "open items")
    for item in found:
        opened = str(sum(each["open"] for each in item["found"]))
        compared = str(item["counts"].get("compared", 0))
        period = (item["since"][:16], item["until"][:16])
        rows.add_row(item["id"], item["gateway_id"], *period, coloured(item["status"]), compared, opened)
    return Result(found, rows if found else "No reconciliations.")


@reconcile.command("show")
@asks_api
@shows_result
def show(
    api: MerchantApi, reconciliation: Annotated[str, typer.Argument(metavar="RECONCILIATION", help="rcn_…")]
) -> Result:
    """Show a reconciliation: what it compared and found."""
    found = api.get(f"/reconciliations/{reconciliation}")
    return Result(found, *_shown(found))


@reconcile.command("items")
@asks_api
@shows_result
def list_items(
    api: MerchantApi,
    *,
    state: Annotated[
        str | None, typer.Option(help="open, explained, corrected, written_off; all: every one.")
    ] = "open",
    kind: Annotated[str | None, typer.Option(help="Only this kind.", show_default=False)] = None,
    gateway: OnlyGateway = None,
    limit: Limit = 100,
) -> Result:
    """List differences, newest first."""
    wanted = {"state": None if state == "all" else state, "kind": kind, "gateway_id": gateway}
    found = api.all("/reconciliations/items", limit=limit, **wanted)
    rows = table("id", "kind", "severity", "state", "at risk", "about")
    for item in found:
        about = item["refund_id"] or item["payment_id"] or item["reference"] or ""
        risk = f"{item['at_risk']} {item['currency'] or ''}".strip()
        rows.add_row(item["id"], plain(item["kind"]), item["severity"], coloured(item["state"]), risk, plain(about))
    return Result(found, rows if found else "Nothing differs.")


@reconcile.command("item")
@asks_api
@shows_result
def show_item(api: MerchantApi, item: Item) -> Result:
    """Show a difference as JSON: what it means, and what to do next."""
    return Result(api.get(f"/reconciliations/items/{item}"))


@reconcile.command("resolve")
@asks_api
@shows_result
def resolve(
    api: MerchantApi,
    item: Item,
    outcome: Annotated[str, typer.Argument(help="explained, corrected or written_off.")],
    *,
    reason: Annotated[str, typer.Option(help="What you found out. It is stored.")],
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Close a difference. `written_off` books it in the ledger; payments and refunds do not change."""
    body = {"outcome": outcome, "reason": reason}
    found = api.post(f"/reconciliations/items/{item}/resolve", body, idempotency_key=idempotency_key)
    return Result(found, f"{found['id']} is {found['state']}.")


@reconcile.command("import")
@asks_api
@shows_result
def import_file(
    api: MerchantApi,
    gateway: Gateway,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a header, in UTF-8.", dir_okay=False)],
    columns: Annotated[Path, typer.Option(help="The column map as JSON: see docs/reconciliation.md.", dir_okay=False)],
    *,
    bank: Annotated[bool, typer.Option("--bank", help="The file has lines of the bank account.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the first rows and the problems only.")] = False,
) -> Result:
    """Import a settlement file. All of it is checked first; the same file twice changes nothing."""
    named = read_json(columns)
    body = {"gateway_id": gateway, "target": "bank_lines" if bank else "balance_rows", "columns": named}
    parts = list(_parts(file, str(named.get("delimiter", ","))))
    checked = [
        api.post("/reconciliations/imports", body | {"content": text, "first_row": row, "dry_run": True})
        for row, text in parts
    ]
    problems = [each for part in checked for each in part["problems"]]
    if problems:
        lines = [f"Row {each['row']}: {plain(each['message'])}." for each in problems[:PROBLEMS_SHOWN]]
        error = CommandError("The file has problems. Nothing was imported.")
        return Result({"imported": False, "problems": problems}, *lines, error=error)
    if dry_run:
        first = checked[0]["first"]
        return Result({"imported": False, "problems": [], "first": first}, _first_rows(first))
    done = [api.post("/reconciliations/imports", body | {"content": text, "first_row": row}) for row, text in parts]
    rows, added = sum(each["rows"] for each in done), sum(each["added"] for each in done if not each["repeated"])
    return Result({"imported": True, "rows": rows, "added": added}, f"{rows} rows were read, and {added} are new.")


def _parts(file: Path, delimiter: str) -> Iterator[tuple[int, str]]:
    """Yield the file in parts that the API takes, each with the header and the number of its first row."""
    if file.stat().st_size > FILE_BYTES_MAX:
        raise CommandError(f"{file} is larger than {FILE_BYTES_MAX // 1_000_000} MB. Split it.")
    try:
        records = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig")), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{file} is not a CSV file in UTF-8: {error}.") from None
    if not records:
        raise CommandError(f"{file} is empty.")
    header, number, part = _line(records[0], delimiter), 2, ""
    for row, record in enumerate(records[1:], 2):
        line = _line(record, delimiter)
        if part and len((header + part + line).encode()) > PART_BYTES_MAX:
            yield number, header + part
            number, part = row, ""
        part += line
    yield number, header + part


def _line(record: list[str], delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(record)
    return text.getvalue()


def _first_rows(rows: list[dict[str, Any]]) -> RenderableType:
    shown = table("id", "kind", "amount", "fee", "at")
    for each in rows:
        amount = f"{each['amount']} {each['currency']}"
        shown.add_row(plain(each["id"]), each["kind"] or "", amount, str(each["fee"]), each["at"])
    return shown


def _ended(api: MerchantApi, found: dict[str, Any]) -> dict[str, Any]:
    give_up_at = time.monotonic() + WAIT_S
    while found["status"] == "running" and time.monotonic() < give_up_at:
        time.sleep(POLL_S)
        found = api.get(f"/reconciliations/{found['id']}")
    return found


def _shown(found: dict[str, Any]) -> Iterator[RenderableType]:
    yield f"{found['id']} of {found['gateway_id']} is {found['status']} ({found['step']})."
    for name, count in sorted(found["counts"].items()):
        yield f"  {name.replace('_', ' ')}: {count}"
    if not found["found"]:
        return
    rows = table("kind", "open", "at risk")
    for each in found["found"]:
        rows.add_row(plain(each["kind"]), str(each["open"]), f"{each['at_risk']} {each['currency'] or ''}".strip())
    yield rows
