"""The events of a run: one when it has completed or failed, with what it found."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import DueDelivery, Happening, record_events
from clearway.db.reconciliation import items
from clearway.domain.events import EventType
from clearway.domain.reconciliation import RunStatus
from clearway.reconciliation.showing import run_resource


async def completed(connection: AsyncConnection, run: Row[Any]) -> list[DueDelivery]:
    """Write the event of a run that has ended, in its transaction; return the deliveries that are due."""
    is_failed = run.status == RunStatus.FAILED.value
    found = await items.open_by_kind(connection, run.merchant_id, [run.id])
    happening = Happening(
        type=EventType.RECONCILIATION_FAILED if is_failed else EventType.RECONCILIATION_COMPLETED,
        merchant_id=run.merchant_id,
        data=run_resource(run, found[run.id]).data(),
        step="ended",
        subject_id=run.id,
        from_status=RunStatus.RUNNING.value,
        to_status=run.status,
        reason=run.failure,
        actor="system",
    )
    return await record_events(connection, [happening], now=run.ended_at)
