"""Admission control: under overload, requests that begin new work are refused at once, before anything is reserved.

Payments and refunds share the workers, Temporal and the database with everything that is already under way. When more
is asked for than these can carry, every request waits longer, clients repeat what timed out, and less gets done than
at the limit. So this process bounds how many such requests are under way, and adapts the bound to how long the
recording of a payment or refund takes (`clearway.durable.timing`): additive increase while the bound is used and
recording is quick, multiplicative decrease while it is slow (AIMD). The measure is one of the shared parts, so API
processes that do not know each other come to share them, as senders of TCP share a line.

Reads, captures, cancellations and gateway events are never refused here: they finish what was begun.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from fastapi import Depends, Request

from clearway.domain.errors import OverloadedError

LIMIT_AT_START: Final = 32.0
LIMIT_MIN: Final = 4.0
"""So many may always be under way: a slow server with few requests is not overloaded."""
LIMIT_MAX: Final = 1_000.0
WINDOW_S: Final = 0.5
"""How often the bound is adapted; a second without enough times in it is waited for."""
TIMES_MIN: Final = 5
SLOW_SHARE: Final = 0.9
"""Nine of ten recordings are to be quicker than the target."""
DECREASE: Final = (0.5, 0.9)
"""By how much the bound falls at most and at least: to half when recordings take twice the target."""
INCREASE: Final = 0.05
USED_SHARE: Final = 0.9
"""A bound that is not used that far is not raised: nothing is known of what lies beyond it."""
COME_BACK_S: Final = (1, 3)
"""The range of Retry-After. The jitter keeps refused clients from retrying at the same time."""


class Admission:
    """The bound of one process. target_s: how long a recording may take; 0: nothing is ever refused."""

    def __init__(self, target_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = LIMIT_AT_START
        self.under_way = 0
        self.refused = 0
        self._target_s = target_s
        self._clock = clock
        self._times: list[float] = []
        self._most = 0
        self._adapted_at = clock()
        self._decreased_at = self._adapted_at

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Take one request that begins new work, until the block ends. Raises OverloadedError."""
        if self._target_s and self.under_way >= int(self.limit):
            self._most = max(self._most, self.under_way)
            self.refused += 1
            raise OverloadedError(random.randint(*COME_BACK_S))  # noqa: S311 - a spread, no secret
        self.under_way += 1
        self._most = max(self._most, self.under_way)
        try:
            yield
        finally:
            self.under_way -= 1

    def observe(self, began: float, ended: float) -> None:
        """Note the time of one recording; adapt the bound at the end of a window."""
        if began < self._decreased_at:
            return  # it waited behind requests that are refused now
        self._times.append(ended - began)
        if len(self._times) >= TIMES_MIN and self._clock() - self._adapted_at >= WINDOW_S:
            self._adapt()

    def _adapt(self) -> None:
        ordered = sorted(self._times)
        now = self._clock()
        slow_s = ordered[int(len(ordered) * SLOW_SHARE)]
        if slow_s > self._target_s:
            most, least = DECREASE
            self.limit = max(LIMIT_MIN, self.limit * min(least, max(most, self._target_s / slow_s)))
            self._decreased_at = now
        elif self._most >= self.limit * USED_SHARE:
            self.limit = min(LIMIT_MAX, self.limit + max(1.0, self.limit * INCREASE))
        self._times.clear()
        self._most = self.under_way
        self._adapted_at = now


async def _admitted(request: Request) -> AsyncIterator[None]:
    admission: Admission = request.app.state.services.admission
    with admission.admitted():
        yield


NEW_WORK: Final[Any] = Depends(_admitted, scope="function")
"""The first dependency of every route that begins new work: it is asked before credentials and key."""
