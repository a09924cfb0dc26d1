"""`clearway endpoints`: list, create, change, test, recover and delete webhook endpoints, and rotate their secrets."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.endpoint_recovery import recover_endpoint
from clearway.cli.merchant_api import IdempotencyKey, Limit, MerchantApi
from clearway.cli.output import coloured, plain, table

endpoints: Final = typer.Typer(help="Webhook endpoints: where your events are sent.", no_args_is_help=True)

EndpointId = Annotated[str, typer.Argument(metavar="ID", help="whe_…")]
Url = Annotated[str | None, typer.Option(help="Where to send events.", show_default=False)]
Events = Annotated[
    str | None, typer.Option(help="Event types to receive, comma separated. All by default.", show_default=False)
]
Description = Annotated[str | None, typer.Option(help="For your own records.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the group."""
    endpoints.command("recover")(recover_endpoint)
    app.add_typer(endpoints, name="endpoints", rich_help_panel="Look and act")


@endpoints.command("list")
@asks_api
@shows_result
def list_endpoints(api: MerchantApi, *, limit: Limit = 100) -> Result:
    """List the merchant's webhook endpoints, newest first."""
    found = api.all("/webhook_endpoints", limit=limit)
    rows = table("endpoint", "status", "url", "events", "description")
    for item in found:
        wanted = ", ".join(item["event_types"])
        row = (plain(item["id"]), coloured(item["status"]), plain(item["url"]), plain(wanted))
        rows.add_row(*row, plain(item["description"]))
    return Result(found, rows if found else "No webhook endpoints.")


@endpoints.command("create")
@asks_api
@shows_result
def create_endpoint(
    api: MerchantApi,
    url: Annotated[str, typer.Argument(help="Where to send events.")],
    *,
    events: Events = None,
    description: Description = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Register an endpoint and print its signing secret. Keep the secret: your program verifies webhooks with it."""
    body = _fields(url=url, events=events, description=description)
    made = api.post("/webhook_endpoints", body, idempotency_key=idempotency_key)
    return _with_secret(made)


@endpoints.command("update")
@asks_api
@shows_result
def update_endpoint(
    api: MerchantApi,
    endpoint_id: EndpointId,
    *,
    url: Url = None,
    events: Events = None,
    description: Description = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Send events to it, or stop.", show_default=False)
    ] = None,
) -> Result:
    """Change an endpoint. Only the options that you give are changed."""
    body = _fields(url=url, events=events, description=description)
    if enabled is not None:
        body["status"] = "enabled" if enabled else "disabled"
    if not body:
        raise typer.BadParameter("Name what to change: --url, --events, --description, --enable or --disable.")
    changed = api.patch(f"/webhook_endpoints/{endpoint_id}", body)
    return Result(changed, _line(changed))


@endpoints.command("rotate-secret")
@asks_api
@shows_result
def rotate_secret(
    api: MerchantApi,
    endpoint_id: EndpointId,
    *,
    overlap: Annotated[
        int | None,
        typer.Option(help="Seconds during which the old secret also signs; 0 ends it at once.", min=0),
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Create a new signing secret and print it. The old one also signs until the overlap ends."""
    body = {} if overlap is None else {"overlap_s": overlap}
    path = f"/webhook_endpoints/{endpoint_id}/rotate_secret"
    rotated = api.post(path, body, idempotency_key=idempotency_key)
    return _with_secret(rotated)


@endpoints.command("test")
@asks_api
@shows_result
def try_endpoint(api: MerchantApi, endpoint_id: EndpointId) -> Result:
    """Send the endpoint an `endpoint.test` event."""
    delivery = api.post(f"/webhook_endpoints/{endpoint_id}/test")
    return Result(
        delivery, f"Delivery {plain(delivery['id'])} is pending: `clearway webhooks show {plain(delivery['id'])}`."
    )


@endpoints.command("delete")
@asks_api
@shows_result
def delete_endpoint(
    api: MerchantApi,
    endpoint_id: EndpointId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Result:
    """Delete an endpoint permanently. No further event is sent to it."""
    if not yes:
        typer.confirm(f"Delete {endpoint_id}? Its pending deliveries are cancelled.", abort=True)
    api.delete(f"/webhook_endpoints/{endpoint_id}")
    return Result({"id": endpoint_id, "deleted": True}, f"{plain(endpoint_id)} is deleted.")


def _fields(*, url: str | None, events: str | None, description: str | None) -> dict[str, Any]:
    wanted = None if events is None else [part.strip() for part in events.split(",") if part.strip()]
    given = {"url": url, "event_types": wanted, "description": description}
    return {name: value for name, value in given.items() if value is not None}


def _with_secret(endpoint: dict[str, Any]) -> Result:
    return Result(endpoint, _line(endpoint), f"Signing secret: [bold]{plain(endpoint['secret'])}[/]")


def _line(endpoint: dict[str, Any]) -> str:
    return f"{plain(endpoint['id'])} is {coloured(endpoint['status'])}: {plain(endpoint['url'])}"
