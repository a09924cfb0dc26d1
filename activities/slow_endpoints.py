"""Endpoints that were slow lately: their attempts run as separate activities, where they delay nothing else.

The memory of one process, and only a hint: after a restart it is learned again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

SLOW_AFTER_S: Final = 2.0
"""An endpoint that has not answered by then is slow: most take some tens of milliseconds."""
REMEMBERED_S: Final = 60.0
"""An endpoint that is always slow delays one workflow task in this time; one that was slow once soon recovers."""
REMEMBERED_MAX: Final = 10_000
"""The oldest entry is forgotten first."""


class SlowEndpoints:
    """The slow endpoints that this process remembers. clock: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, endpoint_id: str | None) -> bool:
        return endpoint_id is not None and self._until.get(endpoint_id, 0.0) > self._clock()

    @contextmanager
    def watch(self, endpoint_id: str) -> Iterator[None]:
        """Remember the endpoint as soon as the block lasts too long, not only at its end."""
        alarm = asyncio.get_running_loop().call_later(SLOW_AFTER_S, self.remember, endpoint_id)
        try:
            yield
        finally:
            alarm.cancel()

    def remember(self, endpoint_id: str) -> None:
        """Mark the endpoint as slow for a while."""
        self._until[endpoint_id] = self._clock() + REMEMBERED_S
        self._until.move_to_end(endpoint_id)
        if len(self._until) > REMEMBERED_MAX:
            self._until.popitem(last=False)
