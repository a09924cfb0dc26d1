"""Adding the delivery of an event to an endpoint that had none when the event was written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import events, webhook_deliveries
from clearway.db.writing import Rows, write
from clearway.domain.ids import DELIVERY, new_id


async def add(
    connection: AsyncConnection, merchant_id: str, event_id: str, endpoint: Row[Any], *, now: datetime, wait_s: float
) -> bool:
    """Add the delivery of an event that had none to this endpoint, unless there is one now; False: no such event.

    Its schedule begins after `wait_s`.
    """
    query = select(events.c.type, events.c.payment_id).where(
        events.c.id == event_id, events.c.merchant_id == merchant_id
    )
    event = (await connection.execute(query)).one_or_none()
    if event is None:
        return False
    row = {
        "id": new_id(DELIVERY),
        "merchant_id": merchant_id,
        "event_id": event_id,
        "endpoint_id": endpoint.id,
        "event_type": event.type,
        "payment_id": event.payment_id,
        "next_attempt_at": now + timedelta(seconds=wait_s),
        "created_at": now,
        "updated_at": now,
    }
    await write(connection, [Rows(webhook_deliveries, [row], unless_there=True)])
    return True
