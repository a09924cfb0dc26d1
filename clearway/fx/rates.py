"""The rates of the installation: fetched by maintenance, and read with their source and age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import fx
from clearway.db.engine import each_for_itself
from clearway.domain.fx import RateMissingError, RateSet
from clearway.fx.providers import RateProvider, Seed, provider_of
from clearway.setting_values import FxProvider
from clearway.settings import Settings

log = structlog.get_logger(__name__)


async def refresh(engine: AsyncEngine, settings: Settings, now: datetime) -> int:
    """Fetch new rates if the last are older than `fx_refresh_s`; return how many are new.

    The seed is stored beside: it has rates when the feed never answered. Raises RatesUnavailableError.
    """
    found = await _stored(engine, Seed(), once=True)
    if settings.fx_provider is FxProvider.SEED or not await _is_due(engine, settings, now):
        return found
    provider, client = provider_of(settings)
    try:
        return found + await _stored(engine, provider)
    finally:
        if client is not None:
            await client.aclose()


async def newest(engine: AsyncEngine, settings: Settings) -> RateSet:
    """Return the newest rates: of the provider, or else of the seed. Raises RateMissingError when there are none."""
    found = await _newest(engine, settings)
    if found is None:
        await _stored(engine, Seed(), once=True)  # a new installation, before its first maintenance
        found = await _newest(engine, settings)
    if found is None:
        raise RateMissingError("any currency")
    return found


async def _newest(engine: AsyncEngine, settings: Settings) -> RateSet | None:
    async with each_for_itself(engine).connect() as connection:
        for source in dict.fromkeys((settings.fx_provider.value, Seed.source)):
            found = await fx.latest(connection, source)
            if found is not None:
                return found
    return None


async def _is_due(engine: AsyncEngine, settings: Settings, now: datetime) -> bool:
    async with each_for_itself(engine).connect() as connection:
        last = await fx.fetched_at(connection, settings.fx_provider.value)
    return last is None or now - last >= timedelta(seconds=settings.fx_refresh_s)


async def _stored(engine: AsyncEngine, provider: RateProvider, *, once: bool = False) -> int:
    async with each_for_itself(engine).connect() as connection:
        if once and await fx.fetched_at(connection, provider.source) is not None:
            return 0
    rates = await provider.fetch()
    async with engine.begin() as connection:
        new = await fx.add_rates(connection, rates)
    log.info("fx_rates_stored", source=rates.source, new=new, as_of=rates.as_of.isoformat())
    return new


def age_s(rates: RateSet, now: datetime | None = None) -> float:
    """Return how old the rates are."""
    return ((now or datetime.now(UTC)) - rates.as_of).total_seconds()
