"""How many payments a second this machine can take, beside how many bare workflows of the same shape it can.

Both knees are searched for in alternate windows, so that what else goes on on the machine meets both alike. Then our
latencies and CPU are taken at 50 % and 80 % of our knee.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from scripts.bench import floor as bare
from scripts.bench import ours
from scripts.bench.cost import GATEWAY, SEED, SUCCESS, anatomies
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


@dataclass
class Search:
    """The search for the knee of one load, a window at a time when it is its turn."""

    name: str
    load: Load
    effort: Effort
    turn: asyncio.Lock
    best: Run | None = None

    async def knee(self, calibration: Run) -> Knee:
        """Find it, beginning below what the calibration lets expect; `best` is then the run at it."""
        self.best = calibration
        start = FIRST_SHARE * (os.cpu_count() or 1) / max(calibration.cpu_per_one_s()["total"], 0.001)
        effort = self.effort
        return await find_knee(self._keeps, start_per_s=start, bisections=effort.bisections, tries_max=effort.tries)

    async def _keeps(self, rate_per_s: float) -> bool:
        for attempt in range(ATTEMPTS):
            arrivals = arrivals_s(rate_per_s, seed=SEED + attempt, duration_s=self.effort.window_s)
            async with self.turn:  # first come, first served: the searches alternate
                run = await self.load(rate_per_s, arrivals)
            progress(f"  {self.name} at {rate_per_s:.1f}/s: completed {run.completed_per_s:.1f}/s, failed {run.failed}")
            if run.sustained:
                self.best = run if self.best is None else max(self.best, run, key=lambda one: one.rate_per_s)
                return True
        return False


async def limits(stand: Stand, effort: Effort, *, with_floor: bool) -> dict[str, Any]:
    """Measure our knee and the levels under it as `ours`, and the knee of the floor as `floor`."""
    endpoint_id = await stand.subscribe(SUCCESS.event_types)

    async def pay(rate_per_s: float, arrivals: Sequence[float]) -> Run:
        return await ours.pay(stand, rate_per_s, arrivals)

    calibrating = arrivals_s(CALIBRATION_PER_S, seed=SEED, count=effort.calibration)
    first = await pay(CALIBRATION_PER_S, calibrating)
    payment, delivery, _ = await anatomies(stand, first, endpoint_id)
    turn = asyncio.Lock()
    search = Search("ours", pay, effort, turn)
    if with_floor:
        async with AsyncExitStack() as exits:
            walk = _walk(await exits.enter_async_context(bare.floor(stand)), stand, payment, delivery)
            await walk(CALIBRATION_PER_S, calibrating[: effort.calibration // 2])  # to warm up
            beside = Search("floor", walk, effort, turn)
            first_walk = await walk(CALIBRATION_PER_S, calibrating)
            async with asyncio.TaskGroup() as both:
                searching = both.create_task(search.knee(first))
                walking = both.create_task(beside.knee(first_walk))
        knee, floor_knee = searching.result(), walking.result()
        shape = payment.shape.starting(1).words()
        floor = {"shape": shape, "knee": _knee(floor_knee), "at_knee": beside.best.summary() if beside.best else {}}
    else:
        knee, floor = await search.knee(first), None
    found = {"knee": _knee(knee), "at_knee": search.best.summary(GATEWAY) if search.best else {}}
    for level in LEVELS:
        rate_per_s = max(level * knee.rate_per_s, 0.5)
        run = await pay(rate_per_s, arrivals_s(rate_per_s, seed=SEED + 1, duration_s=1.5 * effort.window_s))
        found[f"at_{level:.0%}"] = run.summary(GATEWAY)
    return {"ours": found} if floor is None else {"ours": found, "floor": floor}


def _walk(floor: bare.Floor, stand: Stand, payment: Anatomy, delivery: Anatomy) -> Load:
    shape = payment.shape.starting(1)
    news_after_s = stand.options.gateway_delay_ms / 1_000

    async def walk(rate_per_s: float, arrivals: Sequence[float]) -> Run:
        return await floor.run(rate_per_s, arrivals, shape, delivery.shape, news_after_s=news_after_s)

    return walk


def _knee(knee: Knee) -> dict[str, Any]:
    too_much = knee.too_much_per_s
    return {
        "per_s": round(knee.rate_per_s, 2),
        "too_much_per_s": None if too_much is None else round(too_much, 2),
        "tried": [{"per_s": round(rate, 2), "sustained": kept} for rate, kept in knee.tried],
    }
