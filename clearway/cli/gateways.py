"""`clearway gateways`: connect, list, show, change, test, enable, disable, delete, export and import gateways.

Credentials come from a file or from stdin, never from the command line: other programs can read that.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.json_files import parse_json, read_json
from clearway.cli.merchant_api import IdempotencyKey, Limit, MerchantApi
from clearway.cli.output import plain, table

gateways: Final = typer.Typer(help="Gateways: the providers that process your payments.", no_args_is_help=True)

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
Test = Annotated[bool, typer.Option("--test/--no-test", help="Test the credentials before they are saved.")]
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
@asks_api
@shows_result
def list_gateways(api: MerchantApi, *, limit: Limit = 100) -> Result:
    """List the merchant's gateways, newest first."""
    found = api.all("/gateways", limit=limit)
    rows = table("gateway", "kind", "name", "enabled", "health", "priority", "credentials")
    for item in found:
        shown = ", ".join(f"{name} {end}" for name, end in item["credentials"].items())
        enabled = "yes" if item["enabled"] else "no"
        named = (item["id"], item["kind"], item["name"], enabled, item["health"], str(item["priority"]), shown)
        rows.add_row(*map(plain, named))
    return Result(found, rows if found else "No gateways.")


@gateways.command("show")
@asks_api
@shows_result
def show_gateway(api: MerchantApi, gateway_id: GatewayId) -> Result:
    """Show one gateway as JSON, with the last characters of its credentials."""
    return Result(api.get(f"/gateways/{gateway_id}"))


@gateways.command("create")
@asks_api
@shows_result
def create_gateway(
    api: MerchantApi,
    kind: Annotated[str, typer.Argument(help="simulator, stripe …")],
    *,
    name: Name = None,
    credentials: Credentials = None,
    settings: Settings = None,
    priority: Priority = None,
    test: Test = True,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Connect a gateway. Its credentials are tested first."""
    body = _fields(name, credentials, settings, priority) | {"kind": kind, "test": test}
    saved = api.post("/gateways", body, idempotency_key=idempotency_key)
    return _saved(saved)


@gateways.command("update")
@asks_api
@shows_result
def update_gateway(
    api: MerchantApi,
    gateway_id: GatewayId,
    *,
    name: Name = None,
    credentials: Credentials = None,
    settings: Settings = None,
    priority: Priority = None,
    test: Test = True,
) -> Result:
    """Change a gateway. Only the options and the fields that you give are changed."""
    body = _fields(name, credentials, settings, priority)
    if not body:
        raise typer.BadParameter("Name what to change: --name, --credentials, --settings or --priority.")
    saved = api.patch(f"/gateways/{gateway_id}", body | {"test": test})
    return _saved(saved)


@gateways.command("methods")
@asks_api
@shows_result
def choose_methods(
    api: MerchantApi,
    gateway_id: GatewayId,
    methods: Annotated[
        list[str] | None, typer.Argument(metavar="[METHOD]…", help="upi, card, netbanking, wallet; none: all it takes.")
    ] = None,
) -> Result:
    """Set the payment methods that new payments may use a gateway for."""
    saved = api.patch(f"/gateways/{gateway_id}", {"methods": methods or None})
    named = ", ".join(saved["methods"] or saved["capabilities"]["methods"])
    return Result(saved, f"{plain(gateway_id)} is used for {plain(named)}.")


@gateways.command("enable")
@asks_api
@shows_result
def enable_gateway(api: MerchantApi, gateway_id: GatewayId) -> Result:
    """Let new payments use a gateway."""
    changed = api.post(f"/gateways/{gateway_id}/enable")
    return Result(changed, f"{plain(gateway_id)} is enabled.")


@gateways.command("disable")
@asks_api
@shows_result
def disable_gateway(api: MerchantApi, gateway_id: GatewayId) -> Result:
    """Keep new payments from using a gateway. Those that used it go on."""
    changed = api.post(f"/gateways/{gateway_id}/disable")
    return Result(changed, f"{plain(gateway_id)} is disabled.")


@gateways.command("delete")
@asks_api
@shows_result
def delete_gateway(
    api: MerchantApi, gateway_id: GatewayId, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> Result:
    """Delete a gateway and its credentials permanently. It is refused while payments are open on it."""
    if not yes:
        typer.confirm(f"Delete {gateway_id}? Its payments can no longer be refunded here.", abort=True)
    api.delete(f"/gateways/{gateway_id}")
    return Result({"id": gateway_id, "deleted": True}, f"{plain(gateway_id)} is deleted.")


@gateways.command("test")
@asks_api
@shows_result
def try_gateway(api: MerchantApi, gateway_id: GatewayId) -> Result:
    """Test the credentials of a gateway. No money is moved. The exit code is 1 when they are wrong."""
    tested = api.post(f"/gateways/{gateway_id}/test")
    error = None if tested["ok"] else typer.Exit(1)
    return Result(tested, plain(tested["message"]), remarks=_remarks(tested["warnings"]), error=error)


@gateways.command("dry-run")
@asks_api
@shows_result
def dry_run_gateway(
    api: MerchantApi,
    gateway_id: GatewayId,
    file: Annotated[
        Path, typer.Argument(help="JSON: `payment` and `steps`, as in a document's examples.", allow_dash=True)
    ],
) -> Result:
    """Show what a payment at a custom gateway would send, and how answers would be read. Nothing is sent."""
    return Result(api.post(f"/gateways/{gateway_id}/dry_run", read_json(file))["steps"])


@gateways.command("check")
@shows_result
def check_document(
    file: Annotated[Path, typer.Argument(help="A document that describes a gateway.", allow_dash=True)],
) -> Result:
    """Check a document of a custom gateway and run its examples, without the API. The exit code is 1 if it is wrong."""
    from clearway.gateway_configs import documents  # noqa: PLC0415 - heavy

    problems, warnings = asyncio.run(documents.checked(read_json(file)))
    return Result(
        {"valid": not problems, "problems": problems, "warnings": warnings},
        *(map(plain, problems) if problems else ("The document is right: all its examples become what they say.",)),
        remarks=_remarks(warnings),
        error=typer.Exit(1) if problems else None,
    )


@gateways.command("checklist")
@asks_api
@shows_result
def show_checklist(api: MerchantApi) -> Result:
    """Show which requirements for live payments the merchant meets."""
    found = api.get("/gateways/checklist")
    rows = table("done", "what", "what to do")
    for item in found["data"]:
        rows.add_row("yes" if item["done"] else "no", plain(item["what"]), plain(item["how"] or ""))
    return Result(found, rows)


@gateways.command("export")
@asks_api
@shows_result
def export_gateways(
    api: MerchantApi,
    file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
    *,
    passphrase: Passphrase,
) -> Result:
    """Write all gateways with their credentials to a file that only the passphrase opens."""
    sealed = api.post("/gateways/export", {"passphrase": passphrase})
    file.write_bytes(orjson.dumps(sealed, option=orjson.OPT_INDENT_2) + b"\n")
    file.chmod(0o600)
    return Result({"file": str(file)}, f"{plain(str(file))} is written. Keep it and the passphrase apart.")


@gateways.command("import")
@asks_api
@shows_result
def import_gateways(
    api: MerchantApi,
    file: Annotated[Path, typer.Argument(help="A file of `clearway gateways export`.", exists=True, dir_okay=False)],
    *,
    passphrase: Passphrase,
) -> Result:
    """Save the gateways of an exported file. One of the same kind and name is replaced; none is deleted."""
    body = {"passphrase": passphrase, "file": read_json(file)}
    saved = api.post("/gateways/import", body)["data"]
    each = [_saved(one) for one in saved]
    lines = [line for one in each for line in one.shown] or ["The file has no gateways."]
    return Result(saved, *lines, remarks=[remark for one in each for remark in one.remarks])


def _fields(name: str | None, credentials: Path | None, settings: str | None, priority: int | None) -> dict[str, Any]:
    given = {
        "name": name,
        "credentials": None if credentials is None else read_json(credentials),
        "settings": None if settings is None else parse_json(settings.encode(), "--settings"),
        "priority": priority,
    }
    return {name: value for name, value in given.items() if value is not None}


def _saved(saved: dict[str, Any]) -> Result:
    return Result(
        saved,
        f"{plain(saved['id'])} is saved: {plain(saved['name'])} ({plain(saved['kind'])}).",
        f"Its webhooks go to {plain(saved['webhook_url'])}",
        remarks=_remarks(saved["warnings"]),
    )


def _remarks(warnings: list[str]) -> list[str]:
    return [f"[yellow]Warning:[/] {plain(warning)}" for warning in warnings]
