"""`clearway fx`: exchange rates, and quotes for paying an order in another currency."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.merchant_api import IdempotencyKey, MerchantApi
from clearway.cli.output import amount_of, clock, plain, table

fx: Final = typer.Typer(help="Currencies: exchange rates and quotes.", no_args_is_help=True)
DAY_S: Final = 86_400


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(fx, name="fx", rich_help_panel="Look and act")


@fx.command("rates")
@asks_api
@shows_result
def show_rates(api: MerchantApi) -> Result:
    """Show the newest rates, their source and their age."""
    found = api.get("/fx/rates")
    rows = table("currency", f"for 1 {found['base']}")
    for each in found["data"]:
        rows.add_row(plain(each["currency"]), plain(each["rate"]))
    days = found["age_s"] / DAY_S
    source = f"Source {plain(found['source'])}, of {plain(found['as_of'][:10])}: {days:.1f} days old."
    return Result(found, rows, remarks=[source])


@fx.command("quote")
@asks_api
@shows_result
def quote_order(
    api: MerchantApi,
    order_id: Annotated[str, typer.Argument(metavar="ORDER", help="order_…")],
    currency: Annotated[str, typer.Argument(help="ISO 4217: what the customer pays in.")],
    *,
    markup_bps: Annotated[int | None, typer.Option(help="Added to the mid rate.", show_default=False)] = None,
    idempotency_key: IdempotencyKey = None,
) -> Result:
    """Quote what an order costs in another currency. A payment uses the quote's id, once."""
    body = {"order_id": order_id, "currency": currency} | ({} if markup_bps is None else {"markup_bps": markup_bps})
    made = api.post("/fx/quotes", body, idempotency_key=idempotency_key)
    presentment, settlement = amount_of(made["presentment"]), amount_of(made["settlement"])
    return Result(
        made,
        f"{plain(made['id'])}: {presentment} for {settlement}, at {plain(made['rate'])}.",
        f"Source {plain(made['source'])} of {plain(made['as_of'][:10])}. Valid until {clock(made['expires_at'])}.",
    )
