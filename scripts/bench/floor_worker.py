"""The worker of the floor: a process of its own, with the settings of ours, asked of `worker.py` itself.

Request `take`: the deliveries attempted since the last take, [[number, Unix seconds], …]; `count`: how many.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

import orjson
import uvloop
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from clearway import collector
from clearway.settings import Settings
from clearway.temporal import connect
from scripts.bench import floor_workflows as floor
from scripts.bench.agents import leave, serve
from workflows.messages import QUEUE_DELIVERIES, QUEUE_PAYMENTS
from workflows.registry import strict_workflow_runner, workflow_runner

ENVIRONMENT: Final = "FLOOR_OTHERWISE"
QUEUES: Final = {floor.QUEUE_PAYMENTS: QUEUE_PAYMENTS, floor.QUEUE_DELIVERIES: QUEUE_DELIVERIES}
"""Each queue of the floor, and ours whose settings it has."""


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


@dataclass(frozen=True)
class Otherwise:
    """What differs from ours, for `variants`: read from the environment, nothing by default.

    strict: the sandbox of the tests. pollers: a fixed number in place of autoscaling. eager: of deliveries.
    """

    strict: bool = False
    pollers: int | None = None
    eager: bool = True

    @classmethod
    def from_environment(cls) -> Otherwise:
        """Read `FLOOR_OTHERWISE`, a JSON object."""
        return cls(**orjson.loads(os.environ.get(ENVIRONMENT, "{}")))

    def options(self) -> dict[str, Any]:
        """Return the arguments of Worker that differ."""
        options: dict[str, Any] = {}
        if self.strict:
            options["workflow_runner"] = runner_of_ours(strict_workflow_runner())
        if self.pollers is not None:
            behaviour = PollerBehaviorSimpleMaximum(self.pollers)
            options |= {"workflow_task_poller_behavior": behaviour, "activity_task_poller_behavior": behaviour}
        return options


def build_worker(
    client: Client, queue: str, activities: Sequence[Callable[..., Any]], otherwise: Otherwise | None = None
) -> Worker:
    """Return the worker of one queue of the floor."""
    return Worker(
        client,
        **{
            **settings_of_ours(QUEUES[queue]),
            "task_queue": queue,
            "workflows": [floor.FloorPayment, floor.FloorDelivery],
            "activities": activities,
            "workflow_runner": runner_of_ours(),
            **(otherwise or Otherwise()).options(),
        },
    )


async def main() -> None:
    """Work, and answer the bench, until it ends."""
    client = await connect(Settings())
    otherwise = Otherwise.from_environment()
    steps = floor.FloorActivities(client, eager=otherwise.eager)

    async def handle(asked: Mapping[str, Any]) -> Any:
        if asked["do"] == "count":
            return len(steps.delivered)
        taken, steps.delivered = steps.delivered, []
        return taken

    async with AsyncExitStack() as stack:
        for queue in QUEUES:
            activities: list[Callable[..., Any]] = [steps.floor_step, steps.floor_call, steps.floor_attempt]
            await stack.enter_async_context(build_worker(client, queue, activities, otherwise))
        collector.settle()
        await serve(handle)


if __name__ == "__main__":
    uvloop.run(main())  # as ours
    leave()
