"""Rates and quotes in requests and answers. Rates are texts: a JSON number would lose digits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Row

from api.http.fields import Body, CurrencyCode
from api.payments.schemas import OrderId
from clearway.domain.fx import MARKUP_BPS_MAX
from clearway.domain.resources import Minor, Moment, Resource
from clearway.fx.quotes import shown_rate

Rate = Annotated[str, Field(description="A decimal number as text.", examples=["83.1250000000"])]


class FxRate(BaseModel):
    """One rate."""

    currency: str
    rate: Rate


class FxRates(BaseModel):
    """The newest rates of the installation."""

    object: Literal["fx_rates"] = "fx_rates"
    source: Annotated[str, Field(description="`seed`: a file that comes with Clearway and may be old.")]
    base: str
    as_of: Annotated[Moment, Field(description="The day of the rates.")]
    age_s: Annotated[int, Field(description="How old they are now.")]
    data: list[FxRate]


class QuoteCreate(Body):
    """Which order is to be paid in which currency."""

    order_id: OrderId
    currency: Annotated[CurrencyCode, Field(description="The currency that the customer pays in.")]
    markup_bps: Annotated[
        int | None,
        Field(strict=True, ge=0, le=MARKUP_BPS_MAX, description="Added to the mid rate. Default: of the installation."),
    ] = None


class QuoteMoney(BaseModel):
    """An amount in one currency."""

    amount: Minor
    currency: str


class FxQuote(Resource):
    """What an order costs in another currency. It can be used once, until it expires."""

    id: str
    object: Literal["fx_quote"] = "fx_quote"
    order_id: str
    presentment: Annotated[QuoteMoney, Field(description="What the customer pays.")]
    settlement: Annotated[QuoteMoney, Field(description="The amount of the order.")]
    rate: Annotated[Rate, Field(description="With the markup: presentment for one unit of the order's currency.")]
    mid_rate: Rate
    markup_bps: int
    source: str
    as_of: Moment
    expired: bool
    expires_at: Moment
    created_at: Moment


def quote_resource(row: Row[Any]) -> FxQuote:
    """Render a quote."""
    return FxQuote(
        id=row.id,
        order_id=row.order_id,
        presentment=QuoteMoney(amount=row.presentment_minor, currency=row.presentment_currency),
        settlement=QuoteMoney(amount=row.settlement_minor, currency=row.settlement_currency),
        rate=shown_rate(row.rate),
        mid_rate=shown_rate(row.mid_rate),
        markup_bps=row.markup_bps,
        source=row.source,
        as_of=row.as_of,
        expired=row.expires_at <= datetime.now(UTC),
        expires_at=row.expires_at,
        created_at=row.created_at,
    )
