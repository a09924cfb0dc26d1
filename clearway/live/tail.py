"""Tail the event table: read what is new by id, a few times a second, while somebody listens.

An id is made before its transaction commits, and by processes whose clocks differ, so a row may appear behind one that
was read already. Each read therefore goes back a little, each fifth second much further, and what was seen is not
passed on again. An event that appears later than `FAR` after its id was made is not passed on; a statement may run for
15 seconds. `NOTIFY` would be simpler, but it serialises the commits of payments and costs a third of the throughput.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.across_merchants.new_events import events_after
from clearway.domain.ids import EVENT, first_id
from clearway.live.listeners import Change, Listeners

EACH_S: Final = 0.25
NEAR: Final = timedelta(seconds=2)
FAR: Final = timedelta(seconds=60)
FAR_EACH_S: Final = 5.0
PAGE: Final = 1_000
BEHIND_MAX: Final = 10_000
"""New events of one read. More are not passed on one by one: everybody reads everything again."""

log = structlog.get_logger(__name__)


class Tail:
    """The reader of one process. `run` reads until it is cancelled."""

    def __init__(self, engine: AsyncEngine, listeners: Listeners) -> None:
        self._engine = engine
        self._listeners = listeners
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._read_until: datetime | None = None
        self._far_at = 0.0

    async def run(self) -> None:
        """Read while somebody listens. A database that is away is asked again; nothing is left out meanwhile."""
        while True:
            if self._listeners.count == 0:
                self._listeners.following.clear()
                await self._listeners.somebody()
            if not self._listeners.following.is_set():
                self._read_until = None  # Nobody listened for a moment, however short: who came since waits for this.
            try:
                await self.read(datetime.now(UTC))
            except (SQLAlchemyError, OSError) as error:
                log.warning("live_updates_late", error=type(error).__name__)
                self._far_at = 0.0
            await asyncio.sleep(EACH_S)

    async def read(self, now: datetime) -> None:
        """Pass on what is new. The first read passes nothing on: who begins to listen reads the present state."""
        begun = self._read_until is not None
        if not begun:
            self._seen.clear()
        far = time.monotonic() >= self._far_at
        reach = FAR if far or not begun else NEAR
        since = min(self._read_until or now, now) - reach
        new = await self._new_since(first_id(EVENT, since))
        self._read_until = now
        if far or not begun:
            self._far_at = time.monotonic() + FAR_EACH_S
            self._forget_before(first_id(EVENT, since))
        if not begun:
            self._listeners.following.set()
            return
        if len(new) > BEHIND_MAX:
            self._listeners.resync()
            return
        for change in new:
            self._listeners.publish(change)

    async def _new_since(self, after_id: str) -> list[Change]:
        """Return the events after this id that were not seen, oldest first."""
        new: list[Change] = []
        async with self._engine.connect() as connection:
            while True:
                rows = await events_after(connection, after_id, PAGE)
                unseen = [Change.of(row) for row in rows if row.id not in self._seen]
                self._seen.update(dict.fromkeys(change.id for change in unseen))
                new += unseen
                if len(rows) < PAGE or len(new) > BEHIND_MAX:
                    return new
                after_id = rows[-1].id

    def _forget_before(self, event_id: str) -> None:
        """Forget what is too old to be read again."""
        for seen in [each for each in self._seen if each <= event_id]:
            del self._seen[seen]
