"""Recover or cancel many deliveries of one webhook endpoint, a page at a time.

Each page is one transaction that records its progress, so a page may be repeated and none is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from clearway.db.deliveries import recording, recovering
from clearway.db.events import DueDelivery
from clearway.domain.delivery import ENDPOINT_CLOSED, RecoveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import ClosingInput, RecoveryInput, RecoveryProgress

RECOVERY_PAGE: Final = 50
RECOVERY_WAITING_MAX: Final = 100
"""While so many recovered deliveries wait for their first attempt, no more are begun: the endpoint sets the pace."""
CLOSING_PAGE: Final = 200
DELETED: Final = "the endpoint is deleted"


@dataclass(frozen=True)
class ClosedPage:
    """What was cancelled. after: where the next page begins; None: there is none."""

    cancelled: int
    after: str | None


class EndpointActivities:
    """The deliveries in the database, and their workflows."""

    def __init__(self, engine: AsyncEngine, deliveries: TemporalDeliveries) -> None:
        self._engine = engine
        self._deliveries = deliveries

    @activity.defn(name="recover_page")
    async def recover_page(self, asked: RecoveryInput) -> RecoveryProgress:
        """Begin the deliveries of the next page, or none while too many earlier ones wait for their first attempt."""
        begun, waiting, progress = await self._begin_page(asked)
        if activity.info().attempt > 1:  # the one before may have died between the page and its workflows
            await self._deliveries.resume(waiting)
        await self._deliveries.recover(begun)
        return progress

    @activity.defn(name="cancel_deliveries")
    async def cancel_deliveries(self, asked: ClosingInput) -> ClosedPage:
        """Cancel the next page of deliveries to a deleted endpoint, rows first and then their workflows."""
        async with self._engine.begin() as connection:
            cancelled = await recording.cancel_page(
                connection, asked.merchant_id, asked.endpoint_id, after=asked.after, limit=CLOSING_PAGE, why=DELETED
            )
        await self._deliveries.close(cancelled)
        after = cancelled[-1].delivery_id if len(cancelled) == CLOSING_PAGE else None
        return ClosedPage(len(cancelled), after)

    async def _begin_page(self, asked: RecoveryInput) -> tuple[list[DueDelivery], list[DueDelivery], RecoveryProgress]:
        now = datetime.now(UTC)
        async with self._engine.begin() as connection:
            row = await recovering.lock(connection, asked.merchant_id, asked.recovery_id)
            waiting = await recovering.unattempted(connection, asked.merchant_id, asked.recovery_id)
            if row.status != RecoveryStatus.RUNNING.value:
                return [], waiting, RecoveryProgress(row.status, row.recovered, len(waiting))
            if row.endpoint_status != EndpointStatus.ENABLED.value or row.endpoint_deleted_at is not None:
                stopped = {"status": RecoveryStatus.STOPPED.value, "stopped_reason": ENDPOINT_CLOSED}
                await recovering.change(connection, row, stopped, now)
                return [], waiting, RecoveryProgress(RecoveryStatus.STOPPED, row.recovered, len(waiting))
            if len(waiting) >= RECOVERY_WAITING_MAX:
                await recovering.change(connection, row, {}, now)
                return [], waiting, RecoveryProgress(RecoveryStatus.RUNNING, row.recovered, len(waiting))
            begun, is_last = await recovering.begin_page(connection, row, RECOVERY_PAGE, now)
            status = RecoveryStatus.COMPLETED if is_last else RecoveryStatus.RUNNING
            recovered = row.recovered + len(begun)
            return begun, waiting, RecoveryProgress(status, recovered, len(waiting) + len(begun))
