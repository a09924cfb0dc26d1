"""`clearway refunds`: list, show, create and resolve refunds."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, IdempotencyKey, Limit, open_api
from clearway.cli.output import JsonFlag, amount_of, coloured, out, plain, print_json
from clearway.cli.resolving import Moved, Operator, Reason, Reference, resolve, workflow_of
from clearway.cli.running import login
from clearway.cli.views import print_workflow, refund_table
from clearway.domain.refund import RefundStatus
from clearway.durable.messages import Resolution, refund_workflow_id

refunds: Final = typer.Typer(
    help="Refunds: list, show, create, and resolve those in needs_review.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(refunds, name="refunds", rich_help_panel="Look and act")


@refunds.command("create")
def create_refund(
    payment_id: Annotated[str, typer.Argument(metavar="PAYMENT", help="pay_…")],
    *,
    amount: Annotated[
        int | None, typer.Option(help="In minor units. Default: everything that is left.", min=1, show_default=False)
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for your own records.", show_default=False)] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Refund a payment, in full or in part. The gateway pays it out later, and a webhook reports it."""
    given = {"amount": amount, "reason": reason}
    body = {name: value for name, value in given.items() if value is not None}
    with open_api(api_url, api_key, api_secret) as api:
        refund = api.post(f"/payments/{payment_id}/refunds", body, idempotency_key=idempotency_key)
    if as_json:
        print_json(refund)
    else:
        out().print(f"{plain(refund['id'])} of {plain(amount_of(refund))} is {coloured(refund['status'])}.")


@refunds.command("list")
def list_refunds(
    *,
    status: Annotated[RefundStatus | None, typer.Option(help="Only refunds with this status.")] = None,
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
        out().print(refund_table(found) if found else "No refunds.")


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
    workflow = workflow_of(refund_workflow_id(refund_id))
    if as_json:
        print_json({"refund": refund, "workflow": workflow})
        return
    console = out()
    console.print(refund_table([refund]))
    print_workflow(console, workflow)


@refunds.command("resolve")
def resolve_refund(
    refund_id: Annotated[str, typer.Argument(metavar="ID", help="rfnd_…")],
    *,
    outcome: Annotated[
        Literal["processed", "failed"], typer.Option(help="What happened, according to the gateway's records.")
    ],
    reason: Reason,
    operator: Operator = None,
    gateway_reference: Reference = None,
    amount: Moved = None,
    as_json: JsonFlag = False,
) -> None:
    """Decide a refund in needs_review, after you looked it up at the gateway. This changes the ledger for good."""
    resolution = Resolution(outcome, operator or login(), reason, gateway_reference, amount)
    resolve(refund_id, resolution, as_json=as_json)
