"""The driver of the floor: a process of its own that starts bare workflows in an open loop, where ours has its clients.

Request `run`: arrivals_s, shape, delivery (see `shapes`), prefix (of the workflow ids), signal_after_s (of the signal
that ends a wait). Answers [[due at, answered at, number or null], …] in
Unix seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import uvloop

from clearway.durable.client import connect
from clearway.settings import Settings
from scripts.bench.agents import leave, serve
from scripts.bench.floor_starts import Starter
from scripts.bench.load import open_loop
from scripts.bench.shapes import Shape


class Driver:
    """Starts workflows of one shape."""

    def __init__(self, starter: Starter, asked: Mapping[str, Any]) -> None:
        self._starter = starter
        self._asked = asked
        self._signals: set[asyncio.Task[None]] = set()

    async def start(self, number: int) -> str | None:
        """Start workflow `number` and wait for the answer that a merchant would get."""
        name = f"{self._asked['prefix']}-{number}"
        if not await self._starter.start(name):
            return None
        for _ in range(Shape.from_json(self._asked["shape"]).told_times):
            self._signals.add(task := asyncio.create_task(self._tell(name)))
            task.add_done_callback(self._signals.discard)
        return name

    async def told(self) -> None:
        """Wait until every signal is sent."""
        await asyncio.gather(*self._signals)

    async def _tell(self, name: str) -> None:
        await asyncio.sleep(self._asked["signal_after_s"])
        await self._starter.tell(name)


async def main() -> None:
    """Answer the bench until it ends."""
    client = await connect(Settings())

    async def handle(asked: Mapping[str, Any]) -> Any:
        driver = Driver(Starter(client, asked["shape"], asked["delivery"]), asked)
        sent = await open_loop(asked["arrivals_s"], driver.start)
        await driver.told()
        return [[one.due_at, one.answered_at, one.made] for one in sent]

    await serve(handle)


if __name__ == "__main__":
    uvloop.run(main())
    leave()
