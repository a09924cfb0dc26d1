"""`clearway payments` and `clearway refunds`: what stands in the books, what the workflow says, and a person's word.

Lists and details come from the REST API; the workflow's state, and the way to resolve a review, from Temporal.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console

from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, open_api
from clearway.cli.output import JsonFlag, amount_of, clock, coloured, out, plain, print_json, remarks, table
from clearway.cli.problems import CommandError
from clearway.cli.running import login
from clearway.domain.payment import PaymentMethod, PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.durable.messages import Resolution, payment_workflow_id, refund_workflow_id

payments: Final = typer.Typer(help="Payments: list, show, and resolve what needs a person.", no_args_is_help=True)
refunds: Final = typer.Typer(help="Refunds: list, show, and resolve what needs a person.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(help="How many to show.", min=1, max=10_000)]
Reason = Annotated[str, typer.Option(help="Why, for the timeline and the audit: what you saw at the gateway.")]
Operator = Annotated[str | None, typer.Option(help="Who decides; your login by default.", show_default=False)]
Reference = Annotated[str | None, typer.Option(help="The gateway's own reference, if you have it.")]


def register(app: typer.Typer) -> None:
    """Add the groups."""
    app.add_typer(payments, name="payments", rich_help_panel="Look and act")
    app.add_typer(refunds, name="refunds", rich_help_panel="Look and act")


@payments.command("list")
def list_payments(
    *,
    status: Annotated[PaymentStatus | None, typer.Option(help="Only these.")] = None,
    method: Annotated[PaymentMethod | None, typer.Option(help="Only these.")] = None,
    search: Annotated[str | None, typer.Option(help="A payment or order id, a VPA, an e-mail or a receipt.")] = None,
    limit: Limit = 20,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List the merchant's payments, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/payments", limit=limit, status=status, method=method, search=search)
    if as_json:
        print_json(found)
        return
    rows = table("payment", "status", "amount", "by", "order", "created (UTC)", "error")
    for item in found:
        rows.add_row(
            plain(item["id"]),
            coloured(item["status"]),
            plain(amount_of(item)),
            plain(_instrument(item)),
            plain(item["order_id"]),
            clock(item["created_at"]),
            plain(item["error_code"] or ""),
        )
    out().print(rows if found else "No payments.")


@payments.command("show")
def show_payment(
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show a payment, its history, refunds and webhook deliveries, and its workflow with a link to the Temporal UI."""
    with open_api(api_url, api_key, api_secret) as api:
        story = {
            "payment": api.get(f"/payments/{payment_id}"),
            "history": api.get(f"/payments/{payment_id}/history")["data"],
            "refunds": api.all(f"/payments/{payment_id}/refunds", limit=100),
            "deliveries": api.all(f"/payments/{payment_id}/webhooks", limit=100),
            "workflow": _workflow(payment_workflow_id(payment_id)),
        }
    if as_json:
        print_json(story)
    else:
        _print_story(story)


@payments.command("resolve")
def resolve_payment(
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    outcome: Annotated[
        Literal["success", "authorized", "failed", "cancelled"],
        typer.Option(help="What happened at the gateway, by its own records."),
    ],
    reason: Reason,
    operator: Operator = None,
    gateway_reference: Reference = None,
    as_json: JsonFlag = False,
) -> None:
    """Decide a payment in needs_review, after looking at the gateway. This moves the books: be sure."""
    _resolve(payment_workflow_id(payment_id), outcome, reason, operator, gateway_reference, as_json=as_json)


@refunds.command("list")
def list_refunds(
    *,
    status: Annotated[RefundStatus | None, typer.Option(help="Only these.")] = None,
    limit: Limit = 20,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """List the merchant's refunds, newest first."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.all("/refunds", limit=limit, status=status)
    if as_json:
        print_json(found)
    else:
        out().print(_refund_table(found) if found else "No refunds.")


@refunds.command("show")
def show_refund(
    refund_id: Annotated[str, typer.Argument(metavar="ID", help="rfnd_…")],
    *,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show a refund, and its workflow with a link to the Temporal UI."""
    with open_api(api_url, api_key, api_secret) as api:
        refund = api.get(f"/refunds/{refund_id}")
    workflow = _workflow(refund_workflow_id(refund_id))
    if as_json:
        print_json({"refund": refund, "workflow": workflow})
        return
    console = out()
    console.print(_refund_table([refund]))
    _print_workflow(console, workflow)


@refunds.command("resolve")
def resolve_refund(
    refund_id: Annotated[str, typer.Argument(metavar="ID", help="rfnd_…")],
    *,
    outcome: Annotated[
        Literal["processed", "failed"], typer.Option(help="What happened at the gateway, by its own records.")
    ],
    reason: Reason,
    operator: Operator = None,
    gateway_reference: Reference = None,
    as_json: JsonFlag = False,
) -> None:
    """Decide a refund in needs_review, after looking at the gateway. This moves the books: be sure."""
    _resolve(refund_workflow_id(refund_id), outcome, reason, operator, gateway_reference, as_json=as_json)


def _resolve(
    workflow_id: str, outcome: str, reason: str, operator: str | None, reference: str | None, *, as_json: bool
) -> None:
    from clearway.cli import durable  # noqa: PLC0415 - heavy

    if not reason.strip():
        raise typer.BadParameter("Say why: the reason is what the next person reads.", param_hint="--reason")
    resolution = Resolution(outcome, operator or login(), reason, reference)
    state = durable.resolve_review(workflow_id, resolution)
    if as_json:
        print_json(state.as_json())
    else:
        out().print(
            f"{plain(workflow_id)} is {coloured(state.payment_status)}, decided by {plain(resolution.operator)}."
        )


def _workflow(workflow_id: str) -> dict[str, Any] | None:
    """Return the workflow's state; a payment can be read without it, so its absence is only remarked upon."""
    from clearway.cli import durable  # noqa: PLC0415 - heavy

    try:
        return durable.workflow_state(workflow_id).as_json()
    except CommandError as error:
        remarks().print(f"[yellow]The workflow is not shown:[/] {plain(error)}")
        return None


def _instrument(payment: dict[str, Any]) -> str:
    """Return how it is paid: `card visa 4242`, `upi success@razorpay`, `netbanking HDFC`."""
    method = payment["method"]
    card, bank = payment["card"], payment["bank"] or payment["wallet"]
    shown = f"{card['brand']} {card['last4']}" if card else (bank["code"] if bank else payment["vpa"])
    return f"{method} {shown}" if shown else str(method)


def _print_story(story: dict[str, Any]) -> None:
    console = out()
    _print_payment(console, story["payment"])
    console.print(_history_table(story["history"]))
    if story["refunds"]:
        console.print(_refund_table(story["refunds"]))
    if story["deliveries"]:
        console.print(delivery_table(story["deliveries"]))
    _print_workflow(console, story["workflow"])


def _print_payment(console: Console, payment: dict[str, Any]) -> None:
    title = f"[bold]{plain(payment['id'])}[/]  {coloured(payment['status'])}  {plain(amount_of(payment))}"
    console.print(f"{title}  {plain(_instrument(payment))}  (order {plain(payment['order_id'])})")
    taken = f"captured {amount_of(payment, 'amount_captured')}, refunded {amount_of(payment, 'amount_refunded')}"
    console.print(f"{taken}, capture {payment['capture_method']}, gateway {plain(payment['gateway'])}")
    if payment["error_code"]:
        console.print(f"[red]{plain(payment['error_code'])}[/]: {plain(payment['error_description'])}")
    if payment["next_action"]:
        console.print(f"The customer must open: {plain(payment['next_action']['url'])}")


def _history_table(entries: list[dict[str, Any]]) -> Any:
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


def _refund_table(items: list[dict[str, Any]]) -> Any:
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


def delivery_table(items: list[dict[str, Any]]) -> Any:
    """Return the table of webhook deliveries."""
    rows = table(
        "delivery", "status", "event", "attempts", "answer", "next attempt (UTC)", "event id", title="Webhooks"
    )
    for item in items:
        rows.add_row(
            plain(item["id"]),
            coloured(item["status"]),
            plain(item["event_type"]),
            plain(item["attempt_count"]),
            plain(item["last_response_status"]),
            clock(item["next_attempt_at"]),
            plain(item["event_id"]),
        )
    return rows


def _print_workflow(console: Console, workflow: dict[str, Any] | None) -> None:
    if workflow is None:
        return
    rows = table(
        "when (UTC)", "what the workflow says", title=f"Workflow {workflow['id']}: {workflow['status'].lower()}"
    )
    for entry in workflow["timeline"] or ():
        rows.add_row(clock(entry["at"]), plain(entry["what"]))
    console.print(rows)
    if workflow["timeline"] is None:
        console.print("[yellow]No worker answered, so it can't tell its story now.[/]")
    if workflow["link"]:
        console.print(f"In the Temporal UI: {workflow['link']}")
