"""What Temporal says of the run: that no workflow failed, and that the histories of the run replay."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory
from temporalio.worker import Replayer

from clearway.durable.client import DATA_CONVERTER
from tests.fire.gauntlet.verdict import SHOWN_MAX, Judged, Ruling
from workflows.registry import WORKFLOWS, strict_workflow_runner

ALIKE_MAX: Final = 3
"""Replayed of the histories in which the same happened in the same order: most deliveries are alike."""
LOCAL_ACTIVITY: Final = re.compile(rb'"activity_type":"(\w+)"')
OURS: Final = ("PaymentWorkflow", "RefundWorkflow", "WebhookDeliveryWorkflow")
ENDED_WELL: Final = frozenset(
    {
        WorkflowExecutionStatus.COMPLETED,
        WorkflowExecutionStatus.RUNNING,
        # A run whose row was restored to an earlier moment hands over to one that asks the gateway first.
        WorkflowExecutionStatus.CONTINUED_AS_NEW,
    }
)


@dataclass(frozen=True)
class Run:
    """One run of a workflow."""

    workflow_id: str
    run_id: str
    type: str
    status: WorkflowExecutionStatus | None


async def runs_of(client: Client) -> list[Run]:
    """List every run of our workflows."""
    quoted = ", ".join(f"'{name}'" for name in OURS)
    found = client.list_workflows(f"WorkflowType IN ({quoted})", page_size=1_000)
    return [Run(run.id, run.run_id, run.workflow_type, run.status) async for run in found]


def judge_ends(runs: list[Run], struck: AbstractSet[str] = frozenset()) -> Judged:
    """No workflow failed, timed out or was terminated. struck: those of which the nemesis ended a run."""
    name = "no workflow failed"
    terminated = WorkflowExecutionStatus.TERMINATED
    unwell = [run for run in runs if run.status not in ENDED_WELL]
    unexcused = [run for run in unwell if run.status is not terminated or run.workflow_id not in struck]
    bad = [f"{run.workflow_id} is {run.status.name if run.status else '?'}" for run in unexcused]
    if not runs:
        return Judged(name, Ruling.UNKNOWN, ["Temporal knows of no workflow at all"])
    return Judged(name, Ruling.FAIL if bad else Ruling.PASS, bad[:SHOWN_MAX])


def sample_of(runs: list[Run], seed: int, count: int) -> list[Run]:
    """Choose runs to replay: of each type an equal share, and all where there are fewer."""
    chance = random.Random(f"{seed}/replay")  # noqa: S311 - chance that repeats itself
    of_type = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.workflow_id):
        of_type[run.type].append(run)
    share = max(1, count // max(1, len(of_type)))
    return [run for group in of_type.values() for run in chance.sample(group, min(share, len(group)))]


async def judge_replay(client: Client, runs: list[Run]) -> Judged:
    """Replay histories of the run with today's code, in the sandbox that refuses clocks, chance and I/O.

    All are read. Of those that took the same course, ALIKE_MAX are replayed: a replay compares the commands of the code
    with the course, and each replay imports the workflows again.
    """
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=strict_workflow_runner(), data_converter=DATA_CONVERTER)
    unread: list[str] = []
    broken: list[str] = []
    replayed = 0
    async with replayer.workflow_replay_iterator(_histories(client, runs, unread)) as results:
        async for result in results:
            replayed += 1
            if result.replay_failure is not None:
                broken.append(f"{result.history.workflow_id}: {result.replay_failure}")
    alike = f", {len(runs) - len(unread) - replayed} more are alike" if replayed < len(runs) - len(unread) else ""
    name = f"{replayed} histories of the run replay{alike}"
    if broken:
        return Judged(name, Ruling.FAIL, broken[:SHOWN_MAX])
    unknown = unread or ([] if runs else ["there was none to replay"])
    return Judged(name, Ruling.UNKNOWN if unknown else Ruling.PASS, unknown[:SHOWN_MAX])


async def _histories(client: Client, runs: list[Run], unread: list[str]) -> AsyncIterator[WorkflowHistory]:
    """Yield what is to be replayed; a history that can't be read proves nothing, and is named in `unread`."""
    alike: Counter[tuple[str, ...]] = Counter()
    for run in runs:
        try:
            history = await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).fetch_history()
        except Exception as error:  # noqa: BLE001 - it is in the verdict
            unread.append(f"{run.workflow_id}: {type(error).__name__}: {error}")
            continue
        course = course_of(run.type, history)
        alike[course] += 1
        if alike[course] <= ALIKE_MAX:
            yield history


def course_of(kind: str, history: WorkflowHistory) -> tuple[str, ...]:
    """Return what happened, in its order: the kinds of event, with the names of activities, signals and the like."""
    return (kind, *(f"{event.event_type} {_named(event)}" for event in history.events))


def _named(event: HistoryEvent) -> str:
    """Name what an event asks for or brings; of a local activity its data has the name."""
    what = getattr(event, event.WhichOneof("attributes") or "", None)
    kinds = (getattr(getattr(what, name, None), "name", "") for name in ("activity_type", "workflow_type"))
    named = (str(getattr(what, name, "")) for name in ("signal_name", "marker_name", "timer_id"))
    is_marker = event.HasField("marker_recorded_event_attributes")
    local = LOCAL_ACTIVITY.findall(event.SerializeToString()) if is_marker else ()
    return " ".join((*kinds, *named, *(name.decode() for name in local)))
