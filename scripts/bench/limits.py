"""How many payments a second this machine can take, beside how many bare workflows of the same shape it can.

First the knee of each, then our latencies and CPU at 50 % and 80 % of our knee.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scripts.bench import floor as bare
from scripts.bench import ours
from scripts.bench.cost import GATEWAY, SEED, anatomies
from scripts.bench.figures import arrivals_s
from scripts.bench.histories import Anatomy
from scripts.bench.knee import TRIES_MAX, Knee, find_knee
from scripts.bench.report import progress
from scripts.bench.runs import Run
from scripts.bench.stand import Stand

FIRST_SHARE: Final = 0.7
"""Of what the cores could do at the CPU one payment cost in the calibration: where the search for the knee begins."""
CALIBRATION_PER_S: Final = 3.0
LEVELS: Final = (0.5, 0.8)
ATTEMPTS: Final = 2
"""Windows in which a rate may be kept up with: another program on the machine may have spoilt the first."""

Load = Callable[[float, Sequence[float]], Awaitable[Run]]
"""Runs load at a rate and these arrivals."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much time to take. window_s: of one rate; calibration: how many requests tell where to begin.

    tries: how many rates may be stepped through before the knee is between two of them.
    """

    window_s: float = 20.0
    bisections: int = 2
    calibration: int = 40
    tries: int = TRIES_MAX


async def knee_of(load: Load, effort: Effort) -> tuple[Knee, Run]:
    """Return the knee of a load, and the run at it."""
    first = await load(CALIBRATION_PER_S, arrivals_s(CALIBRATION_PER_S, seed=SEED, count=effort.calibration))
    start = FIRST_SHARE * (os.cpu_count() or 1) / max(first.cpu_per_one_s()["total"], 0.001)
    kept = first

    async def keeps(rate_per_s: float) -> bool:
        nonlocal kept
        for attempt in range(ATTEMPTS):
            run = await load(rate_per_s, arrivals_s(rate_per_s, seed=SEED + attempt, duration_s=effort.window_s))
            progress(f"  {run.rate_per_s:.1f}/s: completed {run.completed_per_s:.1f}/s, failed {run.failed}")
            if run.sustained:
                kept = max(kept, run, key=lambda one: one.rate_per_s)
                return True
        return False

    knee = await find_knee(keeps, start_per_s=start, bisections=effort.bisections, tries_max=effort.tries)
    return knee, kept


async def our_limits(stand: Stand, effort: Effort, endpoint_id: str) -> tuple[dict[str, Any], tuple[Anatomy, Anatomy]]:
    """Measure our knee and the levels under it."""

    async def load(rate_per_s: float, arrivals: Sequence[float]) -> Run:
        return await ours.pay(stand, rate_per_s, arrivals)

    knee, at_knee = await knee_of(load, effort)
    payment, delivery, _ = await anatomies(stand, at_knee, endpoint_id)
    found: dict[str, Any] = {"knee": _knee(knee), "at_knee": at_knee.summary(GATEWAY)}
    for level in LEVELS:
        rate_per_s = max(level * knee.rate_per_s, 0.5)
        run = await load(rate_per_s, arrivals_s(rate_per_s, seed=SEED + 1, duration_s=1.5 * effort.window_s))
        found[f"at_{level:.0%}"] = run.summary(GATEWAY)
    return found, (payment, delivery)


async def floor_limits(stand: Stand, effort: Effort, kinds: tuple[Anatomy, Anatomy]) -> dict[str, Any]:
    """Measure the knee of the floor."""
    payment, delivery = kinds
    shape = payment.shape.starting(1)
    async with bare.floor(stand) as floor:

        async def load(rate_per_s: float, arrivals: Sequence[float]) -> Run:
            news_after_s = stand.options.gateway_delay_ms / 1_000
            return await floor.run(rate_per_s, arrivals, shape, delivery.shape, news_after_s=news_after_s)

        await load(CALIBRATION_PER_S, arrivals_s(CALIBRATION_PER_S, seed=SEED - 1, count=effort.calibration // 2))
        knee, at_knee = await knee_of(load, effort)
    return {"shape": shape.words(), "knee": _knee(knee), "at_knee": at_knee.summary()}


def _knee(knee: Knee) -> dict[str, Any]:
    too_much = knee.too_much_per_s
    return {
        "per_s": round(knee.rate_per_s, 2),
        "too_much_per_s": None if too_much is None else round(too_much, 2),
        "tried": [{"per_s": round(rate, 2), "sustained": kept} for rate, kept in knee.tried],
    }
