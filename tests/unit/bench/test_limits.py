"""Windows below the knee: those count in which the machine is the one the knee was found on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from scripts.bench.knee import Knee
from scripts.bench.limits import Effort, Search
from scripts.bench.load import Sent
from scripts.bench.runs import Run

KNEE_CPU_S = 0.05


def run_of(rate_per_s: float, cpu_s: float, answer_s: float) -> Run:
    """Return a run in which a payment cost so much, and was answered in that time."""
    sent = [Sent(at := 0.1 * number, at + answer_s, f"pay_{number}") for number in range(40)]
    done_at = {one.made: one.answered_at for one in sent if one.made}
    return Run(rate_per_s, sent, done_at, {"api": cpu_s * len(sent), "clients": 9.0})


def search_with(*windows: tuple[float, float]) -> Search:
    """Return a search that has found its knee, and whose next windows cost and take so much."""
    coming: Iterator[tuple[float, float]] = iter(windows)

    async def load(rate_per_s: float, _arrivals_s: Sequence[float]) -> Run:
        return run_of(rate_per_s, *next(coming))

    knee = Knee(20.0, 25.0, ())
    return Search("ours", load, Effort(), asyncio.Lock(), run_of(20.0, KNEE_CPU_S, 0.1), knee)


async def test_the_middle_window_is_reported() -> None:
    """One lucky and one unlucky window decide nothing."""
    found = await search_with((0.05, 0.3), (0.05, 0.1), (0.05, 0.2)).at(0.8)
    assert found["answer_ms"]["p95"] == 200.0
    assert found["answer_p95_ms_of_each"] == [100.0, 200.0, 300.0]
    assert (found["left_out_as_slower"], found["all_slower"]) == (0, False)


async def test_a_window_on_a_slower_machine_is_made_up_for() -> None:
    """The CPU of a payment shows that the machine has changed; such a window is repeated."""
    found = await search_with((0.09, 1.5), (0.05, 0.1), (0.09, 1.5), (0.055, 0.2), (0.05, 0.3)).at(0.8)
    assert found["answer_p95_ms_of_each"] == [100.0, 200.0, 300.0]
    assert (found["left_out_as_slower"], found["all_slower"]) == (2, False)


async def test_when_all_were_slower_that_is_said() -> None:
    """When all windows were slower, the report says so, and the bench does not wait for a better machine."""
    found = await search_with(*[(0.09, 1.5)] * 6).at(0.8)
    assert found["all_slower"]
    assert len(found["answer_p95_ms_of_each"]) == 6
