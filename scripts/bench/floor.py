"""The floor: bare workflows of our shape on the same server, started at the same rate by a process of their own."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from scripts.bench.agents import Agent
from scripts.bench.cpu import CpuMeter
from scripts.bench.load import Sent
from scripts.bench.ours import DRAIN_S
from scripts.bench.runs import Run
from scripts.bench.shapes import Shape
from scripts.bench.stand import Stand, quiet


class Floor:
    """The two processes of the floor, beside a stand."""

    def __init__(self, stand: Stand, worker: Agent, driver: Agent) -> None:
        self._stand = stand
        self._worker = worker
        self._driver = driver

    def pids(self) -> dict[str, int]:
        """The processes whose CPU is told."""
        ours = self._stand.pids()
        shared = {name: ours[name] for name in ("temporal",) if name in ours}
        return {"driver": self._driver.pid, "worker": self._worker.pid, **shared}

    async def run(
        self, rate_per_s: float, arrivals_s: Sequence[float], payment: Shape, delivery: Shape, *, news_after_s: float
    ) -> Run:
        """Start one workflow of the payment's shape at each moment, and wait for the first delivery of each."""
        await self._worker.ask("take")
        meter, began = CpuMeter.start(self.pids()), time.perf_counter()
        sent = [
            Sent(*one)
            for one in await self._driver.ask(
                "run",
                arrivals_s=list(arrivals_s),
                shape=payment.to_json(),
                delivery=delivery.to_json(),
                prefix=uuid.uuid4().hex,
                news_after_s=news_after_s,
            )
        ]
        deliveries = sum(step.starts for step in payment.steps)
        await quiet(self._worker, deliveries * len(sent), patience_s=DRAIN_S)
        cpu_s, wall_s = meter.used_s(), time.perf_counter() - began
        done_at: dict[str, float] = {}
        for number, at in await self._worker.ask("take"):
            done_at.setdefault(number.rpartition("/")[0], at)
        if not deliveries:
            done_at = {one.made: one.answered_at for one in sent if one.made}
        return Run(rate_per_s, sent, done_at, cpu_s, wall_s)


@asynccontextmanager
async def floor(stand: Stand) -> AsyncIterator[Floor]:
    """Start the processes of the floor; they end with the block."""
    async with AsyncExitStack() as exits:
        env: Mapping[str, str] = stand.stack.environment()
        agents: list[Any] = []
        for module in ("scripts.bench.floor_worker", "scripts.bench.floor_driver"):
            agents.append(await Agent.start(module, env, stand.stack.log_dir))
            exits.push_async_callback(agents[-1].stop)
        yield Floor(stand, *agents)


def workflow_ids(run: Run) -> tuple[str, str]:
    """Return the ids of one payment of the floor and of its first delivery."""
    made = next(one.made for one in run.sent if one.made)
    return f"floor/{made}", f"floor-delivery/{made}/0"
