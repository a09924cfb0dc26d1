"""Exchange rates of the installation, and quotes of a merchant, as stored."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import fx_quotes, fx_rates
from clearway.domain.fx import RateSet
from clearway.domain.ids import FX_RATE, new_id


async def add_rates(connection: AsyncConnection, rates: RateSet) -> int:
    """Write rates; those that are there already are left as they are. Return how many are new."""
    rows = [
        {
            "id": new_id(FX_RATE),
            "source": rates.source,
            "base": rates.base,
            "currency": currency,
            "rate": rate,
            "as_of": rates.as_of,
        }
        for currency, rate in sorted(rates.rates.items())
    ]
    if not rows:
        return 0
    written = insert(fx_rates).values(rows).on_conflict_do_nothing().returning(fx_rates.c.id)
    return len((await connection.execute(written)).all())


async def latest(connection: AsyncConnection, source: str) -> RateSet | None:
    """Return the newest rates of a source; None: it has none. Each set is of one moment."""
    rate = fx_rates.c
    newest = select(rate.base, rate.as_of).where(rate.source == source).order_by(rate.as_of.desc(), rate.id.desc())
    found = (await connection.execute(newest.limit(1))).one_or_none()
    if found is None:
        return None
    query = select(rate.currency, rate.rate).where(
        rate.source == source, rate.base == found.base, rate.as_of == found.as_of
    )
    rows = await connection.execute(query.order_by(rate.id))  # of corrections the last one counts
    return RateSet(source, found.base, found.as_of, {row.currency: Decimal(row.rate) for row in rows})


async def fetched_at(connection: AsyncConnection, source: str) -> datetime | None:
    """Return when a source had new rates last."""
    query = select(fx_rates.c.fetched_at).where(fx_rates.c.source == source).order_by(fx_rates.c.id.desc()).limit(1)
    found: datetime | None = await connection.scalar(query)
    return found


async def add_quote(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any]:
    """Write a quote and return it; a repeat with the same id returns the first."""
    await connection.execute(insert(fx_quotes).values(values).on_conflict_do_nothing())
    row = await find_quote(connection, values["merchant_id"], values["id"])
    assert row is not None, "it was just written, or before"
    return row


async def find_quote(connection: AsyncConnection, merchant_id: str, quote_id: str) -> Row[Any] | None:
    """Return the merchant's quote, or None."""
    query = select(fx_quotes).where(fx_quotes.c.id == quote_id, fx_quotes.c.merchant_id == merchant_id)
    return (await connection.execute(query)).one_or_none()
