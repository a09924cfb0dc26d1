"""The floor's worker has the present settings of Clearway's worker."""

from __future__ import annotations

import importlib

import pytest
from temporalio.worker import PollerBehaviorAutoscaling
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from scripts.bench import floor_workflows
from scripts.bench.floor_worker import QUEUES, runner_of_ours, settings_of_ours
from workflows.registry import strict_workflow_runner, workflow_runner


@pytest.mark.parametrize("queue", QUEUES)
def test_the_settings_are_asked_of_the_program(queue: str, monkeypatch) -> None:
    """A change of the worker's slots reaches the floor without a change here."""
    program = importlib.import_module("worker")
    monkeypatch.setitem(program.ACTIVITY_SLOTS, queue, 77)
    settings = settings_of_ours(queue)
    assert settings["max_concurrent_activities"] == 77
    assert isinstance(settings["workflow_task_poller_behavior"], PollerBehaviorAutoscaling)


def test_the_floor_runs_under_the_same_runner() -> None:
    """The floor uses the same runner as Clearway; in a sandbox, its modules are shared in the same way."""
    assert type(runner_of_ours()) is type(workflow_runner())
    sandboxed = runner_of_ours(strict_workflow_runner())
    assert isinstance(sandboxed, SandboxedWorkflowRunner)
    assert floor_workflows.__name__.split(".")[0] in sandboxed.restrictions.passthrough_modules
