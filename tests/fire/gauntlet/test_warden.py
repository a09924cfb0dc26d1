"""The warden: Temporal is started again when it lives and does not answer for long, and never for a short silence."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from tests.fire.gauntlet import warden
from tests.fire.gauntlet.warden import watch_temporal


class Site:
    """A Temporal that answers or not, by turns, and is counted when it is started again."""

    def __init__(self, answers: str) -> None:
        self.left = list(answers)
        self.done: list[str] = []
        self.stack = SimpleNamespace(temporal=self, kill=self._kill, start=self._start)

    async def count_workflows(self, **_: Any) -> None:
        """Answer, or fail as an interrupted server does."""
        if not self.left:
            await asyncio.sleep(60)
        if self.left.pop(0) == "-":
            raise RPCError("shard status unknown", RPCStatusCode.UNAVAILABLE, b"")

    async def _kill(self, name: str) -> None:
        self.done.append(f"kill {name}")

    async def _start(self, name: str) -> None:
        self.done.append(f"start {name}")


@pytest.mark.parametrize(
    ("answers", "restarts"),
    [("+--+----+", 0), ("-------+", 1), ("--------------+", 2), ("-----+-----", 0), ("------+", 0)],
)
async def test_temporal_is_started_again_after_a_long_silence(
    answers: str, restarts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six unanswered looks in a row and one more when no strike is under way; the nemesis is kept away meanwhile."""
    monkeypatch.setattr(warden, "LOOK_EVERY_S", 0.0)
    site, lock, notes = Site(answers), asyncio.Lock(), []
    nemesis = SimpleNamespace(lane=lambda _: lock)
    watching = asyncio.create_task(watch_temporal(site, nemesis, notes.append))  # type: ignore[arg-type]
    while site.left:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    watching.cancel()
    assert site.done == ["kill temporal", "start temporal"] * restarts
    assert len(notes) == restarts
    assert not lock.locked()
