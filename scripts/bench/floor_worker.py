"""The worker of the floor: a process of its own, with the settings of ours, asked of `worker.py` itself.

Request `take`: the deliveries attempted since the last take, [[number, Unix seconds], …]; `count`: how many.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final
from unittest import mock

import uvloop
from temporalio.client import Client
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from clearway import collector
from clearway.durable.client import connect
from clearway.durable.messages import QUEUE_DELIVERIES, QUEUE_PAYMENTS
from clearway.settings import Settings
from scripts.bench import floor_workflows as floor
from scripts.bench.agents import leave, serve
from workflows.registry import workflow_runner

QUEUES: Final = (QUEUE_PAYMENTS, QUEUE_DELIVERIES)
"""Those of ours that the floor has too."""


def settings_of_ours(queue: str) -> dict[str, Any]:
    """Return the arguments with which our worker of a queue is made: pollers, slots, cache, grace.

    The program is asked, not copied, so that the floor follows when it changes; what it would make is caught here.
    """
    program = importlib.import_module("worker")
    with mock.patch.object(program, "Worker") as made:
        program.build_worker(mock.sentinel.client, queue, [])
    return dict(made.call_args.kwargs)


def runner_of_ours(runner: WorkflowRunner | None = None) -> WorkflowRunner:
    """Return our workflow runner; in a sandbox the floor's modules are shared, as our workflows' own are."""
    ours = runner or workflow_runner()
    if isinstance(ours, SandboxedWorkflowRunner):
        return SandboxedWorkflowRunner(restrictions=ours.restrictions.with_passthrough_modules("scripts"))
    return ours


def build_worker(client: Client, queue: str, activities: Sequence[Callable[..., Any]]) -> Worker:
    """Return the floor's worker for one of our queues."""
    return Worker(
        client,
        **{
            **settings_of_ours(queue),
            "task_queue": f"floor-{queue}",
            "workflows": [floor.FloorPayment, floor.FloorDelivery],
            "activities": activities,
            "workflow_runner": runner_of_ours(),
        },
    )


async def main() -> None:
    """Work, and answer the bench, until it ends."""
    client = await connect(Settings())
    async with AsyncExitStack() as stack:
        steps = floor.FloorActivities(client)

        async def handle(asked: Mapping[str, Any]) -> Any:
            if asked["do"] == "count":
                return len(steps.delivered)
            taken, steps.delivered = steps.delivered, []
            return taken

        for queue in QUEUES:
            activities: list[Callable[..., Any]] = [steps.floor_step, steps.floor_call, steps.floor_attempt]
            await stack.enter_async_context(build_worker(client, queue, activities))
        collector.settle()
        await serve(handle)


if __name__ == "__main__":
    uvloop.run(main())  # as ours
    leave()
