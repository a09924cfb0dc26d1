"""Events of all merchants as they appear, for the process that passes them on to their own merchants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import CHANGE
from clearway.db.tables import events

EVENTS_AFTER: Final = (
    select(*CHANGE).where(events.c.id > bindparam("after_id")).order_by(events.c.id).limit(bindparam("most"))
)


async def events_after(connection: AsyncConnection, after_id: str, limit: int) -> Sequence[Row[Any]]:
    """Return the events with ids after this one, in their order."""
    rows: Sequence[Row[Any]] = (await connection.execute(EVENTS_AFTER, {"after_id": after_id, "most": limit})).all()
    return rows
