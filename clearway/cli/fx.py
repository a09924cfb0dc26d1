"""`clearway fx`: exchange rates, and quotes for paying an order in another currency."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, IdempotencyKey, open_api
from clearway.cli.output import JsonFlag, amount_of, clock, out, plain, print_json, remarks, table

fx: Final = typer.Typer(help="Currencies: exchange rates and quotes.", no_args_is_help=True)
DAY_S: Final = 86_400


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(fx, name="fx", rich_help_panel="Look and act")


@fx.command("rates")
def show_rates(
    *, as_json: JsonFlag = False, api_url: ApiUrl = None, api_key: ApiKey = None, api_secret: ApiSecret = None
) -> None:
    """Show the newest rates, their source and their age."""
    with open_api(api_url, api_key, api_secret) as api:
        found = api.get("/fx/rates")
    if as_json:
        print_json(found)
        return
    rows = table("currency", f"for 1 {found['base']}")
    for each in found["data"]:
        rows.add_row(plain(each["currency"]), plain(each["rate"]))
    out().print(rows)
    days = found["age_s"] / DAY_S
    remarks().print(f"Source {plain(found['source'])}, of {plain(found['as_of'][:10])}: {days:.1f} days old.")


@fx.command("quote")
def quote_order(
    order_id: Annotated[str, typer.Argument(metavar="ORDER", help="order_…")],
    currency: Annotated[str, typer.Argument(help="ISO 4217: what the customer pays in.")],
    *,
    markup_bps: Annotated[int | None, typer.Option(help="Added to the mid rate.", show_default=False)] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Quote what an order costs in another currency. A payment uses the quote's id, once."""
    body = {"order_id": order_id, "currency": currency} | ({} if markup_bps is None else {"markup_bps": markup_bps})
    with open_api(api_url, api_key, api_secret) as api:
        made = api.post("/fx/quotes", body, idempotency_key=idempotency_key)
    if as_json:
        print_json(made)
        return
    presentment, settlement = amount_of(made["presentment"]), amount_of(made["settlement"])
    out().print(f"{plain(made['id'])}: {presentment} for {settlement}, at {plain(made['rate'])}.")
    out().print(
        f"Source {plain(made['source'])} of {plain(made['as_of'][:10])}. Valid until {clock(made['expires_at'])}."
    )
