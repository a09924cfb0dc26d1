"""Tells waiting pages that their payment has moved: one query a moment for all pages of the process.

A page is woken by a change of the row's version. It reads the payment itself, so a missed wake-up costs it a few
seconds and never a wrong status.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from clearway.db import across_merchants
from clearway.services import Services

EVERY_S: Final = 0.3
STREAMS_MAX: Final = 2_000
"""How many pages one process keeps informed; further ones ask by themselves."""

log = structlog.get_logger(__name__)


class Watch:
    """The pages that wait, by payment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._seen: dict[str, int] = {}
        self._some = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether no further page can be kept informed."""
        return sum(map(len, self._waiting.values())) >= STREAMS_MAX

    async def run(self) -> None:
        """Look for changes for as long as somebody waits."""
        while True:
            await self._some.wait()
            try:
                await self._look()
            except (SQLAlchemyError, OSError):
                log.warning("payments_not_watched")  # the pages ask by themselves meanwhile
            await asyncio.sleep(EVERY_S)

    async def changes(self, payment_id: str, patience_s: float) -> AsyncIterator[bool]:
        """Yield True after each change of the payment, and False when nothing has changed for `patience_s`."""
        event = asyncio.Event()
        self._waiting[payment_id].add(event)
        self._some.set()
        try:
            while True:
                try:
                    async with asyncio.timeout(patience_s):
                        await event.wait()
                except TimeoutError:
                    yield False
                else:
                    event.clear()
                    yield True
        finally:
            self._leave(payment_id, event)

    def _leave(self, payment_id: str, event: asyncio.Event) -> None:
        self._waiting[payment_id].discard(event)
        if not self._waiting[payment_id]:
            del self._waiting[payment_id]
            self._seen.pop(payment_id, None)
        if not self._waiting:
            self._some.clear()

    async def _look(self) -> None:
        async with self._services.reader.connect() as connection:
            versions = await across_merchants.payment_versions(connection, list(self._waiting))
        for payment_id, version in versions.items():
            if self._seen.get(payment_id, -1) != version:
                self._seen[payment_id] = version
                for event in self._waiting.get(payment_id, ()):
                    event.set()
