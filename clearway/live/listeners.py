"""Who listens in this process: subscriptions by merchant, each with a bounded queue.

A subscription hears the events of its own merchant and of nobody else: the only place where events are handed out is
`Listeners.publish`, and it looks them up by the merchant of the event. Ids and types cross it, never content: who
hears of a change reads it by the API, with their own permissions.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Self

import orjson
from sqlalchemy import Row

from clearway.domain.errors import UnavailableError

QUEUE_MAX: Final = 256
"""Changes that wait for one listener. A listener that is further behind gets RESYNC instead."""
OF_MERCHANT_MAX: Final = 500
OF_PROCESS_MAX: Final = 5_000


@dataclass(frozen=True)
class Change:
    """An event, as far as live updates tell of it."""

    id: str
    merchant_id: str
    type: str
    subject_type: str
    subject_id: str
    payment_id: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Read a row of `clearway.db.events.CHANGE`."""
        return cls(row.id, row.merchant_id, row.type, row.subject_type, row.subject_id, row.payment_id)

    @cached_property
    def shown(self) -> dict[str, Any]:
        """The fields that a listener gets."""
        return {name: value for name, value in asdict(self).items() if name != "merchant_id"}

    @cached_property
    def message(self) -> str:
        """The message of a WebSocket: made once for all that hear it."""
        return orjson.dumps({**self.shown, "type": "event", "event_type": self.type}).decode()


class Resync:
    """Changes were left out: read everything again."""


RESYNC: Final = Resync()


class Subscription:
    """One listener. `next` waits for what is new."""

    def __init__(self, merchant_id: str) -> None:
        self.merchant_id = merchant_id
        self._waiting: deque[Change] = deque()
        self._has_lost = False
        self._ended = False
        self._something = asyncio.Event()

    def put(self, change: Change) -> bool:
        """Queue a change. A full queue is emptied, and the listener gets RESYNC. Return whether it was queued."""
        if len(self._waiting) >= QUEUE_MAX:
            self.lose()
            return False
        self._waiting.append(change)
        self._something.set()
        return True

    def lose(self) -> None:
        """Drop the queued changes; the listener gets RESYNC next."""
        self._waiting.clear()
        self._has_lost = True
        self._something.set()

    def end(self) -> None:
        """Wake the listener for the last time."""
        self._ended = True
        self._something.set()

    def has_ended(self) -> bool:
        """Return whether there is nothing more to hear: the process stops, or the listener has left."""
        return self._ended

    async def next(self, timeout_s: float) -> Change | Resync | None:
        """Return the next change, or None after this time or at the end."""
        if not self._waiting and not self._has_lost and not self._ended:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._something.wait()
            except TimeoutError:
                return None
        if self._has_lost:
            self._has_lost = False
            self._settle()
            return RESYNC
        if not self._waiting:
            return None
        change = self._waiting.popleft()
        self._settle()
        return change

    def _settle(self) -> None:
        if not self._waiting and not self._has_lost and not self._ended:
            self._something.clear()


class Listeners:
    """The subscriptions of one process."""

    def __init__(self) -> None:
        self._of: dict[str, set[Subscription]] = {}
        self._count = 0
        self._somebody = asyncio.Event()
        self.following = asyncio.Event()
        """Set while the event table is followed: what a listener reads after this, and what it hears, leave no gap."""
        self._ended = False
        self.published = 0
        self.resyncs = 0

    @property
    def count(self) -> int:
        """How many listen."""
        return self._count

    async def somebody(self) -> None:
        """Wait until somebody listens."""
        await self._somebody.wait()

    @contextmanager
    def subscribe(self, merchant_id: str) -> Iterator[Subscription]:
        """Listen to the events of a merchant. Raises UnavailableError when too many do."""
        own = self._of.get(merchant_id, set())
        if self._count >= OF_PROCESS_MAX or len(own) >= OF_MERCHANT_MAX or self._ended:
            detail = "Too many event streams are open. No event is lost: poll `GET /events`, or try again later."
            raise UnavailableError("too_many_listeners", detail)
        subscription = Subscription(merchant_id)
        self._of.setdefault(merchant_id, set()).add(subscription)
        self._count += 1
        self._somebody.set()
        try:
            yield subscription
        finally:
            self._remove(subscription)

    def publish(self, change: Change) -> None:
        """Hand a change to those who listen to its merchant."""
        for subscription in self._of.get(change.merchant_id, ()):
            if subscription.put(change):
                self.published += 1
            else:
                self.resyncs += 1

    def resync(self) -> None:
        """Tell everybody to read everything again."""
        for subscriptions in self._of.values():
            for subscription in subscriptions:
                subscription.lose()
                self.resyncs += 1

    def end(self) -> None:
        """Wake everybody for the last time: the process stops."""
        self._ended = True
        for subscriptions in self._of.values():
            for subscription in subscriptions:
                subscription.end()

    def _remove(self, subscription: Subscription) -> None:
        own = self._of[subscription.merchant_id]
        own.discard(subscription)
        if not own:
            del self._of[subscription.merchant_id]
        self._count -= 1
        if self._count == 0:
            self._somebody.clear()
            self.following.clear()
