"""The floor: bare workflows of our shape on the same server, started at the same rate by a process of their own."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from scripts.bench.agents import Agent
from scripts.bench.cpu import CpuMeter
from scripts.bench.load import Sent
from scripts.bench.ours import DRAIN_S, settled
from scripts.bench.runs import Run
from scripts.bench.shapes import Shape
from scripts.bench.stand import Stand, quiet


class Floor:
    """The processes of the floor, beside a stand: one driver, as many workers as ours."""

    def __init__(self, stand: Stand, driver: Agent, workers: Sequence[Agent]) -> None:
        self._stand = stand
        self._driver = driver
        self._workers = workers

    def pids(self) -> dict[str, int]:
        """The processes whose CPU is measured."""
        ours = self._stand.pids()
        stored = self._stand.options.temporal_server == "postgres"
        servers = ("temporal", "postgres") if stored else ("temporal",)
        shared = {name: ours[name] for name in servers if name in ours}
        workers = {
            f"worker-{number}" if number > 1 else "worker": one.pid for number, one in enumerate(self._workers, 1)
        }
        return {"driver": self._driver.pid, **workers, **shared}

    async def delivered(self) -> int:
        """How many deliveries were attempted since they were last taken."""
        return sum([int(await worker.ask("count")) for worker in self._workers])

    async def run(
        self, rate_per_s: float, arrivals_s: Sequence[float], payment: Shape, delivery: Shape, *, signal_after_s: float
    ) -> Run:
        """Start one workflow of the payment's shape at each moment, and wait for the first delivery of each."""
        await self._take()
        meter, began = CpuMeter.start(self.pids()), time.perf_counter()
        sent = [
            Sent(*one)
            for one in await self._driver.ask(
                "run",
                arrivals_s=list(arrivals_s),
                shape=payment.to_json(),
                delivery=delivery.to_json(),
                prefix=uuid.uuid4().hex,
                signal_after_s=signal_after_s,
            )
        ]
        deliveries = sum(step.starts for step in payment.steps)
        await quiet(self.delivered, deliveries * len(sent), patience_s=DRAIN_S)
        cpu_s, wall_s = meter.used_s(), time.perf_counter() - began
        done_at: dict[str, float] = {}
        for number, at in await self._take():
            done_at.setdefault(number.rpartition("/")[0], at)
        if not deliveries:
            done_at = {one.made: one.answered_at for one in sent if one.made}
        run = Run(rate_per_s, sent, done_at, cpu_s, wall_s)
        if run.failed:
            await settled(self.delivered)
        return run

    async def _take(self) -> list[tuple[str, float]]:
        return [(number, at) for worker in self._workers for number, at in await worker.ask("take")]


@asynccontextmanager
async def floor(stand: Stand) -> AsyncIterator[Floor]:
    """Start the processes of the floor, as many workers as ours; they end with the block."""
    async with AsyncExitStack() as exits:

        async def started(module: str) -> Agent:
            agent = await Agent.start(f"scripts.bench.{module}", stand.stack.environment(), stand.stack.log_dir)
            exits.push_async_callback(agent.stop)
            return agent

        driver = await started("floor_driver")
        yield Floor(stand, driver, [await started("floor_worker") for _ in range(stand.options.workers)])


def workflow_ids(run: Run) -> tuple[str, str]:
    """Return the ids of one payment of the floor and of its first delivery."""
    made = next(one.made for one in run.sent if one.made)
    return f"floor/{made}", f"floor-delivery/{made}/0"
