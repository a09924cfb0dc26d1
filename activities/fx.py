"""Exchange rates, fetched by maintenance."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from clearway.fx import rates
from clearway.fx.providers import RatesUnavailableError
from clearway.settings import Settings


class FxActivities:
    """The rates of the installation."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    @activity.defn(name="refresh_fx_rates")
    async def refresh(self) -> int:
        """Fetch new rates if they are due; return how many are new. An unreachable feed is left to the next round."""
        try:
            return await rates.refresh(self._engine, self._settings, datetime.now(UTC))
        except RatesUnavailableError as error:
            activity.logger.error("exchange rates are not fetched: %s", error)
            failed = activity.metric_meter().create_counter("clearway_fx_fetch_failures", "Failed fetches of rates.")
            failed.add(1)
            return 0
