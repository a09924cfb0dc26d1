"""`clearway refunds`: list, show, create and resolve refunds."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.merchant_api import IdempotencyKey, Limit, MerchantApi
from clearway.cli.output import amount_of, coloured, plain
from clearway.cli.resolving import Moved, Operator, Reason, Reference, resolve, workflow_of
from clearway.cli.running import login
from clearway.cli.views import refund_table, workflow_parts
from clearway.domain.refund import RefundStatus
from clearway.durable.messages import Resolution, refund_workflow_id

refunds: Final = typer.Typer(
    help="Refunds: list, show, create, and resolve those in needs_review.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(refunds, name="refunds", rich_help_panel="Look and act")


@refunds.command("create")
@asks_api
@shows_result
def create_refund(
    api: MerchantApi,
    payment_id: Annotated[str, typer.Argument(metavar="PAYMENT", help="pay_…")],
    *,
    amount: Annotated[
        int | None, typer.Option(help="In minor units. Default: everything that is left.", min=1, show_default=False)
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for your own records.", show_default=False)] = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Refund a payment, in full or in part. The gateway pays it out later, and a webhook reports it."""
    given = {"amount": amount, "reason": reason}
    body = {name: value for name, value in given.items() if value is not None}
    refund = api.post(f"/payments/{payment_id}/refunds", body, idempotency_key=idempotency_key)
    return Result(refund, f"{plain(refund['id'])} of {plain(amount_of(refund))} is {coloured(refund['status'])}.")


@refunds.command("list")
@asks_api
@shows_result
def list_refunds(
    api: MerchantApi,
    *,
    status: Annotated[RefundStatus | None, typer.Option(help="Only refunds with this status.")] = None,
    limit: Limit = 20,
) -> Result:
    """List the merchant's refunds, newest first."""
    found = api.all("/refunds", limit=limit, status=status)
    return Result(found, refund_table(found) if found else "No refunds.")


@refunds.command("show")
@asks_api
@shows_result
def show_refund(api: MerchantApi, refund_id: Annotated[str, typer.Argument(metavar="ID", help="rfnd_…")]) -> Result:
    """Show a refund, and its workflow with a link to the Temporal UI."""
    refund = api.get(f"/refunds/{refund_id}")
    workflow = workflow_of(refund_workflow_id(refund_id))
    return Result({"refund": refund, "workflow": workflow}, refund_table([refund]), *workflow_parts(workflow))


@refunds.command("resolve")
@shows_result
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
) -> Result:
    """Decide a refund in needs_review, after you looked it up at the gateway. This changes the ledger permanently."""
    resolution = Resolution(outcome, operator or login(), reason, gateway_reference, amount)
    return resolve(refund_id, resolution)
