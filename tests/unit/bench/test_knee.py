"""The search of the knee, on systems whose knee is known."""

from __future__ import annotations

import pytest

from scripts.bench.knee import TRIES_MAX, Keeps, find_knee


def system(capacity_per_s: float) -> Keeps:
    """Return a system that keeps up with what is below its capacity."""

    async def keeps(rate_per_s: float) -> bool:
        return rate_per_s <= capacity_per_s

    return keeps


@pytest.mark.parametrize("start_per_s", [1.0, 12.0, 13.0, 60.0])
async def test_the_knee_is_found_from_either_side(start_per_s: float) -> None:
    """Whether the search begins far below or far above, it ends around the capacity."""
    knee = await find_knee(system(12.5), start_per_s=start_per_s, bisections=4)
    assert knee.too_much_per_s is not None
    assert knee.rate_per_s <= 12.5 < knee.too_much_per_s
    assert knee.too_much_per_s / knee.rate_per_s < 1.02


async def test_the_search_ends_when_nothing_is_too_much() -> None:
    """It gives up after so many tries, and says that it met no limit."""
    knee = await find_knee(system(1e12), start_per_s=1.0, bisections=3)
    assert knee.too_much_per_s is None
    assert len(knee.tried) == TRIES_MAX


async def test_the_search_ends_when_everything_is_too_much() -> None:
    """A system that keeps up with nothing has the knee 0."""
    knee = await find_knee(system(0.0), start_per_s=8.0, bisections=3)
    assert knee.rate_per_s == 0
    assert len(knee.tried) == TRIES_MAX
