"""Workflows of today must be able to go on with the histories of yesterday.

`histories/` holds one history for each story. They are never rewritten for a change of code that breaks them: such a
change would break the payments in flight of every installation, and needs `workflow.patched`. New stories are recorded
with `pytest tests/replay --record-histories`, which leaves those that exist alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from clearway.durable.client import DATA_CONVERTER
from tests.replay.stories import STORIES
from tests.support.durable import Durable
from workflows.registry import WORKFLOWS, strict_workflow_runner

HISTORIES = Path(__file__).parent / "histories"


def replayer() -> Replayer:
    """Make a replayer of every workflow, in the sandbox they run in."""
    return Replayer(workflows=WORKFLOWS, workflow_runner=strict_workflow_runner(), data_converter=DATA_CONVERTER)


def stored(name: str) -> WorkflowHistory:
    """Read a committed history."""
    return WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text())


def without_places(history: str) -> str:
    """Remove from a history what depends on the machine it was recorded on: names, and places in files."""
    told = re.sub(r'"identity": "[^"]*"', '"identity": "worker"', history)
    return re.sub(r'"stackTrace": "(?:[^"\\]|\\.)*"', '"stackTrace": ""', told)


@pytest.mark.parametrize("name", STORIES)
async def test_a_stored_history_replays(name: str) -> None:
    """Today's code takes the very steps that a stored history holds."""
    await replayer().replay_workflow(stored(name))


def test_every_history_has_its_story() -> None:
    """Every stored history has a story, and every workflow has a history."""
    kept = {path.stem for path in HISTORIES.glob("*.json")}
    kinds = {stored(name).events[0].workflow_execution_started_event_attributes.workflow_type.name for name in kept}

    assert kept == set(STORIES)
    assert kinds == {workflow.__name__ for workflow in WORKFLOWS}


@pytest.mark.parametrize("name", STORIES)
async def test_a_fresh_history_of_each_story_replays(
    durable: Durable, name: str, request: pytest.FixtureRequest
) -> None:
    """A fresh history of each story replays: the workflow takes the same steps twice."""
    handle: Any = await STORIES[name](durable)
    history = await handle.fetch_history()

    await replayer().replay_workflow(history)

    path = HISTORIES / f"{name}.json"
    if request.config.getoption("--record-histories") and not path.exists():
        path.write_text(without_places(history.to_json()) + "\n")


async def test_the_replayer_finds_a_changed_step() -> None:
    """A history whose steps are not those of the code is refused."""
    history = stored("payment_by_gateway_event")
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            event.activity_task_scheduled_event_attributes.activity_type.name = "something_else"

    with pytest.raises(Exception, match=r"(?i)nondeterminism"):
        await replayer().replay_workflow(history)
