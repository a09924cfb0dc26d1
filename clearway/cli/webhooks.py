"""`clearway webhooks` and `clearway events`: what was sent where, what was answered, and sending it again."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console

from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, Limit, MerchantApi, open_api
from clearway.cli.output import JsonFlag, clock, coloured, out, plain, print_json, table
from clearway.cli.views import delivery_table
from clearway.domain.events import EventType

webhooks: Final = typer.Typer(help="Webhook deliveries: list, show, retry.", no_args_is_help=True)
events: Final = typer.Typer(help="Events: list, show, resend.", no_args_is_help=True)

DeliveryStatus = Literal["pending", "delivered", "failed", "cancelled"]
DeliveryId = Annotated[str, typer.Argument(metavar="ID", help="dlv_…")]


def register(app: typer.Typer) -> None:
    """Add the groups."""
    app.add_typer(webhooks, name="webhooks", rich_help_panel="Look and act")
    app.add_typer(events, name="events", rich_help_panel="Look and act")


@webhooks.command("list")
def list_deliveries(
    *,
    status: Annotated[DeliveryStatus | None, typer.Option(help="Only deliveries with this status.")] = None,
    event: Annotated[EventType | None, typer.Option(help="Only of this type.")] = None,
    payment: Annotated[str | None, typer.Option(help="Only about this payment.")] = None,
    limit: Limit = 20,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List the merchant's webhook deliveries, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/webhooks", limit=limit, status=status, event=event, payment_id=payment)
    if as_json:
        print_json(found)
    else:
        out().print(delivery_table(found) if found else "No deliveries.")


@webhooks.command("show")
def show_delivery(
    delivery_id: DeliveryId,
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show a delivery with each attempt: request, answer and duration."""
    with open_api(api_url, api_key, api_secret) as api:
        delivery = api.get(f"/webhooks/{delivery_id}")
    if as_json:
        print_json(delivery)
    else:
        _print_delivery(out(), delivery)


@webhooks.command("retry")
def retry_delivery(
    delivery_id: DeliveryId,
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Make one delivery attempt now, with the same webhook id, and show its result. The schedule does not change."""
    with open_api(api_url, api_key, api_secret) as api:
        delivery = api.post(f"/webhooks/{delivery_id}/retry")
    if as_json:
        print_json(delivery)
    else:
        out().print(retry_line(delivery))


@events.command("list")
def list_events(
    *,
    event: Annotated[EventType | None, typer.Option("--type", help="Only of this type.")] = None,
    limit: Limit = 20,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List the merchant's events, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/events", limit=limit, type=event)
    if as_json:
        print_json(found)
        return
    rows = table("event", "type", "when (UTC)", "about")
    for item in found:
        about = item["data"].get("id") or item["data"].get("endpoint_id")
        rows.add_row(plain(item["id"]), plain(item["type"]), clock(item["timestamp"]), plain(about))
    out().print(rows if found else "No events.")


@events.command("show")
def show_event(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="evt_…")],
    *,
    as_json: JsonFlag = False,  # noqa: ARG001 - an event is JSON in any case
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show an event, with the same body as its webhook."""
    with open_api(api_url, api_key, api_secret) as api:
        print_json(api.get(f"/events/{event_id}"))


@events.command("resend")
def resend_event(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="evt_…")],
    *,
    endpoint: Annotated[
        str | None, typer.Option(help="Where to send it: whe_…. Not needed if there is only one endpoint.")
    ] = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Send an event to an endpoint now, also if it was never sent there, and show the result."""
    with open_api(api_url, api_key, api_secret) as api:
        endpoint_id = endpoint or _only_endpoint(api)
        delivery = api.post(f"/events/{event_id}/resend", {"endpoint_id": endpoint_id})
    if as_json:
        print_json(delivery)
    else:
        out().print(retry_line(delivery))


def _only_endpoint(api: MerchantApi) -> str:
    found = [item["id"] for item in api.all("/webhook_endpoints", limit=100) if item["status"] == "enabled"]
    if len(found) != 1:
        raise typer.BadParameter(f"You have {len(found)} enabled endpoints: name one with --endpoint.")
    return str(found[0])


def retry_line(delivery: dict[str, Any]) -> str:
    """Return one line about the result of a retry."""
    attempt, name = delivery["attempt"], plain(delivery["id"])
    if attempt is None:
        return f"{name} is being sent, and the endpoint has not answered yet. See `clearway webhooks show {name}`."
    answer = f"HTTP {attempt['response_status']}" if attempt["response_status"] else plain(attempt["error"])
    return f"Attempt {attempt['number']} of {name}: {answer}. The delivery is {coloured(delivery['status'])}."


def _print_delivery(console: Console, delivery: dict[str, Any]) -> None:
    console.print(delivery_table([delivery]))
    console.print(
        f"\nEvent {plain(delivery['event_id'])}; its body: `clearway events show {plain(delivery['event_id'])}`"
    )
    rows = table("attempt", "by", "when (UTC)", "to", "answer", "took", "what went wrong", title="Delivery attempts")
    for attempt in delivery["attempts"]:
        response = attempt["response"]
        rows.add_row(
            plain(attempt["number"]),
            plain(attempt["trigger"]),
            clock(attempt["created_at"]),
            plain(attempt["request"]["url"]),
            plain(response["status"] if response else None),
            f"{attempt['duration_ms']} ms",
            plain(attempt["error"] or ""),
        )
    console.print(rows)
    for attempt in delivery["attempts"]:
        if attempt["response"] and attempt["response"]["body"]:
            console.print(f"\nAnswer to attempt {attempt['number']}:")
            console.print(plain(attempt["response"]["body"]))
