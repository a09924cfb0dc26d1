"""`clearway routing`: show, check, save, try, activate and roll back routing rules, and ask where payments would go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.json_files import read_json
from clearway.cli.merchant_api import IdempotencyKey, Limit, MerchantApi
from clearway.cli.output import coloured, plain, table

routing: Final = typer.Typer(help="Routing: rules that choose a gateway for each payment.", no_args_is_help=True)

Rules = Annotated[Path, typer.Argument(metavar="FILE", help="The rules as JSON: see docs/routing.md.", dir_okay=False)]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The number of the version.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(routing, name="routing", rich_help_panel="Look and act")


@routing.command("show")
@asks_api
@shows_result
def show_routing(api: MerchantApi) -> Result:
    """Show the active rules as JSON."""
    return Result(api.get("/routing"))


@routing.command("list")
@asks_api
@shows_result
def list_versions(api: MerchantApi, *, limit: Limit = 100) -> Result:
    """List the versions of the rules, newest first."""
    found = api.all("/routing/versions", limit=limit)
    rows = table("number", "status", "rules", "note", "created by")
    for item in found:
        rules = str(len(item["program"].get("rules", ())))
        rows.add_row(
            str(item["number"]), coloured(item["status"]), rules, plain(item["note"]), plain(item["created_by"])
        )
    return Result(found, rows if found else "No routing rules.")


@routing.command("validate")
@asks_api
@shows_result
def validate_rules(api: MerchantApi, file: Rules) -> Result:
    """Check rules without saving them. The exit code is 1 when something is wrong."""
    checked = api.post("/routing/validate", {"program": read_json(file)})
    lines = [*map(plain, checked["problems"]), *(f"warning: {plain(each)}" for each in checked["warnings"])]
    if not checked["valid"]:
        return Result(checked, *lines, error=typer.Exit(1))
    return Result(checked, *lines, "The rules are valid.")


@routing.command("save")
@asks_api
@shows_result
def save_rules(
    api: MerchantApi,
    file: Rules,
    *,
    note: Annotated[str | None, typer.Option(help="Why: for your own records.", show_default=False)] = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Save rules as a draft. They route nothing until `clearway routing activate`."""
    body = {"program": read_json(file)} | ({"note": note} if note else {})
    made = api.post("/routing/versions", body, idempotency_key=idempotency_key)
    return Result(made, f"Version {made['number']} is saved. Try it: clearway routing try {made['number']}")


@routing.command("try")
@asks_api
@shows_result
def try_version(
    api: MerchantApi,
    number: Number,
    *,
    payments: Annotated[int, typer.Option(help="How many of the last payments.", min=1, max=5_000)] = 1_000,
) -> Result:
    """Compare a version with the active rules on past payments. Nothing is sent and nothing changes."""
    trial = api.post(f"/routing/versions/{number}/dry_run", {"payments": payments})
    rows = table("gateway", "now", "then")
    for share in trial["gateways"]:
        rows.add_row(plain(share["gateway_id"]), str(share["before"]), str(share["after"]))
    moves = f"Of {trial['payments']} payments, {trial['moved']} would move and {trial['refused']} be refused."
    return Result(trial, rows, moves)


@routing.command("activate")
@asks_api
@shows_result
def activate_version(
    api: MerchantApi,
    number: Number,
    *,
    force: Annotated[bool, typer.Option("--force", help="Even if past payments would find no gateway.")] = False,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Route new payments by this version."""
    path = f"/routing/versions/{number}/activate"
    made = api.post(path, {"force": force}, idempotency_key=idempotency_key)
    return Result(made, f"Version {made['number']} is active.")


@routing.command("rollback")
@asks_api
@shows_result
def roll_back(api: MerchantApi, *, idempotency_key: IdempotencyKey = None) -> Result:
    """Activate the version that was active before the current one."""
    made = api.post("/routing/rollback", idempotency_key=idempotency_key)
    return Result(made, f"Version {made['number']} is active again.")


@routing.command("explain")
@asks_api
@shows_result
def explain(
    api: MerchantApi,
    method: Annotated[str, typer.Argument(help="upi, card, netbanking or wallet.")],
    amount: Annotated[int, typer.Argument(help="In minor units, such as paise or cents.", min=1)],
    *,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "INR",
    country: Annotated[str | None, typer.Option(help="ISO 3166.", show_default=False)] = None,
    version: Annotated[int | None, typer.Option(help="Evaluate this version.", min=1, show_default=False)] = None,
) -> Result:
    """Show as JSON where a payment would go, and why. No payment is made."""
    asked = {"method": method, "amount": amount, "currency": currency, "country": country, "version": version}
    return Result(api.post("/routing/explain", {name: value for name, value in asked.items() if value is not None}))
