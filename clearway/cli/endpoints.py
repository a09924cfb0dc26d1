"""`clearway endpoints`: list, create, change, test, recover and delete webhook endpoints, and rotate their secrets."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from clearway.cli.endpoint_recovery import recover_endpoint
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, IdempotencyKey, Limit, open_api
from clearway.cli.output import JsonFlag, coloured, out, plain, print_json, table

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
def list_endpoints(
    *,
    limit: Limit = 100,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List the merchant's webhook endpoints, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/webhook_endpoints", limit=limit)
    if as_json:
        print_json(found)
        return
    rows = table("endpoint", "status", "url", "events", "description")
    for item in found:
        wanted = ", ".join(item["event_types"])
        row = (plain(item["id"]), coloured(item["status"]), plain(item["url"]), plain(wanted))
        rows.add_row(*row, plain(item["description"]))
    out().print(rows if found else "No webhook endpoints.")


@endpoints.command("create")
def create_endpoint(
    url: Annotated[str, typer.Argument(help="Where to send events.")],
    *,
    events: Events = None,
    description: Description = None,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Register an endpoint and print its signing secret. Keep the secret: your program verifies webhooks with it."""
    body = _fields(url=url, events=events, description=description)
    with open_api(api_url, api_key, api_secret) as api:
        made = api.post("/webhook_endpoints", body, idempotency_key=idempotency_key)
    _print_with_secret(made, as_json=as_json)


@endpoints.command("update")
def update_endpoint(
    endpoint_id: EndpointId,
    *,
    url: Url = None,
    events: Events = None,
    description: Description = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Send events to it, or stop.", show_default=False)
    ] = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Change an endpoint. Only the options that you give are changed."""
    body = _fields(url=url, events=events, description=description)
    if enabled is not None:
        body["status"] = "enabled" if enabled else "disabled"
    if not body:
        raise typer.BadParameter("Name what to change: --url, --events, --description, --enable or --disable.")
    with open_api(api_url, api_key, api_secret) as api:
        changed = api.patch(f"/webhook_endpoints/{endpoint_id}", body)
    if as_json:
        print_json(changed)
    else:
        out().print(f"{plain(changed['id'])} is {coloured(changed['status'])}: {plain(changed['url'])}")


@endpoints.command("rotate-secret")
def rotate_secret(
    endpoint_id: EndpointId,
    *,
    overlap: Annotated[
        int | None,
        typer.Option(help="Seconds during which the old secret also signs; 0 ends it at once.", min=0),
    ] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Create a new signing secret and print it. The old one also signs until the overlap ends."""
    body = {} if overlap is None else {"overlap_s": overlap}
    with open_api(api_url, api_key, api_secret) as api:
        path = f"/webhook_endpoints/{endpoint_id}/rotate_secret"
        rotated = api.post(path, body, idempotency_key=idempotency_key)
    _print_with_secret(rotated, as_json=as_json)


@endpoints.command("test")
def try_endpoint(
    endpoint_id: EndpointId,
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Send the endpoint an `endpoint.test` event."""
    with open_api(api_url, api_key, api_secret) as api:
        delivery = api.post(f"/webhook_endpoints/{endpoint_id}/test")
    if as_json:
        print_json(delivery)
    else:
        out().print(f"Delivery {plain(delivery['id'])} is pending: `clearway webhooks show {plain(delivery['id'])}`.")


@endpoints.command("delete")
def delete_endpoint(
    endpoint_id: EndpointId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Delete an endpoint for good. No further event is sent to it."""
    if not yes:
        typer.confirm(f"Delete {endpoint_id}? Its pending deliveries are cancelled.", abort=True)
    with open_api(api_url, api_key, api_secret) as api:
        api.delete(f"/webhook_endpoints/{endpoint_id}")
    out().print(f"{plain(endpoint_id)} is deleted.")


def _fields(*, url: str | None, events: str | None, description: str | None) -> dict[str, Any]:
    wanted = None if events is None else [part.strip() for part in events.split(",") if part.strip()]
    given = {"url": url, "event_types": wanted, "description": description}
    return {name: value for name, value in given.items() if value is not None}


def _print_with_secret(endpoint: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(endpoint)
        return
    out().print(f"{plain(endpoint['id'])} is {coloured(endpoint['status'])}: {plain(endpoint['url'])}")
    out().print(f"Signing secret: [bold]{plain(endpoint['secret'])}[/]")
