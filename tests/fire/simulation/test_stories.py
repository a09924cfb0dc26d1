"""Payments in a storm: seeded stories in skipped time, each judged by the invariants when it has come to rest."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

import pytest

from tests.fire.simulation import story
from tests.fire.simulation.endpoint import Endpoint, running_endpoint
from tests.fire.simulation.judgement import judge
from tests.fire.simulation.plans import plan_of
from tests.fire.simulation.story import Story
from tests.support.durable import Durable

REGRESSIONS: Final = Path(__file__).with_name("regressions.txt")
STORY_TIMEOUT_S: Final = 90
"""Real time; a story takes about a second."""
MANY: Final = 40
"""So many stories come to every kind of end."""
ENDS: Final = {
    *(f"payment {status}" for status in ("success", "failed", "cancelled", "expired", "needs_review")),
    *(f"refund {status}" for status in ("processed", "failed")),
    *(f"delivery {status}" for status in ("delivered", "failed")),
    "decision of an operator",
}


def regression_seeds() -> list[int]:
    """Return the seeds that once failed: the first word of each line that is no comment."""
    lines = REGRESSIONS.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
async def endpoint() -> AsyncIterator[Endpoint]:
    """Run the endpoint of every story's merchant."""
    async with running_endpoint() as endpoint:
        yield endpoint


async def tell(durable: Durable, endpoint: Endpoint, seeds: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Tell the stories one after the other; return what was seen in how many, and what was wrong, with the seed."""
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in seeds:
        told = Story(durable, endpoint, plan_of(seed))
        try:
            async with asyncio.timeout(STORY_TIMEOUT_S):
                await told.told()
                judgement = await judge(durable, endpoint, told)
        except Exception as error:  # noqa: BLE001 - the seed is told with whatever went wrong
            wrong.append(f"--simulation-seed {seed}: {error!r} in {_step_of(error)}")
            continue
        seen.update(judgement.seen)
        wrong.extend(f"--simulation-seed {seed}: {text}" for text in judgement.wrong)
    return seen, wrong


def _step_of(error: Exception) -> str:
    """Name the step of the story in which it was raised."""
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__) if frame.filename == story.__file__]
    return " > ".join(names)


@pytest.mark.timeout(3_600)
async def test_stories_keep_the_invariants(durable: Durable, endpoint: Endpoint, simulation_seeds: range) -> None:
    """After any sequence of acts of gateway, merchant, customer and clock, every invariant holds."""
    seen, wrong = await tell(durable, endpoint, simulation_seeds)
    print(dict(seen))  # noqa: T201 - told with -s
    assert not wrong, "\n".join(wrong)
    assert len(simulation_seeds) < MANY or set(seen) >= ENDS, seen


async def test_stories_that_once_failed_keep_the_invariants(durable: Durable, endpoint: Endpoint) -> None:
    """A seed that once found a fault is run again every time."""
    _, wrong = await tell(durable, endpoint, regression_seeds())
    assert not wrong, "\n".join(wrong)


def test_a_seed_is_a_plan() -> None:
    """The same seed makes the same plan, and another seed another."""
    assert plan_of(7) == plan_of(7)
    assert len({str(plan_of(seed).steps) for seed in range(200)}) > 190
