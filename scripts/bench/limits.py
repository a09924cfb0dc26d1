"""How many payments a second this machine can take, beside how many bare workflows of the same shape it can.

All knees are searched for in alternate windows, so that what else goes on on the machine meets them alike. Then
latencies and CPU are taken at 50 % and 80 % of each knee: several windows, of which the middle one is reported.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from scripts.bench import floor as bare
from scripts.bench import ours
from scripts.bench.cost import SEED, SUCCESS, anatomies
from scripts.bench.figures import arrivals_s
from scripts.bench.histories import Anatomy
from scripts.bench.knee import TRIES_MAX, Knee, find_knee
from scripts.bench.report import progress
from scripts.bench.runs import Run
from scripts.bench.stand import BESIDE, Stand

FIRST_SHARE: Final = 0.7
"""Of what the cores could do at the CPU one payment cost in the calibration: where the search for the knee begins."""
CALIBRATION_PER_S: Final = 3.0
LEVELS: Final = {0.5: 1.4, 0.8: 1.2}
"""Shares of the knee to look at, and how much more CPU a payment may cost there than at the knee.

A machine that is less busy wakes up more often for a payment, so some more is in order. Beyond that the machine itself
has become slower since the knee was found, as shared ones do, and the window tells of another machine.
"""
ATTEMPTS: Final = 2
"""Windows in which a rate may be kept up with: another program on the machine may have spoilt the first."""

Load = Callable[[float, Sequence[float]], Awaitable[Run]]
"""Runs load at a rate and these arrivals."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much time to take. window_s: of one rate; calibration: how many requests tell where to begin.

    tries: how many rates may be stepped through before the knee is between two of them. windows: at each level below
    the knee.
    """

    window_s: float = 20.0
    bisections: int = 2
    calibration: int = 40
    tries: int = TRIES_MAX
    windows: int = 3


@dataclass
class Search:
    """The search for the knee of one load, a window at a time when it is its turn."""

    name: str
    load: Load
    effort: Effort
    turn: asyncio.Lock
    best: Run | None = None
    knee: Knee | None = None

    async def run(self, calibrating: Sequence[float]) -> None:
        """Find the knee, beginning below what these arrivals let expect; `best` is then the run at it."""
        async with self.turn:
            self.best = await self.load(CALIBRATION_PER_S, calibrating)
        start = FIRST_SHARE * (os.cpu_count() or 1) / max(self.best.cpu_per_one_s()["total"], 0.001)
        self.knee = await find_knee(
            self._keeps, start_per_s=start, bisections=self.effort.bisections, tries_max=self.effort.tries
        )

    async def at(self, level: float) -> dict[str, Any]:
        """Offer this share of the knee. Returns the window whose p95 is the middle one, and the p95 of every window.

        Windows in which the machine was slower than at the knee are left out and counted, unless all were.
        """
        assert self.knee is not None
        assert self.best is not None
        rate_per_s = max(level * self.knee.rate_per_s, 0.5)
        cpu_max_s = LEVELS[level] * self.best.cpu_per_one_s(*BESIDE)["total"]
        alike: list[Run] = []
        slower: list[Run] = []
        while len(alike) < self.effort.windows and len(alike) + len(slower) < 2 * self.effort.windows:
            seed = SEED + 1 + len(alike) + len(slower)
            run = await self.load(rate_per_s, arrivals_s(rate_per_s, seed=seed, duration_s=self.effort.window_s))
            (alike if run.cpu_per_one_s(*BESIDE)["total"] <= cpu_max_s else slower).append(run)
        shown = sorted((run.summary(*BESIDE) for run in alike or slower), key=_answer_p95_ms)
        each_ms = [_answer_p95_ms(each) for each in shown]
        left_out = len(slower) if alike else 0
        return {
            **shown[len(shown) // 2],
            "answer_p95_ms_of_each": each_ms,
            "left_out_as_slower": left_out,
            "all_slower": not alike,
        }

    def found(self) -> dict[str, Any]:
        """Return the JSON form of the knee."""
        assert self.knee is not None
        assert self.best is not None
        too_much = self.knee.too_much_per_s
        knee = {
            "per_s": round(self.knee.rate_per_s, 2),
            "too_much_per_s": None if too_much is None else round(too_much, 2),
            "tried": [{"per_s": round(rate, 2), "sustained": kept} for rate, kept in self.knee.tried],
        }
        return {"knee": knee, "at_knee": self.best.summary(*BESIDE)}

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
    payment, delivery, _ = await anatomies(stand, await pay(CALIBRATION_PER_S, calibrating), endpoint_id)
    turn = asyncio.Lock()
    searches = {"ours": Search("ours", pay, effort, turn)}
    async with AsyncExitStack() as exits:
        if with_floor:
            walk = floor_load(await exits.enter_async_context(bare.floor(stand)), stand, payment, delivery)
            await walk(CALIBRATION_PER_S, calibrating[: effort.calibration // 2])  # to warm up
            searches["floor"] = Search("floor", walk, effort, turn)
        async with asyncio.TaskGroup() as together:
            for each in searches.values():
                together.create_task(each.run(calibrating))
        found = {name: each.found() for name, each in searches.items()}
        for level in LEVELS:
            for name, each in searches.items():
                found[name][f"at_{level:.0%}"] = await each.at(level)
    if with_floor:
        found["floor"]["shape"] = payment.shape.starting(1).words()
    return found


def _answer_p95_ms(summary: Mapping[str, Any]) -> float:
    return float(summary["answer_ms"]["p95"])


def floor_load(floor: bare.Floor, stand: Stand, payment: Anatomy, delivery: Anatomy) -> Load:
    """Return the load of bare workflows of these shapes."""
    shape = payment.shape.starting(1)
    signal_after_s = stand.options.gateway_delay_ms / 1_000

    async def walk(rate_per_s: float, arrivals: Sequence[float]) -> Run:
        return await floor.run(rate_per_s, arrivals, shape, delivery.shape, signal_after_s=signal_after_s)

    return walk
