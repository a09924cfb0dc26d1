"""`clearway payments`: list, show, create, capture, cancel, resolve and forget payments.

Lists and details come from the REST API; the workflow's state, and the way to resolve a review, from Temporal.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import typer

from clearway.cli import checkout
from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, IdempotencyKey, Limit, MerchantApi, open_api
from clearway.cli.output import amount_of, clock, coloured, plain, table
from clearway.cli.problems import CommandError
from clearway.cli.resolving import Moved, Operator, Reason, Reference, resolve, workflow_of
from clearway.cli.running import login
from clearway.cli.views import instrument, story_parts
from clearway.domain.actor import operator as named
from clearway.domain.payment import PaymentMethod, PaymentStatus
from clearway.durable.messages import Resolution, payment_workflow_id

payments: Final = typer.Typer(
    help="Payments: list, show, create, capture, cancel, forget, and resolve those in needs_review.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(payments, name="payments", rich_help_panel="Look and act")


@payments.command("list")
@asks_api
@shows_result
def list_payments(
    api: MerchantApi,
    *,
    status: Annotated[PaymentStatus | None, typer.Option(help="Only payments with this status.")] = None,
    method: Annotated[PaymentMethod | None, typer.Option(help="Only payments by this method.")] = None,
    search: Annotated[str | None, typer.Option(help="A payment or order id, a VPA, an e-mail or a receipt.")] = None,
    limit: Limit = 20,
) -> Result:
    """List the merchant's payments, newest first."""
    found = api.all("/payments", limit=limit, status=status, method=method, search=search)
    rows = table("payment", "status", "amount", "by", "order", "created (UTC)", "error")
    for item in found:
        rows.add_row(
            plain(item["id"]),
            coloured(item["status"]),
            plain(amount_of(item)),
            plain(instrument(item)),
            plain(item["order_id"]),
            clock(item["created_at"]),
            plain(item["error_code"] or ""),
        )
    return Result(found, rows if found else "No payments.")


@payments.command("show")
@shows_result
def show_payment(
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    any_merchant: Annotated[
        bool,
        typer.Option(
            "--any-merchant",
            help="For operators: read a payment of any merchant from the database. The audit log records it.",
        ),
    ] = False,
    operator: Operator = None,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> Result:
    """Show a payment, its history, refunds and webhook deliveries, and its workflow with a link to the Temporal UI."""
    if any_merchant:
        story = _story_of_any(payment_id, operator or login())
    else:
        with open_api(api_url, api_key, api_secret) as api:
            story = {
                "payment": api.get(f"/payments/{payment_id}"),
                "history": api.get(f"/payments/{payment_id}/history")["data"],
                "refunds": api.all(f"/payments/{payment_id}/refunds", limit=100),
                "deliveries": api.all(f"/payments/{payment_id}/webhooks", limit=100),
            }
    story["workflow"] = workflow_of(payment_workflow_id(payment_id))
    return Result(story, *story_parts(story))


@payments.command("create")
@asks_api
@shows_result
def create_payment(
    api: MerchantApi,
    *,
    amount: Annotated[
        int | None, typer.Option(help="Create an order of this amount, in minor units.", min=1, show_default=False)
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency of the new order (ISO 4217).")] = "INR",
    order: Annotated[
        str | None, typer.Option(help="Pay this order instead of creating one.", show_default=False)
    ] = None,
    vpa: Annotated[str | None, typer.Option(help="Pay by UPI.", show_default=False)] = None,
    upi_intent: Annotated[
        bool, typer.Option("--upi-intent", help="Pay by a UPI app, with the link that is printed.")
    ] = False,
    card: Annotated[str | None, typer.Option(help="Pay by a test card: its number.", show_default=False)] = None,
    token: Annotated[str | None, typer.Option(help="Pay by a card token.", show_default=False)] = None,
    bank: Annotated[str | None, typer.Option(help="Pay by netbanking: the bank's code.", show_default=False)] = None,
    wallet: Annotated[str | None, typer.Option(help="Pay by wallet: its code.", show_default=False)] = None,
    manual_capture: Annotated[bool, typer.Option(help="Authorise now, capture later.")] = False,
    return_url: Annotated[
        str | None, typer.Option(help="Where the customer comes back to.", show_default=False)
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Create a payment of an order that you name, or of a new order. Test values: docs/testing-values.md."""
    body = {
        **_instrument_asked(
            upi_intent="" if upi_intent else None, vpa=vpa, card=card, token=token, bank=bank, wallet=wallet
        ),
        "capture_method": "manual" if manual_capture else "automatic",
    }
    if return_url is not None:
        body["return_url"] = return_url
    if (order is None) == (amount is None):
        raise typer.BadParameter("Name one of the two: --order to pay an order, or --amount to make one.")
    order_id = order or _order_of(api, amount, currency, idempotency_key)
    payment = api.post("/payments", {"order_id": order_id, **body}, idempotency_key=idempotency_key)
    return _result(payment)


@payments.command("capture")
@asks_api
@shows_result
def capture_payment(
    api: MerchantApi,
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    amount: Annotated[
        int | None, typer.Option(help="In minor units. Default: everything that is left.", min=1, show_default=False)
    ] = None,
    final: Annotated[
        bool,
        typer.Option(
            "--final/--not-final", help="Release the rest after this capture, or keep it for further captures."
        ),
    ] = True,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Capture part or all of the authorised amount."""
    body = ({} if amount is None else {"amount": amount}) | {"final": final}
    payment = api.post(f"/payments/{payment_id}/capture", body, idempotency_key=idempotency_key)
    return _result(payment)


@payments.command("retry")
@asks_api
@shows_result
def retry_payment(
    api: MerchantApi,
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    gateway: Annotated[str | None, typer.Option(help="Another of the merchant's gateways, gw_….")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Make another attempt of a payment that is retrying."""
    body = {} if gateway is None else {"gateway_id": gateway}
    payment = api.post(f"/payments/{payment_id}/retry", body, idempotency_key=idempotency_key)
    return _result(payment)


@payments.command("cancel")
@asks_api
@shows_result
def cancel_payment(
    api: MerchantApi,
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    reason: Annotated[str | None, typer.Option(help="Why, for the history.", show_default=False)] = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Cancel a payment, or void the part of the authorisation that is not captured."""
    body = {} if reason is None else {"reason": reason}
    payment = api.post(f"/payments/{payment_id}/cancel", body, idempotency_key=idempotency_key)
    return _result(payment)


@payments.command("resolve")
@shows_result
def resolve_payment(
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    outcome: Annotated[
        Literal["success", "authorized", "failed", "cancelled"],
        typer.Option(help="What happened, according to the gateway's records."),
    ],
    reason: Reason,
    operator: Operator = None,
    gateway_reference: Reference = None,
    amount: Moved = None,
) -> Result:
    """Decide a payment in needs_review, after you looked it up at the gateway. This changes the ledger permanently."""
    resolution = Resolution(outcome, operator or login(), reason, gateway_reference, amount)
    return resolve(payment_id, resolution)


@payments.command("forget")
@shows_result
def forget_payment(
    payment_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…")],
    *,
    reason: Annotated[str, typer.Option(help="Why. The audit log keeps it permanently: write no personal data.")],
    operator: Operator = None,
) -> Result:
    """Permanently remove customer, instrument, notes and return URL of an ended payment. Amounts stay."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.domain.errors import ClearwayError  # noqa: PLC0415
    from clearway.payments import forgetting  # noqa: PLC0415

    who = named(operator or login())
    try:
        left = in_transaction(lambda connection: forgetting.of_any_merchant(connection, who, payment_id, reason))
    except ClearwayError as error:
        raise CommandError(str(error)) from None
    return Result(left, f"{plain(payment_id)} is forgotten. What this did not reach: docs/operations.md")


def _order_of(api: MerchantApi, amount: int | None, currency: str, key: str | None) -> str:
    """Create the payment's order; its key is made from the payment's, so that a repeat finds the same order."""
    order = api.post("/orders", {"amount": amount, "currency": currency}, idempotency_key=key and f"{key}.order")
    return str(order["id"])


def _story_of_any(payment_id: str, who: str) -> dict[str, Any]:
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.payments import story  # noqa: PLC0415

    found = in_transaction(lambda connection: story.of_any_merchant(connection, payment_id, named(who)))
    if found is None:
        raise CommandError(f"No merchant of this installation has a payment {payment_id!r}.")
    return found


def _instrument_asked(**given: str | None) -> dict[str, Any]:
    """Return the part of a payment's body that says how it is paid. Raises BadParameter unless exactly one is given."""
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) != 1:
        raise typer.BadParameter(
            "Say how it is paid, in one way: --upi-intent, --vpa, --card, --token, --bank or --wallet."
        )
    [(name, value)] = named.items()
    match name:
        case "upi_intent":
            return {"method": "upi"}
        case "vpa":
            return {"method": "upi", "vpa": value}
        case "card":
            return checkout.card(value)
        case "token":
            return {"method": "card", "token": value}
        case "bank":
            return {"method": "netbanking", "bank": {"code": value}}
        case _:
            return {"method": "wallet", "wallet": {"code": value}}


def _result(payment: dict[str, Any]) -> Result:
    captured = f", captured {plain(amount_of(payment, 'amount_captured'))}" if payment["amount_captured"] else ""
    return Result(
        payment, f"{plain(payment['id'])} of {plain(amount_of(payment))} is {coloured(payment['status'])}{captured}."
    )
