"""Keep calls to gateways as rows, off the path of payments: collected in memory and written in batches.

A payment never waits for a row and sends no statement for it. While the database is away, the newest `KEPT_MAX` rows
wait in memory; older ones are dropped and counted. What a process had not written when it was killed is lost: the rows
are measurements, and no money depends on them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import gateway_calls
from clearway.db.engine import each_for_itself
from clearway.domain.gateway_call import MeasuredCall

WRITTEN_EACH_S: Final = 1.0
BATCH_MAX: Final = 500
KEPT_MAX: Final = 20_000
"""Of one process: some megabytes."""
WAIT_AFTER_FAILURE_S: Final = 10.0

log = structlog.get_logger(__name__)


class CallLog:
    """The calls of one process that are not written yet."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = each_for_itself(engine)
        self._waiting: deque[MeasuredCall] = deque()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def note(self, call: MeasuredCall) -> bool:
        """Keep a call; return False if an older one had to be dropped for it."""
        has_room = len(self._waiting) < KEPT_MAX
        if not has_room:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(call)
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon())
        return has_room

    async def settle(self) -> None:
        """Write what is left, such as before a process ends. It is tried once."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if await self._write_all():
            return
        log.warning("gateway_calls_lost", count=len(self._waiting))

    async def _write_soon(self) -> None:
        try:
            wait_s = WRITTEN_EACH_S
            while self._waiting:
                await asyncio.sleep(wait_s)
                wait_s = 0.0 if await self._write_all() else WAIT_AFTER_FAILURE_S
        finally:
            self._task = None

    async def _write_all(self) -> bool:
        """Write everything that waits; False: the database refused, and the rows still wait."""
        while self._waiting:
            # Removed first, so that calls noted meanwhile never push out rows that are being written.
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            try:
                await self._write(batch)
            except BaseException as error:
                self._put_back(batch)
                if not isinstance(error, SQLAlchemyError | OSError | TimeoutError):
                    raise
                log.warning("gateway_calls_not_written", waiting=len(self._waiting), error=type(error).__name__)
                return False
        return True

    async def _write(self, batch: Sequence[MeasuredCall]) -> None:
        async with self._engine.connect() as connection:
            await gateway_calls.add(connection, batch)

    def _put_back(self, batch: Sequence[MeasuredCall]) -> None:
        """A batch whose commit was not heard of is written again: its rows are then there, and are left as they are."""
        room = KEPT_MAX - len(self._waiting)
        kept = batch[len(batch) - room :] if room < len(batch) else batch
        self.dropped += len(batch) - len(kept)
        self._waiting.extendleft(reversed(kept))
