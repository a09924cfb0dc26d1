"""`clearway routing`: show, check, save, try, activate and roll back routing rules, and ask where payments would go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from clearway.cli.json_files import read_json
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, IdempotencyKey, Limit, open_api
from clearway.cli.output import JsonFlag, coloured, out, plain, print_json, table

routing: Final = typer.Typer(help="Routing: rules that choose a gateway for each payment.", no_args_is_help=True)

Rules = Annotated[Path, typer.Argument(metavar="FILE", help="The rules as JSON: see docs/routing.md.", dir_okay=False)]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Of the version.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(routing, name="routing", rich_help_panel="Look and act")


@routing.command("show")
def show_routing(*, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None) -> None:
    """Show the active rules as JSON."""
    with open_api(api_url, api_key, api_secret) as api:
        print_json(api.get("/routing"))


@routing.command("list")
def list_versions(
    *,
    limit: Limit = 100,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List the versions of the rules, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/routing/versions", limit=limit)
    if as_json:
        print_json(found)
        return
    rows = table("number", "status", "rules", "note", "created by")
    for item in found:
        rules = str(len(item["program"].get("rules", ())))
        rows.add_row(
            str(item["number"]), coloured(item["status"]), rules, plain(item["note"]), plain(item["created_by"])
        )
    out().print(rows if found else "No routing rules.")


@routing.command("validate")
def validate_rules(
    file: Rules, *, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None
) -> None:
    """Check rules without saving them. The exit code is 1 when something is wrong."""
    with open_api(api_url, api_key, api_secret) as api:
        checked = api.post("/routing/validate", {"program": read_json(file)})
    for text in (*checked["problems"], *(f"warning: {each}" for each in checked["warnings"])):
        out().print(plain(text))
    if not checked["valid"]:
        raise typer.Exit(1)
    out().print("The rules are valid.")


@routing.command("save")
def save_rules(
    file: Rules,
    *,
    note: Annotated[str | None, typer.Option(help="Why: for your own records.", show_default=False)] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Save rules as a draft. They route nothing until `clearway routing activate`."""
    body = {"program": read_json(file)} | ({"note": note} if note else {})
    with open_api(api_url, api_key, api_secret) as api:
        made = api.post("/routing/versions", body, idempotency_key=idempotency_key)
    if as_json:
        print_json(made)
    else:
        out().print(f"Version {made['number']} is saved. Try it: clearway routing try {made['number']}")


@routing.command("try")
def try_version(
    number: Number,
    *,
    payments: Annotated[int, typer.Option(help="How many of the last payments.", min=1, max=5_000)] = 1_000,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Compare a version with the active rules on past payments. Nothing is sent and nothing changes."""
    with open_api(api_url, api_key, api_secret) as api:
        trial = api.post(f"/routing/versions/{number}/dry_run", {"payments": payments})
    if as_json:
        print_json(trial)
        return
    rows = table("gateway", "now", "then")
    for share in trial["gateways"]:
        rows.add_row(plain(share["gateway_id"]), str(share["before"]), str(share["after"]))
    out().print(rows)
    out().print(f"Of {trial['payments']} payments, {trial['moved']} would move and {trial['refused']} be refused.")


@routing.command("activate")
def activate_version(
    number: Number,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also if past payments would find no gateway.")] = False,
    idempotency_key: IdempotencyKey = None,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Route new payments by this version."""
    with open_api(api_url, api_key, api_secret) as api:
        path = f"/routing/versions/{number}/activate"
        made = api.post(path, {"force": force}, idempotency_key=idempotency_key)
    out().print(f"Version {made['number']} is active.")


@routing.command("rollback")
def roll_back(
    *,
    idempotency_key: IdempotencyKey = None,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Activate the version that was active before the present one."""
    with open_api(api_url, api_key, api_secret) as api:
        made = api.post("/routing/rollback", idempotency_key=idempotency_key)
    out().print(f"Version {made['number']} is active again.")


@routing.command("explain")
def explain(
    method: Annotated[str, typer.Argument(help="upi, card, netbanking or wallet.")],
    amount: Annotated[int, typer.Argument(help="In minor units, such as paise or cents.", min=1)],
    *,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "INR",
    country: Annotated[str | None, typer.Option(help="ISO 3166.", show_default=False)] = None,
    version: Annotated[int | None, typer.Option(help="Ask this version.", min=1, show_default=False)] = None,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show as JSON where a payment would go, and why. No payment is made."""
    asked = {"method": method, "amount": amount, "currency": currency, "country": country, "version": version}
    with open_api(api_url, api_key, api_secret) as api:
        print_json(api.post("/routing/explain", {name: value for name, value in asked.items() if value is not None}))
