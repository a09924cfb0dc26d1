"""The simulator's alarm: a sleep that can be cut short, and that a shutdown always ends."""

from __future__ import annotations

import asyncio

import pytest

from clearway.simulator.clocks import Alarm


@pytest.mark.parametrize("turns", range(6))
async def test_a_sleeper_that_is_rung_and_cancelled_at_once_ends(turns: int) -> None:
    """However few turns of the event loop lie between the ring and the cancellation, the cancellation is not lost."""
    alarm = Alarm()

    async def sleep_for_ever() -> None:
        while True:
            await alarm.sleep_until(None)

    sleeper = asyncio.create_task(sleep_for_ever())
    await asyncio.sleep(0.01)
    alarm.ring()
    for _ in range(turns):
        await asyncio.sleep(0)
    sleeper.cancel()
    done, _ = await asyncio.wait([sleeper], timeout=30)
    assert sleeper in done
    assert sleeper.cancelled()
