"""Housekeeping that the operations schedule asks for: each method may run at any time and any number of times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from clearway.db import across_merchants
from clearway.durable.deliveries import TemporalDeliveries

UNSTARTED_AFTER: Final = timedelta(minutes=2)
UNSTARTED_BATCH: Final = 500


class MaintenanceActivities:
    """The database, seen as a place to keep tidy."""

    def __init__(self, engine: AsyncEngine, deliveries: TemporalDeliveries) -> None:
        self._engine = engine
        self._deliveries = deliveries

    @activity.defn(name="forget_idempotency_keys")
    async def forget_idempotency_keys(self) -> int:
        """Delete the keys whose 24 hours are over; return how many."""
        async with self._engine.begin() as connection:
            return await across_merchants.forget_idempotency_keys(connection)

    @activity.defn(name="start_forgotten_deliveries")
    async def start_forgotten_deliveries(self) -> int:
        """Start deliveries that never had an attempt; return how many were looked at.

        Starting is idempotent, so one that only waits for a worker is not disturbed. What this finds was left by a
        process that died between writing a test event and starting its delivery.
        """
        async with self._engine.connect() as connection:
            due = await across_merchants.due_unstarted(connection, datetime.now(UTC) - UNSTARTED_AFTER, UNSTARTED_BATCH)
        await self._deliveries.start(due)
        return len(due)
