"""An open loop: requests are sent when the clock says so, whether or not earlier ones were answered.

A latency counts from the moment the request was due, not from when we got round to sending it, so that a stall of the
server, or of this process, is seen by every request that it would have met.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

IN_FLIGHT_MAX: Final = 2_000
"""More than this means that the server has given up: what else is due is not sent, and counts as failed."""

Send = Callable[[int], Awaitable[str | None]]
"""Sends request number n; returns the id of what it made, or None when it failed."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. due_at: Unix seconds. made: the id of what it made, None when it failed."""

    due_at: float
    answered_at: float
    made: str | None

    @property
    def latency_s(self) -> float:
        """From the moment it was due to its answer."""
        return self.answered_at - self.due_at


async def open_loop(arrivals_s: Sequence[float], send: Send) -> list[Sent]:
    """Send one request at each moment; returns when all are answered."""
    started_at, origin = time.time(), time.perf_counter()
    tasks: list[asyncio.Task[Sent]] = []
    in_flight = 0

    async def one(number: int, due_at: float) -> Sent:
        nonlocal in_flight
        in_flight += 1
        try:
            made = await send(number) if in_flight <= IN_FLIGHT_MAX else None
        finally:
            in_flight -= 1
        return Sent(due_at, time.time(), made)

    for number, at_s in enumerate(arrivals_s):
        wait_s = at_s - (time.perf_counter() - origin)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        tasks.append(asyncio.create_task(one(number, started_at + at_s)))
    return await asyncio.gather(*tasks)


async def closed_loop(count: int, at_once: int, send: Send) -> list[Sent]:
    """Send `count` requests, `at_once` at any moment, each as soon as one before it is answered."""
    numbers = iter(range(count))
    sent: list[Sent] = []

    async def client() -> None:
        for number in numbers:
            began = time.time()
            made = await send(number)
            sent.append(Sent(began, time.time(), made))

    await asyncio.gather(*(client() for _ in range(at_once)))
    return sent
