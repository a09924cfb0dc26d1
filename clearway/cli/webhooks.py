"""`clearway webhooks` and `clearway events`: what was sent where, what was answered, and sending it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import RenderableType

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.merchant_api import Limit, MerchantApi
from clearway.cli.output import clock, coloured, plain, table
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
@asks_api
@shows_result
def list_deliveries(
    api: MerchantApi,
    *,
    status: Annotated[DeliveryStatus | None, typer.Option(help="Only deliveries with this status.")] = None,
    event: Annotated[EventType | None, typer.Option(help="Only of this type.")] = None,
    payment: Annotated[str | None, typer.Option(help="Only about this payment.")] = None,
    limit: Limit = 20,
) -> Result:
    """List the merchant's webhook deliveries, newest first."""
    found = api.all("/webhooks", limit=limit, status=status, event=event, payment_id=payment)
    return Result(found, delivery_table(found) if found else "No deliveries.")


@webhooks.command("show")
@asks_api
@shows_result
def show_delivery(api: MerchantApi, delivery_id: DeliveryId) -> Result:
    """Show a delivery with each attempt: request, answer and duration."""
    delivery = api.get(f"/webhooks/{delivery_id}")
    return Result(delivery, *_delivery(delivery))


@webhooks.command("retry")
@asks_api
@shows_result
def retry_delivery(api: MerchantApi, delivery_id: DeliveryId) -> Result:
    """Make one delivery attempt now, with the same webhook id, and show its result. The schedule does not change."""
    delivery = api.post(f"/webhooks/{delivery_id}/retry")
    return Result(delivery, retry_line(delivery))


@events.command("list")
@asks_api
@shows_result
def list_events(
    api: MerchantApi,
    *,
    event: Annotated[EventType | None, typer.Option("--type", help="Only of this type.")] = None,
    limit: Limit = 20,
) -> Result:
    """List the merchant's events, newest first."""
    found = api.all("/events", limit=limit, type=event)
    rows = table("event", "type", "when (UTC)", "about")
    for item in found:
        about = item["data"].get("id") or item["data"].get("endpoint_id")
        rows.add_row(plain(item["id"]), plain(item["type"]), clock(item["timestamp"]), plain(about))
    return Result(found, rows if found else "No events.")


@events.command("show")
@asks_api
@shows_result
def show_event(api: MerchantApi, event_id: Annotated[str, typer.Argument(metavar="ID", help="evt_…")]) -> Result:
    """Show an event, with the same body as its webhook."""
    return Result(api.get(f"/events/{event_id}"))


@events.command("resend")
@asks_api
@shows_result
def resend_event(
    api: MerchantApi,
    event_id: Annotated[str, typer.Argument(metavar="ID", help="evt_…")],
    *,
    endpoint: Annotated[
        str | None, typer.Option(help="Where to send it: whe_…. Not needed if there is only one endpoint.")
    ] = None,
) -> Result:
    """Send an event to an endpoint now, also if it was never sent there, and show the result."""
    endpoint_id = endpoint or _only_endpoint(api)
    delivery = api.post(f"/events/{event_id}/resend", {"endpoint_id": endpoint_id})
    return Result(delivery, retry_line(delivery))


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


def _delivery(delivery: dict[str, Any]) -> Iterator[RenderableType]:
    yield delivery_table([delivery])
    yield f"\nEvent {plain(delivery['event_id'])}: `clearway events show {plain(delivery['event_id'])}`"
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
    yield rows
    if delivery["attempts"]:
        yield "\nBody that was sent, the same on every attempt:"
        yield plain(delivery["attempts"][-1]["request"]["body"])
    for attempt in delivery["attempts"]:
        if attempt["response"] and attempt["response"]["body"]:
            yield f"\nAnswer to attempt {attempt['number']}:"
            yield plain(attempt["response"]["body"])
