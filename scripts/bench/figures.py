"""Pure arithmetic on measurements: percentiles, rates, and the arrivals of an open loop."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final

PERCENTILES: Final = (50, 95, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of all do not exceed (nearest rank); 0 when there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def summary_ms(latencies_s: Sequence[float]) -> Mapping[str, float]:
    """Return `p50`, `p95`, `p99` and `max` of latencies in seconds, in milliseconds."""
    found = {f"p{percent}": round(percentile(latencies_s, percent) * 1_000, 1) for percent in PERCENTILES}
    return {**found, "max": round(max(latencies_s, default=0.0) * 1_000, 1)}


def arrivals_s(
    rate_per_s: float, *, seed: int, duration_s: float | None = None, count: int | None = None
) -> list[float]:
    """Return the moments of a Poisson process, in seconds from its start: by duration or by count.

    The times between arrivals are exponential, as those of customers who know nothing of each other.
    """
    assert (duration_s is None) != (count is None), "either a duration or a count ends it"
    assert rate_per_s > 0
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    moments: list[float] = []
    at = chance.expovariate(rate_per_s)
    while at < duration_s if duration_s is not None else len(moments) < (count or 0):
        moments.append(at)
        at += chance.expovariate(rate_per_s)
    return moments
