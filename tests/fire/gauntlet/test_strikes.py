"""Strikes get by while what they touch is struck by another: they repair what they broke, and do not break off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clearway.dev.errors import StackError
from tests.fire.gauntlet import strikes
from tests.fire.gauntlet.strikes import KINDS, drop_connections
from tests.support.closing_database import closing_database

RESTARTING = [kind for kind in KINDS if kind.name.endswith((" killed", " restarted"))]


class Struck:
    """A stack whose processes stop at their first starts, because what they need is down."""

    def __init__(self, failing: int) -> None:
        self.failing = failing
        self.running = True
        self.stack = SimpleNamespace(kill=self._end, stop=self._end, start=self._start)
        self.faults = SimpleNamespace(renew=self._renew)

    async def _end(self, _: str) -> None:
        self.running = False

    async def _start(self, name: str) -> None:
        if self.failing:
            self.failing -= 1
            raise StackError(f"{name} stopped at start: the database system is shutting down")
        self.running = True

    async def _renew(self) -> None:
        assert self.running


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(strikes, "BETWEEN_STARTS_S", 0.0)


@pytest.mark.parametrize("kind", RESTARTING, ids=lambda kind: kind.name)
async def test_a_process_is_started_until_it_runs(kind: strikes.StrikeKind) -> None:
    """A start that fails, because another strike has what it needs, is tried again."""
    site = Struck(failing=2)
    await kind.run(site, {"process": "any", "down_s": 0})  # type: ignore[arg-type]  # as much of a site as they touch
    assert site.running


async def test_a_process_that_never_starts_is_a_failure() -> None:
    """The strike is then not carried out, and the verdict says so."""
    site: Any = Struck(failing=1_000)
    with pytest.raises(StackError, match="shutting down"):
        await strikes.kill(site, {"process": "worker", "down_s": 0})


async def test_a_database_that_goes_down_does_not_break_the_strike_on_its_connections() -> None:
    """Asyncpg's own "cannot switch to state" of a server that says goodbye after its welcome is survived."""
    async with closing_database() as port:
        url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}/clearway?ssl=disable"
        site: Any = SimpleNamespace(stack=SimpleNamespace(database_url=url))
        await drop_connections(site, {"times": 2, "every_s": 0})
