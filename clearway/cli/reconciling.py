"""`clearway reconcile`: compare a period with what a gateway reports, and close what differs."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, IdempotencyKey, Limit, MerchantApi, open_api
from clearway.cli.output import JsonFlag, coloured, out, plain, print_json, table
from clearway.cli.problems import CommandError

WAIT_S: Final = 600.0
POLL_S: Final = 0.5

reconcile: Final = typer.Typer(
    help="Reconciliation: compare what gateways report with the record, and close what differs.", no_args_is_help=True
)

Gateway = Annotated[str, typer.Argument(metavar="GATEWAY", help="The id of a gateway, gw_…")]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="The id of a difference, rci_…")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(reconcile, name="reconcile", rich_help_panel="Look and act")


@reconcile.command("run")
def run(
    gateway: Gateway,
    *,
    date: Annotated[str | None, typer.Option(help="A day in the gateway's time zone: 2026-11-25.")] = None,
    since: Annotated[str | None, typer.Option(help="Begin of a period, RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option(help="End of the period, exclusive.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it has ended.")] = True,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Compare a day or a period. It is harmless to compare it again."""
    period = {"date": date, "since": since, "until": until}
    body = {"gateway_id": gateway} | {name: value for name, value in period.items() if value is not None}
    with open_api(api_url, api_key, api_secret) as api:
        found = api.post("/reconciliations", body, idempotency_key=idempotency_key)
        if wait:
            found = _ended(api, found)
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found["status"] == "failed":
        raise CommandError(f"The reconciliation failed: {found['failure']}")


@reconcile.command("list")
def list_runs(
    *,
    gateway: Annotated[str | None, typer.Option(help="Only of this gateway.", show_default=False)] = None,
    limit: Limit = 20,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List reconciliations, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/reconciliations", limit=limit, gateway_id=gateway)
    if as_json:
        print_json(found)
        return
    rows = table("id", "gateway", "since", "until", "status", "compared", "open items")
    for item in found:
        opened = str(sum(each["open"] for each in item["found"]))
        compared = str(item["counts"].get("compared", 0))
        period = (item["since"][:16], item["until"][:16])
        rows.add_row(item["id"], item["gateway_id"], *period, coloured(item["status"]), compared, opened)
    out().print(rows if found else "No reconciliations.")


@reconcile.command("show")
def show(
    reconciliation: Annotated[str, typer.Argument(metavar="RECONCILIATION", help="rcn_…")],
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show a reconciliation: what it compared and found."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.get(f"/reconciliations/{reconciliation}")
    if as_json:
        print_json(found)
    else:
        _show(found)


@reconcile.command("items")
def list_items(
    *,
    state: Annotated[
        str | None, typer.Option(help="open, explained, corrected, written_off; all: every one.")
    ] = "open",
    kind: Annotated[str | None, typer.Option(help="Only this kind.", show_default=False)] = None,
    gateway: Annotated[str | None, typer.Option(help="Only of this gateway.", show_default=False)] = None,
    limit: Limit = 100,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List differences, newest first."""
    wanted = {"state": None if state == "all" else state, "kind": kind, "gateway_id": gateway}
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/reconciliations/items", limit=limit, **wanted)
    if as_json:
        print_json(found)
        return
    rows = table("id", "kind", "severity", "state", "at risk", "about")
    for item in found:
        about = item["refund_id"] or item["payment_id"] or item["reference"] or ""
        risk = f"{item['at_risk']} {item['currency'] or ''}".strip()
        rows.add_row(item["id"], plain(item["kind"]), item["severity"], coloured(item["state"]), risk, plain(about))
    out().print(rows if found else "Nothing differs.")


@reconcile.command("item")
def show_item(item: Item, *, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None) -> None:
    """Show a difference as JSON: what it means, and what to do next."""
    with open_api(api_url, api_key, api_secret) as api:
        print_json(api.get(f"/reconciliations/items/{item}"))


@reconcile.command("resolve")
def resolve(
    item: Item,
    outcome: Annotated[str, typer.Argument(help="explained, corrected or written_off.")],
    *,
    reason: Annotated[str, typer.Option(help="What you found out. It is stored.")],
    idempotency_key: IdempotencyKey = None,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Close a difference. `written_off` books it in the ledger; payments and refunds do not change."""
    body = {"outcome": outcome, "reason": reason}
    with open_api(api_url, api_key, api_secret) as api:
        found = api.post(f"/reconciliations/items/{item}/resolve", body, idempotency_key=idempotency_key)
    out().print(f"{found['id']} is {found['state']}.")


def _ended(api: MerchantApi, found: dict[str, Any]) -> dict[str, Any]:
    give_up_at = time.monotonic() + WAIT_S
    while found["status"] == "running" and time.monotonic() < give_up_at:
        time.sleep(POLL_S)
        found = api.get(f"/reconciliations/{found['id']}")
    return found


def _show(found: dict[str, Any]) -> None:
    out().print(f"{found['id']} of {found['gateway_id']} is {found['status']} ({found['step']}).")
    for name, count in sorted(found["counts"].items()):
        out().print(f"  {name.replace('_', ' ')}: {count}")
    if not found["found"]:
        return
    rows = table("kind", "open", "at risk")
    for each in found["found"]:
        rows.add_row(plain(each["kind"]), str(each["open"]), f"{each['at_risk']} {each['currency'] or ''}".strip())
    out().print(rows)
