"""`clearway gateways`: connect, list, show, change, test, enable, disable, delete, export and import gateways.

Credentials come from a file or from stdin, never from the command line: other programs can read that.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from clearway.cli.json_files import parse_json, read_json
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, IdempotencyKey, Limit, open_api
from clearway.cli.output import JsonFlag, out, plain, print_json, remarks, table
from clearway.gateway_configs import documents

gateways: Final = typer.Typer(help="Gateways: what carries out your payments.", no_args_is_help=True)

GatewayId = Annotated[str, typer.Argument(metavar="ID", help="gw_…")]
Name = Annotated[str | None, typer.Option(help="Your own name for it.", show_default=False)]
Priority = Annotated[
    int | None, typer.Option(help="The lowest number goes first.", min=1, max=1_000, show_default=False)
]
Credentials = Annotated[
    Path | None,
    typer.Option(help="A JSON file with the credentials; `-` reads stdin.", allow_dash=True, show_default=False),
]
Settings = Annotated[
    str | None, typer.Option(metavar="JSON", help="Settings that the kind asks for.", show_default=False)
]
Test = Annotated[bool, typer.Option("--test/--no-test", help="Ask the gateway before it is saved.")]
Passphrase = Annotated[
    str,
    typer.Option(
        envvar="CLEARWAY_PASSPHRASE",
        prompt=True,
        hide_input=True,
        help="At least 12 characters. Asked for when it is not given.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(gateways, name="gateways", rich_help_panel="Look and act")


@gateways.command("list")
def list_gateways(
    *,
    limit: Limit = 100,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List the merchant's gateways, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/gateways", limit=limit)
    if as_json:
        print_json(found)
        return
    rows = table("gateway", "kind", "name", "enabled", "health", "priority", "credentials")
    for item in found:
        shown = ", ".join(f"{name} {end}" for name, end in item["credentials"].items())
        enabled = "yes" if item["enabled"] else "no"
        named = (item["id"], item["kind"], item["name"], enabled, item["health"], str(item["priority"]), shown)
        rows.add_row(*map(plain, named))
    out().print(rows if found else "No gateways.")


@gateways.command("show")
def show_gateway(
    gateway_id: GatewayId, *, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None
) -> None:
    """Show one gateway as JSON, with the ends of its credentials."""
    with open_api(api_url, api_key, api_secret) as api:
        print_json(api.get(f"/gateways/{gateway_id}"))


@gateways.command("create")
def create_gateway(
    kind: Annotated[str, typer.Argument(help="simulator, stripe …")],
    *,
    name: Name = None,
    credentials: Credentials = None,
    settings: Settings = None,
    priority: Priority = None,
    test: Test = True,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Connect a gateway. The gateway is asked first whether the credentials are right."""
    body = _fields(name, credentials, settings, priority) | {"kind": kind, "test": test}
    with open_api(api_url, api_key, api_secret) as api:
        saved = api.post("/gateways", body, idempotency_key=idempotency_key)
    _print_saved(saved, as_json=as_json)


@gateways.command("update")
def update_gateway(
    gateway_id: GatewayId,
    *,
    name: Name = None,
    credentials: Credentials = None,
    settings: Settings = None,
    priority: Priority = None,
    test: Test = True,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Change a gateway. Only the options and the fields that you give are changed."""
    body = _fields(name, credentials, settings, priority)
    if not body:
        raise typer.BadParameter("Name what to change: --name, --credentials, --settings or --priority.")
    with open_api(api_url, api_key, api_secret) as api:
        saved = api.patch(f"/gateways/{gateway_id}", body | {"test": test})
    _print_saved(saved, as_json=as_json)


@gateways.command("enable")
def enable_gateway(
    gateway_id: GatewayId, *, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None
) -> None:
    """Let new payments use a gateway."""
    with open_api(api_url, api_key, api_secret) as api:
        api.post(f"/gateways/{gateway_id}/enable")
    out().print(f"{plain(gateway_id)} is enabled.")


@gateways.command("disable")
def disable_gateway(
    gateway_id: GatewayId, *, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None
) -> None:
    """Keep new payments from using a gateway. Those that used it go on."""
    with open_api(api_url, api_key, api_secret) as api:
        api.post(f"/gateways/{gateway_id}/disable")
    out().print(f"{plain(gateway_id)} is disabled.")


@gateways.command("delete")
def delete_gateway(
    gateway_id: GatewayId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Delete a gateway and its credentials for good. It is refused while payments are open on it."""
    if not yes:
        typer.confirm(f"Delete {gateway_id}? Its payments can no longer be refunded here.", abort=True)
    with open_api(api_url, api_key, api_secret) as api:
        api.delete(f"/gateways/{gateway_id}")
    out().print(f"{plain(gateway_id)} is deleted.")


@gateways.command("test")
def try_gateway(
    gateway_id: GatewayId,
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Ask a gateway whether its credentials are right. No money is moved; the exit code is 1 when they are not."""
    with open_api(api_url, api_key, api_secret) as api:
        tested = api.post(f"/gateways/{gateway_id}/test")
    if as_json:
        print_json(tested)
    else:
        out().print(plain(tested["message"]))
        _remark(tested["warnings"])
    if not tested["ok"]:
        raise typer.Exit(1)


@gateways.command("dry-run")
def dry_run_gateway(
    gateway_id: GatewayId,
    file: Annotated[
        Path, typer.Argument(help="JSON: `payment` and `steps`, as in a document's examples.", allow_dash=True)
    ],
    *,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show what a payment at a custom gateway would send, and what answers would become. Nothing is sent."""
    with open_api(api_url, api_key, api_secret) as api:
        print_json(api.post(f"/gateways/{gateway_id}/dry_run", read_json(file))["steps"])


@gateways.command("check")
def check_document(
    file: Annotated[Path, typer.Argument(help="A document that describes a gateway.", allow_dash=True)],
) -> None:
    """Check a document of a custom gateway and run its examples, without the API. The exit code is 1 if it is wrong."""
    problems, warnings = asyncio.run(documents.checked(read_json(file)))
    _remark(warnings)
    for problem in problems:
        out().print(plain(problem))
    if problems:
        raise typer.Exit(1)
    out().print("The document is right: all its examples become what they say.")


@gateways.command("checklist")
def show_checklist(
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show what the merchant needs for live payments, and what of it is true now."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.get("/gateways/checklist")
    if as_json:
        print_json(found)
        return
    rows = table("done", "what", "what to do")
    for item in found["data"]:
        rows.add_row("yes" if item["done"] else "no", plain(item["what"]), plain(item["how"] or ""))
    out().print(rows)


@gateways.command("export")
def export_gateways(
    file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
    *,
    passphrase: Passphrase,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Write all gateways with their credentials to a file that only the passphrase opens."""
    with open_api(api_url, api_key, api_secret) as api:
        sealed = api.post("/gateways/export", {"passphrase": passphrase})
    file.write_bytes(orjson.dumps(sealed, option=orjson.OPT_INDENT_2) + b"\n")
    file.chmod(0o600)
    out().print(f"{plain(str(file))} is written. Keep it and the passphrase apart.")


@gateways.command("import")
def import_gateways(
    file: Annotated[Path, typer.Argument(help="A file of `clearway gateways export`.", exists=True, dir_okay=False)],
    *,
    passphrase: Passphrase,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Save the gateways of an exported file. One of the same kind and name is replaced; none is deleted."""
    body = {"passphrase": passphrase, "file": read_json(file)}
    with open_api(api_url, api_key, api_secret) as api:
        saved = api.post("/gateways/import", body)["data"]
    for one in saved:
        _print_saved(one, as_json=False)


def _fields(name: str | None, credentials: Path | None, settings: str | None, priority: int | None) -> dict[str, Any]:
    given = {
        "name": name,
        "credentials": None if credentials is None else read_json(credentials),
        "settings": None if settings is None else parse_json(settings.encode(), "--settings"),
        "priority": priority,
    }
    return {name: value for name, value in given.items() if value is not None}


def _print_saved(saved: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(saved)
        return
    out().print(f"{plain(saved['id'])} is saved: {plain(saved['name'])} ({plain(saved['kind'])}).")
    out().print(f"Its webhooks go to {plain(saved['webhook_url'])}")
    _remark(saved["warnings"])


def _remark(warnings: list[str]) -> None:
    for warning in warnings:
        remarks().print(f"[yellow]Warning:[/] {plain(warning)}")
