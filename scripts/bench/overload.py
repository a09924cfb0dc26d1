"""What becomes of twice as many payments as the stack can carry, beside the floor, which refuses nothing.

A client here asks once. What is refused must be refused quickly and cost little, so that as much is done as at the
knee; what is taken must be as quick as there.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from scripts.bench import floor as bare
from scripts.bench import ours
from scripts.bench.cost import SEED, SUCCESS, anatomies
from scripts.bench.figures import arrivals_s, summary_ms
from scripts.bench.limits import CALIBRATION_PER_S, Effort, Load, Search, floor_load
from scripts.bench.report import progress
from scripts.bench.runs import Run
from scripts.bench.stand import BESIDE, Stand

TIMES: Final = 2.0
OVERLOADED: Final = "overloaded"


class Flood:
    """Payments that are asked for once each: what was refused, and how quickly, is kept beside what was made."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.refused_s: list[float] = []
        self.other: Counter[str] = Counter()
        self.asked = 0

    async def __call__(self, rate_per_s: float, arrivals: Sequence[float]) -> Run:
        """Ask at these moments."""
        orders = await self._stand.make_orders(len(arrivals))
        self.asked += len(arrivals)
        return await ours.measured(
            self._stand, rate_per_s, arrivals, lambda number: self._ask(orders[number]), ours.PAID
        )

    async def _ask(self, order_id: str) -> str | None:
        began = time.perf_counter()
        answer = await self._stand.pay_once(order_id)
        if answer.status == HTTPStatus.CREATED:
            return str(answer.json()["id"])
        code = answer.json()["code"] if answer.body else "no answer"
        if code == OVERLOADED:
            self.refused_s.append(time.perf_counter() - began)
        else:
            self.other[f"{answer.status} {code}"] += 1
        return None


async def overload(stand: Stand, effort: Effort) -> dict[str, Any]:
    """Find both knees, then ask for twice as much of each."""
    endpoint_id = await stand.subscribe(SUCCESS.event_types)

    async def pay(rate_per_s: float, arrivals: Sequence[float]) -> Run:
        return await ours.pay(stand, rate_per_s, arrivals)

    calibrating = arrivals_s(CALIBRATION_PER_S, seed=SEED, count=effort.calibration)
    payment, delivery, _ = await anatomies(stand, await pay(CALIBRATION_PER_S, calibrating), endpoint_id)
    turn, flood = asyncio.Lock(), Flood(stand)
    async with bare.floor(stand) as floor:
        walk = floor_load(floor, stand, payment, delivery)
        searches = {"ours": Search("ours", pay, effort, turn), "floor": Search("floor", walk, effort, turn)}
        async with asyncio.TaskGroup() as together:
            for search in searches.values():
                together.create_task(search.run(calibrating))
        found = {
            "ours": await _beyond(searches["ours"], flood, effort),
            "floor": await _beyond(searches["floor"], walk, effort),
        }
    refused = {
        "count": len(flood.refused_s),
        "share": round(len(flood.refused_s) / flood.asked, 3),
        "answer_ms": summary_ms(flood.refused_s),
    }
    return {"times": TIMES, "windows": effort.windows, **found, "refused": refused, "other_answers": dict(flood.other)}


async def _beyond(search: Search, load: Load, effort: Effort) -> dict[str, Any]:
    """Return the knee, and the window beyond it in which the middle share of it was done."""
    found = search.found()
    rate_per_s = max(TIMES * found["knee"]["per_s"], 1.0)
    runs = []
    for number in range(effort.windows):
        run = await load(rate_per_s, arrivals_s(rate_per_s, seed=SEED + number, duration_s=effort.window_s))
        progress(f"  {search.name} at {rate_per_s:.1f}/s: completed {run.completed_per_s:.1f}/s")
        runs.append(run)
    runs.sort(key=lambda run: run.completed_per_s)
    at_knee = found["at_knee"]["completed_per_s"] or 1.0
    shares = [round(run.completed_per_s / at_knee, 2) for run in runs]
    middle = len(runs) // 2
    return {**found, "beyond": runs[middle].summary(*BESIDE), "share": shares[middle], "shares": shares}
