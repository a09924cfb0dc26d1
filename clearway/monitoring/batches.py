"""Rows that are written later: collected in memory, off the path of requests and payments, and written in batches.

Nobody waits for such a row, and it costs no statement of its own. While the database is away, the newest `KEPT_MAX`
rows wait in memory; older ones are dropped and counted. What a process had not written when it was killed is
lost. So only measurements and logs are written like this.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db.engine import each_for_itself

WRITTEN_EACH_S: Final = 1.0
BATCH_MAX: Final = 500
KEPT_MAX: Final = 20_000
"""Of one process: some megabytes."""
WAIT_AFTER_FAILURE_S: Final = 10.0

Noted = TypeVar("Noted")
log = structlog.get_logger(__name__)


class RowBatches(Generic[Noted]):
    """The rows of one table that a process has not written yet. add: writes a batch, and may be repeated with it."""

    def __init__(
        self, engine: AsyncEngine, table: str, add: Callable[[AsyncConnection, Sequence[Noted]], Awaitable[None]]
    ) -> None:
        self._engine = each_for_itself(engine)
        self._table = table
        self._add = add
        self._waiting: deque[Noted] = deque()
        self._task: asyncio.Task[None] | None = None
        self._dropped = 0

    def note(self, row: Noted) -> int:
        """Keep a row. Return how many were dropped since the last one: for it, or while a batch was not written."""
        if len(self._waiting) >= KEPT_MAX:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(row)
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon())
        dropped, self._dropped = self._dropped, 0
        return dropped

    async def settle(self) -> None:
        """Write what is left, such as before a process ends. It is tried once."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if await self._write_all():
            return
        log.warning("rows_lost", table=self._table, count=len(self._waiting))

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
            # Removed first, so that rows noted meanwhile never push out rows that are being written.
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            try:
                async with self._engine.connect() as connection:
                    await self._add(connection, batch)
            except BaseException as error:
                self._put_back(batch)
                if not isinstance(error, SQLAlchemyError | OSError | TimeoutError):
                    raise
                waiting, kind = len(self._waiting), type(error).__name__
                log.warning("rows_not_written", table=self._table, waiting=waiting, error=kind)
                return False
        return True

    def _put_back(self, batch: Sequence[Noted]) -> None:
        """A batch whose commit was not heard of is written again: its rows are then there, and are left as they are."""
        room = KEPT_MAX - len(self._waiting)
        kept = batch[len(batch) - room :] if room < len(batch) else batch
        self._dropped += len(batch) - len(kept)
        self._waiting.extendleft(reversed(kept))
