"""How a worker stops: all its queues at the same time, and always."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

import worker
from tests.support.durable import Durable

STUCK = "stuck"


class Stubborn:
    """An activity that does not let itself be stopped, until the test allows it."""

    def __init__(self) -> None:
        self.running = asyncio.Event()
        self.allowed = asyncio.Event()

    @activity.defn
    async def go_on(self) -> None:
        """Run until the test allows the end."""
        self.running.set()
        while not self.allowed.is_set():
            try:
                await self.allowed.wait()
            except asyncio.CancelledError:
                continue


@workflow.defn(sandboxed=False)
class Occupied:
    """Runs the activity."""

    @workflow.run
    async def run(self) -> None:
        """Wait for its end."""
        await workflow.execute_activity_method(Stubborn.go_on, start_to_close_timeout=timedelta(hours=1))


def worker_of(client: Client, queue: str, stubborn: Stubborn) -> Worker:
    """Return a worker that gives its activity no grace."""
    return Worker(client, task_queue=queue, activities=[stubborn.go_on], workflows=[Occupied])


async def occupy(client: Client, queue: str, stubborn: Stubborn) -> None:
    """Have the activity run on the worker of this queue."""
    await client.start_workflow(Occupied.run, id=f"occupied/{queue}", task_queue=queue)
    await stubborn.running.wait()


async def test_a_worker_that_does_not_stop_is_left_behind_and_said(durable: Durable) -> None:
    """A worker that does not stop in time is left behind with a log line; the others stop in order."""
    stubborn = Stubborn()
    stuck, other = (worker_of(durable.client, queue, stubborn) for queue in (STUCK, "other"))
    with structlog.testing.capture_logs() as logs:
        async with worker.working([stuck, other], limit=timedelta(seconds=8)):
            await occupy(durable.client, STUCK, stubborn)

    (told,) = [line for line in logs if line["log_level"] == "error"]
    assert told["queues"] == [STUCK]
    assert any("Worker" in name for name in told["waiting"])
    assert other.is_shutdown
    assert not stuck.is_shutdown
    stubborn.allowed.set()
    await stuck.shutdown()


async def test_workers_stop_at_the_same_time(durable: Durable) -> None:
    """A worker that still finishes its work does not let the others take new work."""
    stubborn = Stubborn()
    first, last = (worker_of(durable.client, queue, stubborn) for queue in ("first", "last"))

    async def allow_when_the_other_has_stopped() -> None:
        while not first.is_shutdown:
            await asyncio.sleep(0.01)
        stubborn.allowed.set()

    async with worker.working([first, last], limit=timedelta(seconds=20)):
        await occupy(durable.client, "last", stubborn)
        allowing = asyncio.create_task(allow_when_the_other_has_stopped())

    assert last.is_shutdown
    await allowing
