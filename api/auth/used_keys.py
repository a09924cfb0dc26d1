"""When API keys were used last: collected in memory and written in the background, to the minute.

No request waits for it. A process that is killed loses the uses of the last seconds.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.crypto.api_secrets import SecretHash
from clearway.db import across_merchants

WRITTEN_EACH_S: Final = 5.0
SPARED_S: Final = 60.0
"""How long after it was written a key's use is not written again."""
REMEMBERED_MAX: Final = 10_000

log = structlog.get_logger(__name__)


class UsedKeys:
    """The uses that are not written yet. `run` writes them until it is cancelled."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._written: dict[str, datetime] = {}
        self._waiting: dict[str, datetime] = {}
        self._hashes: dict[str, tuple[SecretHash, SecretHash]] = {}

    def note(self, key_id: str) -> None:
        """Note that a key was used now."""
        now = datetime.now(UTC)
        written = self._written.get(key_id)
        if written is None or (now - written).total_seconds() >= SPARED_S:
            self._waiting[key_id] = now

    def hash_again(self, key_id: str, before: SecretHash, after: SecretHash) -> None:
        """Note that a key's secret is to be stored under the present pepper."""
        self._hashes[key_id] = (before, after)

    async def run(self) -> None:
        """Write the collected uses, every few seconds."""
        while True:
            await asyncio.sleep(WRITTEN_EACH_S)
            await self.write()

    async def write(self) -> None:
        """Write the collected uses now. While the database is down, they are kept."""
        waiting, self._waiting = self._waiting, {}
        hashes, self._hashes = self._hashes, {}
        try:
            async with self._engine.connect() as connection:
                if waiting:
                    await across_merchants.note_use(connection, waiting)
                for key_id, (before, after) in hashes.items():
                    await across_merchants.put_hash(connection, key_id, before, after)
        except (SQLAlchemyError, OSError) as error:
            log.warning("key_use_not_written", keys=len(waiting), error=type(error).__name__)
            self._waiting = waiting | self._waiting
            self._hashes = hashes | self._hashes
            return
        if len(self._written) > REMEMBERED_MAX:
            self._written.clear()
        self._written |= waiting
