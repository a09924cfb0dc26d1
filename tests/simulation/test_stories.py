"""Payments in a storm: seeded stories in skipped time, each judged by the invariants when it has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.judgement import violations_of
from tests.simulation.plans import plan_of
from tests.simulation.story import Story
from tests.support.durable import Durable

REGRESSIONS: Final = Path(__file__).with_name("regressions.txt")
MANY: Final = 40
"""So many stories come to every kind of end."""
ENDS: Final = {"success", "failed", "cancelled", "expired", "needs_review"}


def regression_seeds() -> list[int]:
    """Return the seeds that once failed: the first word of each line that is no comment."""
    lines = REGRESSIONS.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


async def tell(durable: Durable, seeds: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Tell the stories one after the other; return how they ended, and what was wrong, with the seed."""
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in seeds:
        story = Story(durable, plan_of(seed))
        try:
            ends[await story.told()] += 1
        except Exception as error:  # noqa: BLE001 - the seed is told with whatever went wrong
            wrong.append(f"--simulation-seed {seed}: {error!r}")
            continue
        wrong.extend(f"--simulation-seed {seed}: {text}" for text in await violations_of(durable, story.payment))
    return ends, wrong


@pytest.mark.timeout(3_600)
async def test_stories_keep_the_invariants(durable: Durable, simulation_seeds: range) -> None:
    """Whatever gateway, merchant, customer and clock do in whatever order, every invariant holds afterwards."""
    ends, wrong = await tell(durable, simulation_seeds)
    assert not wrong, "\n".join(wrong)
    assert len(simulation_seeds) < MANY or set(ends) == ENDS, ends


async def test_stories_that_once_failed_keep_the_invariants(durable: Durable) -> None:
    """A seed that found something is told again for ever."""
    _, wrong = await tell(durable, regression_seeds())
    assert not wrong, "\n".join(wrong)


def test_a_seed_is_a_plan() -> None:
    """The same seed makes the same plan, and another seed another."""
    assert plan_of(7) == plan_of(7)
    assert len({str(plan_of(seed).steps) for seed in range(200)}) > 190
