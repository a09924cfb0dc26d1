"""Quotes: what an order costs in another currency, for a short time and for one payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from clearway.db import fx
from clearway.domain.errors import ConflictError, NotFoundError, UnprocessableError
from clearway.domain.fx import AmountTooSmallError, RateMissingError, RateSet, converted, mid_rate, with_markup
from clearway.domain.ids import FX_QUOTE, is_id
from clearway.domain.merchant import Mode
from clearway.domain.money import Money
from clearway.fx import rates
from clearway.gateways.declared import capabilities_of
from clearway.services import Services


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """The order of a merchant, and the currency that the customer wants to pay in."""

    order_id: str
    money: Money
    currency: str
    markup_bps: int | None = None


async def quote(services: Services, merchant_id: str, mode: Mode, quote_id: str, asked: QuoteRequest) -> Row[Any]:
    """Make a quote and return its row; a repeat with the same id returns the first."""
    if asked.currency == asked.money.currency:
        raise _invalid(f"The order is in {asked.currency}: pay it without a quote")
    now, settings = datetime.now(UTC), services.settings
    newest = await rates.newest(services.engine, settings)
    _refuse_stale(newest, mode, settings.fx_age_max_s, now)
    markup_bps = settings.fx_markup_bps if asked.markup_bps is None else asked.markup_bps
    try:
        mid = mid_rate(newest, asked.money.currency, asked.currency)
        rate = with_markup(mid, markup_bps)
        found = converted(asked.money, asked.currency, rate, await _step(services, merchant_id, asked.currency))
    except RateMissingError as error:
        raise _invalid(f"{newest.source} has no rate for {error}") from None
    except AmountTooSmallError as error:
        raise _invalid(f"{error}, which is no amount to pay") from None
    values = {
        "id": quote_id,
        "merchant_id": merchant_id,
        "order_id": asked.order_id,
        "settlement_minor": asked.money.amount_minor,
        "settlement_currency": asked.money.currency,
        "presentment_minor": found.money.amount_minor,
        "presentment_currency": asked.currency,
        "exact_minor": found.exact_minor,
        "mid_rate": with_markup(mid, 0),
        "markup_bps": markup_bps,
        "rate": rate,
        "source": newest.source,
        "as_of": newest.as_of,
        "expires_at": now + timedelta(seconds=settings.fx_quote_life_s),
        "created_at": now,
    }
    async with services.engine.begin() as connection:
        return await fx.add_quote(connection, values)


async def find(services: Services, merchant_id: str, quote_id: str) -> Row[Any]:
    """Return the merchant's quote. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        row = await fx.find_quote(connection, merchant_id, quote_id) if is_id(FX_QUOTE, quote_id) else None
    if row is None:
        raise NotFoundError("fx_quote_not_found", f"You have no quote {quote_id!r}. Nothing was charged.")
    return row


def shown_rate(rate: Decimal) -> str:
    """Return a rate as text, without an exponent: JSON numbers would lose digits."""
    return f"{rate:f}"


def _invalid(what: str) -> UnprocessableError:
    return UnprocessableError("fx_pair_invalid", f"{what}. Nothing was quoted.")


def _refuse_stale(newest: RateSet, mode: Mode, most_s: float, now: datetime) -> None:
    age_s = rates.age_s(newest, now)
    if mode is Mode.LIVE and age_s > most_s:
        detail = (
            f"The newest rates of {newest.source} are of {newest.as_of:%Y-%m-%d}, too old for live payments. Nothing "
            "was quoted. Let the customer pay in the order's currency, or ask the operator of this installation."
        )
        raise ConflictError("fx_rates_stale", detail)


async def _step(services: Services, merchant_id: str, currency: str) -> int:
    """Return the coarsest step of the gateways that take the currency: the route is not known yet."""
    configs = await services.gateways.of_merchant(merchant_id)
    able = [capabilities_of(config) for config in configs if config.enabled]
    return max((each.step_minor.get(currency, 1) for each in able), default=1)
