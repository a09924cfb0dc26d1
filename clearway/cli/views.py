"""How payments, refunds and deliveries are shown in a terminal: tables and the story of one payment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from clearway.cli.output import amount_of, clock, coloured, plain, table


def instrument(payment: dict[str, Any]) -> str:
    """Return how it is paid: `card visa 4242`, `upi success@razorpay`, `netbanking HDFC`."""
    method = payment["method"]
    card, bank = payment["card"], payment["bank"] or payment["wallet"]
    shown = f"{card['brand']} {card['last4']}" if card else (bank["code"] if bank else payment["vpa"])
    return f"{method} {shown}" if shown else str(method)


def story_parts(story: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield the parts of one payment's story: itself, its history, refunds, deliveries and workflow."""
    if "merchant_id" in story:
        yield f"Merchant {plain(story['merchant_id'])}"
    yield from _payment_lines(story["payment"])
    yield _history_table(story["history"])
    if story["refunds"]:
        yield refund_table(story["refunds"])
    if story["deliveries"]:
        yield delivery_table(story["deliveries"])
    yield from workflow_parts(story["workflow"])


def _payment_lines(payment: dict[str, Any]) -> Iterator[str]:
    title = f"[bold]{plain(payment['id'])}[/]  {coloured(payment['status'])}  {plain(amount_of(payment))}"
    yield f"{title}  {plain(instrument(payment))}  (order {plain(payment['order_id'])})"
    taken = f"captured {amount_of(payment, 'amount_captured')}, refunded {amount_of(payment, 'amount_refunded')}"
    yield f"{taken}, capture {payment['capture_method']}, gateway {plain(payment['gateway'])}"
    if payment["error_code"]:
        yield f"[red]{plain(payment['error_code'])}[/]: {plain(payment['error_description'])}"
    if payment["next_action"]:
        yield f"The customer must open: {plain(payment['next_action']['url'])}"


def _history_table(entries: list[dict[str, Any]]) -> RenderableType:
    rows = table("when (UTC)", "event", "from", "to", "why", "by", title="History")
    for entry in entries:
        rows.add_row(
            clock(entry["at"]),
            plain(entry["type"]),
            plain(entry["from_status"]),
            coloured(entry["to_status"]),
            plain(entry["reason"]),
            plain(entry["actor"]),
        )
    return rows


def refund_table(items: list[dict[str, Any]]) -> RenderableType:
    """Return the table of refunds."""
    rows = table("refund", "status", "amount", "payment", "reason", "created (UTC)", "error", title="Refunds")
    for item in items:
        rows.add_row(
            plain(item["id"]),
            coloured(item["status"]),
            plain(amount_of(item)),
            plain(item["payment_id"]),
            plain(item["reason"]),
            clock(item["created_at"]),
            plain(item["error_code"] or ""),
        )
    return rows


def delivery_table(items: list[dict[str, Any]]) -> RenderableType:
    """Return the table of webhook deliveries."""
    rows = table(
        *("delivery", "status", "event", "payment", "endpoint", "attempts", "answer", "next attempt (UTC)"),
        title="Webhooks",
    )
    for item in items:
        rows.add_row(
            plain(item["id"]),
            coloured(item["status"]),
            plain(item["event_type"]),
            plain(item["payment_id"]),
            plain(item["endpoint_id"]),
            plain(item["attempt_count"]),
            plain(item["last_response_status"]),
            clock(item["next_attempt_at"]),
        )
    return rows


def workflow_parts(workflow: dict[str, Any] | None) -> Iterator[RenderableType]:
    """Yield the workflow's own timeline, and its link in the Temporal UI."""
    if workflow is None:
        return
    rows = table(
        "when (UTC)", "what the workflow says", title=f"Workflow {workflow['id']}: {workflow['status'].lower()}"
    )
    for entry in workflow["timeline"] or ():
        rows.add_row(clock(entry["at"]), plain(entry["what"]))
    yield rows
    if workflow["timeline"] is None:
        yield "[yellow]No worker answered, so it can't tell its story now.[/]"
    if workflow["link"]:
        yield f"In the Temporal UI: {workflow['link']}"
