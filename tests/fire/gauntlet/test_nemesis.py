"""The nemesis: strikes in the order of the plan, one at a time in a lane, and named when one did not work."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fire.gauntlet import nemesis as nemeses
from tests.fire.gauntlet.nemesis import Nemesis
from tests.fire.gauntlet.plan import Strike
from tests.fire.gauntlet.strikes import StrikeKind


class Site:
    """A site on which every strike only takes its time."""

    def __init__(self, *strikes: Strike) -> None:
        self.plan = SimpleNamespace(strikes=strikes)
        self.now: list[str] = []
        self.most: dict[str, int] = {}
        self.began: list[str] = []
        self.restored = False

    async def restore(self) -> None:
        """Note that the nemesis rests."""
        self.restored = True


def kind(name: str, lane: str, *, seconds: float = 0.05, fails: bool = False) -> StrikeKind:
    """Describe a strike that takes so long."""

    async def run(site: Any, terms: Any) -> None:
        site.began.append(name)
        site.now.append(lane)
        site.most[lane] = max(site.most.get(lane, 0), site.now.count(lane))
        await asyncio.sleep(seconds)
        site.now.remove(lane)
        if fails:
            raise RuntimeError("it does not fall")

    return StrikeKind(name, lane, run, lambda _: {})


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know three kinds of strike."""
    kinds = (kind("kill", "workers"), kind("stop", "workers"), kind("drop", "database"), kind("miss", "x", fails=True))
    monkeypatch.setattr(nemeses, "BY_NAME", {one.name: one for one in kinds})


def nemesis_of(site: Site) -> Nemesis:
    """Return the nemesis of a site, who says nothing."""
    said: list[str] = []
    return Nemesis(site, said.append)  # type: ignore[arg-type]  # a site, as far as a nemesis cares


async def test_a_strike_begins_before_its_business() -> None:
    """What is planned for business 3 has begun when business 3 may begin, and not when business 2 may."""
    site = Site(Strike(3, "drop", {}))
    nemesis = nemesis_of(site)
    await nemesis.reach(2)
    await asyncio.sleep(0)
    assert site.began == []
    await nemesis.reach(3)
    await asyncio.sleep(0)
    assert site.began == ["drop"]
    await nemesis.rest()


async def test_strikes_of_a_lane_never_overlap() -> None:
    """One worker is always left alone; strikes of other lanes come at the same time."""
    site = Site(Strike(1, "stop", {}), Strike(1, "drop", {}), Strike(2, "kill", {}))
    nemesis = nemesis_of(site)
    await nemesis.reach(2)
    await nemesis.rest()
    assert site.began == ["stop", "drop", "kill"]
    assert site.most == {"workers": 1, "database": 1}
    assert nemesis.carried_out == {"stop": 1, "drop": 1, "kill": 1}
    assert site.restored


async def test_a_strike_that_could_not_be_carried_out_is_named() -> None:
    """It is not counted, it is named, and the others go on."""
    site = Site(Strike(1, "miss", {}), Strike(1, "kill", {}))
    nemesis = nemesis_of(site)
    await nemesis.reach(1)
    await nemesis.rest()
    assert nemesis.carried_out == {"kill": 1}
    assert len(nemesis.failures) == 1
    assert "it does not fall" in nemesis.failures[0]
