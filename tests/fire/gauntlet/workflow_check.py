"""What Temporal says of the run: that no workflow failed, and that the histories of the run replay."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory
from temporalio.worker import Replayer

from clearway.durable.client import DATA_CONVERTER
from tests.fire.gauntlet.verdict import SHOWN_MAX, Judged, Ruling
from workflows.registry import WORKFLOWS, strict_workflow_runner

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
    """Replay histories of the run with today's code, in the sandbox that refuses clocks, chance and I/O."""
    name = f"{len(runs)} histories of the run replay"
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=strict_workflow_runner(), data_converter=DATA_CONVERTER)
    unread: list[str] = []
    async with replayer.workflow_replay_iterator(_histories(client, runs, unread)) as results:
        broken = [
            f"{result.history.workflow_id}: {result.replay_failure}"
            async for result in results
            if result.replay_failure is not None
        ]
    if broken:
        return Judged(name, Ruling.FAIL, broken[:SHOWN_MAX])
    unknown = unread or ([] if runs else ["there was none to replay"])
    return Judged(name, Ruling.UNKNOWN if unknown else Ruling.PASS, unknown[:SHOWN_MAX])


async def _histories(client: Client, runs: list[Run], unread: list[str]) -> AsyncIterator[WorkflowHistory]:
    """Yield the history of each run; one that can't be read proves nothing, and is named in `unread`."""
    for run in runs:
        try:
            history = await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).fetch_history()
        except Exception as error:  # noqa: BLE001 - it is in the verdict
            unread.append(f"{run.workflow_id}: {type(error).__name__}: {error}")
        else:
            yield history
