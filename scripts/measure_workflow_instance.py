"""Measures what the sandbox costs a workflow: the same stored history replayed in each runner.

    python -m scripts.measure_workflow_instance [times]

Prints the median milliseconds of one whole replay (the replayer's check of every workflow, one new instance, and every
step of the history). The runners take turns, so that a noisy machine disturbs them alike.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Final

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from clearway.durable.client import DATA_CONVERTER
from workflows.registry import DEFINITIONS, WORKFLOWS, strict_workflow_runner, workflow_runner

HISTORY: Final = Path(__file__).parents[1] / "tests/replay/histories/payment_by_gateway_event.json"


async def replay_ms(runner: WorkflowRunner, history: WorkflowHistory) -> float:
    """Return the milliseconds of one replay."""
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=runner, data_converter=DATA_CONVERTER)
    started = time.perf_counter()
    await replayer.replay_workflow(history)
    return (time.perf_counter() - started) * 1_000


async def main(times: int) -> None:
    """Measure the runners in turn."""
    history = WorkflowHistory.from_json("payment", HISTORY.read_text())
    shared = SandboxRestrictions.default.with_passthrough_modules(*DEFINITIONS, "workflows")
    runners: dict[str, WorkflowRunner] = {
        "strict sandbox": strict_workflow_runner(),
        "shared modules": SandboxedWorkflowRunner(restrictions=shared),
        "production": workflow_runner(),
    }
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(times):
        for name, runner in runners.items():
            taken[name].append(await replay_ms(runner, history))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, median in medians.items():
        print(f"{name:14} {median:7.2f} ms a replay (median of {times})")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
