"""A payment in another currency than its order's: the quote that says how much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from clearway.db.across_merchants import PayableOrder
from clearway.domain.errors import ConflictError, UnprocessableError
from clearway.fx import quotes
from clearway.services import Services


async def find(services: Services, order: PayableOrder, quote_id: str | None) -> Row[Any] | None:
    """Return the quote for this order. Raises NotFoundError, ConflictError when it has expired, UnprocessableError."""
    if quote_id is None:
        return None
    found = await quotes.find(services, order.merchant_id, quote_id)
    if found.order_id != order.resource.id:
        detail = f"Quote {quote_id} is for order {found.order_id}. Nothing was charged. Quote this order."
        raise UnprocessableError("fx_quote_invalid", detail)
    if found.expires_at <= datetime.now(UTC):
        detail = f"Quote {quote_id} expired at {found.expires_at.isoformat()}. Nothing was charged. Ask for another."
        raise ConflictError("fx_quote_expired", detail)
    return found


def payable(order: PayableOrder, quote: Row[Any] | None) -> PayableOrder:
    """Return the order with what the customer pays."""
    if quote is None:
        return order
    money = {"amount": quote.presentment_minor, "currency": quote.presentment_currency}
    return replace(order, resource=order.resource.model_copy(update=money))


def settlement(quote: Row[Any] | None) -> dict[str, Any]:
    """Return the fields of a new payment that say what settles."""
    if quote is None:
        return {}
    return {
        "quote_id": quote.id,
        "settlement_minor": quote.settlement_minor,
        "settlement_currency": quote.settlement_currency,
        "fx_exact_minor": quote.exact_minor,
        "fx_rate": quotes.shown_rate(quote.rate),
    }


def used() -> ConflictError:
    """Return the error for a quote that another payment has used."""
    return ConflictError("fx_quote_used", "Another payment has used the quote. Nothing was charged. Ask for another.")
