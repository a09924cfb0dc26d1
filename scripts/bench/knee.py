"""The knee: the highest rate of an open loop that a system keeps up with. Pure: the caller makes the load.

A rate is kept up with (`Run.sustained`) when nothing failed, at least 95 % of what was offered in the window was
completed in it, and the backlog did not grow in its second half; each give or take a few, which are chance.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

GROWTH: Final = 1.3
"""From one rate to the next while the system keeps up."""
TRIES_MAX: Final = 12

Keeps = Callable[[float], Awaitable[bool]]
"""Offers a rate (a second) for one window, and tells whether the system kept up."""


@dataclass(frozen=True)
class Knee:
    """The knee lies between `rate_per_s`, which was kept up with, and `too_much_per_s`, which was not.

    rate_per_s is 0 when nothing was kept up with; too_much_per_s is None when nothing was too much.
    """

    rate_per_s: float
    too_much_per_s: float | None
    tried: tuple[tuple[float, bool], ...]


async def find_knee(keeps: Keeps, *, start_per_s: float, bisections: int, tries_max: int = TRIES_MAX) -> Knee:
    """Step up, or down, from the start until the knee is between two rates, then halve that distance."""
    assert start_per_s > 0
    tried: list[tuple[float, bool]] = []

    async def offer(rate_per_s: float) -> bool:
        kept = await keeps(rate_per_s)
        tried.append((rate_per_s, kept))
        return kept

    low, high = 0.0, None
    rate_per_s = start_per_s
    while len(tried) < tries_max and (high is None or not low):
        if await offer(rate_per_s):
            low = rate_per_s
            rate_per_s *= GROWTH
        else:
            high = rate_per_s
            rate_per_s /= GROWTH
    for _ in range(bisections if high is not None and low else 0):
        assert high is not None
        middle = (low * high) ** 0.5
        if await offer(middle):
            low = middle
        else:
            high = middle
    return Knee(low, high, tuple(tried))
