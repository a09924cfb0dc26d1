"""How much is simulated: the budget of CI, or what the command line asks for."""

from __future__ import annotations

import pytest

CI_STORIES = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switches of the simulation; they need `tests/fire/simulation` on the command line."""
    parser.addoption("--simulation-seed", type=int, default=None, help="replay the one story of this seed")
    parser.addoption("--simulation-stories", type=int, default=CI_STORIES, help="tell so many stories")
    parser.addoption("--simulation-first", type=int, default=1, help="the seed of the first story")


@pytest.fixture
def simulation_seeds(request: pytest.FixtureRequest) -> range:
    """Name the seeds to try."""
    one = request.config.getoption("--simulation-seed", default=None)
    if one is not None:
        return range(one, one + 1)
    first = request.config.getoption("--simulation-first", default=1)
    return range(first, first + request.config.getoption("--simulation-stories", default=CI_STORIES))
