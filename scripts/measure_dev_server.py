"""Compares Temporal's dev server as it comes with the way we start it: `python -m scripts.measure_dev_server`.

Every variant gets a fresh database file, the same worker in this process, and the same cases, one after the other.
The numbers are written into docs/adr/0002-dev-server-configuration.md; read ratios, not absolutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from clearway.dev import toolchain
from clearway.dev.ports import Ports
from clearway.dev.reporting import SilentReporter
from clearway.dev.temporal import DYNAMIC_CONFIG, SQLITE_PRAGMAS, DevServer, DevServerOptions

TASK_QUEUE: Final = "measure"
CONCURRENCY: Final = 40
LIMIT: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Variant:
    """One way to start the server."""

    name: str
    dynamic_config: Mapping[str, object]
    pragmas: Mapping[str, str]


VARIANTS: Final = (
    Variant("as it comes", {}, {}),
    Variant("only dynamic config", DYNAMIC_CONFIG, {}),
    Variant("only pragmas", {}, SQLITE_PRAGMAS),
    Variant("ours", DYNAMIC_CONFIG, SQLITE_PRAGMAS),
)


@activity.defn
async def touch() -> None:
    """Do nothing: the price of the step itself is what counts."""


@workflow.defn
class Empty:
    """No step at all."""

    @workflow.run
    async def run(self) -> None:
        """End at once."""


@workflow.defn
class OneActivity:
    """One step through a task queue."""

    @workflow.run
    async def run(self) -> None:
        """One activity."""
        await workflow.execute_activity(touch, start_to_close_timeout=LIMIT)


@workflow.defn
class ShortTimer:
    """A wait that is shorter than the dev server's own resolution."""

    @workflow.run
    async def run(self) -> None:
        """Sleep for 0.2 s."""
        await workflow.sleep(0.2)


@workflow.defn
class ThreeLocal:
    """The shape of our payments: a few steps beside the workflow."""

    @workflow.run
    async def run(self) -> None:
        """Three local activities."""
        for _ in range(3):
            await workflow.execute_local_activity(touch, start_to_close_timeout=LIMIT)


Run = Callable[[], Awaitable[None]]


async def serial_p50_ms(run: Run, count: int) -> float:
    """The median of runs one after the other, after three to warm up."""
    took = []
    for index in range(count + 3):
        started = time.perf_counter()
        await run()
        if index >= 3:  # noqa: PLR2004 - said above
            took.append((time.perf_counter() - started) * 1_000)
    return statistics.median(took)


async def per_second(run: Run, count: int) -> float:
    """Runs per second with `CONCURRENCY` in flight."""
    limit = asyncio.Semaphore(CONCURRENCY)

    async def one() -> None:
        async with limit:
            await run()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return count / (time.perf_counter() - started)


def runner(client: Client, kind: type) -> Run:
    """Run one workflow of that kind to its end."""

    async def run() -> None:
        await client.execute_workflow(kind.__name__, id=f"{kind.__name__}-{uuid4()}", task_queue=TASK_QUEUE)

    return run


async def measure(client: Client, count: int) -> list[float]:
    """The row of one variant."""
    worker = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[Empty, OneActivity, ShortTimer, ThreeLocal],
        activities=[touch],
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
    async with worker:
        latencies = [await serial_p50_ms(runner(client, kind), count) for kind in (Empty, OneActivity, ThreeLocal)]
        timer = await serial_p50_ms(runner(client, ShortTimer), max(5, count // 4))
        throughput = await per_second(runner(client, ThreeLocal), count * 15)
    return [*latencies, timer, throughput]


async def main(count: int) -> None:
    """Measure each variant and print a table."""
    binary = await toolchain.find_temporal(SilentReporter())
    print("| variant | empty p50 ms | 1 activity p50 ms | 3 local p50 ms | 0.2 s timer p50 ms | 3 local per s |")
    print("|---|---|---|---|---|---|")
    for variant in VARIANTS:
        with tempfile.TemporaryDirectory() as folder:
            options = DevServerOptions(
                binary=binary,
                database=Path(folder) / "temporal.db",
                log=Path(folder) / "temporal.log",
                port=Ports.free().temporal,
                ui_port=None,
                dynamic_config=variant.dynamic_config,
                pragmas=variant.pragmas,
            )
            server = DevServer(options)
            try:
                numbers = await measure(await server.start(), count)
            finally:
                await server.stop()
        print(f"| {variant.name} | " + " | ".join(f"{number:.1f}" for number in numbers) + " |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="serial runs per case")
    asyncio.run(main(parser.parse_args().count))
    sys.stdout.flush()
    os._exit(0)  # the SDK's threads may crash an interpreter that ends by itself
