"""What Temporal is asked at the end: failed workflows and changed histories are found, silence is unknown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHistory

from tests.fire.gauntlet.verdict import Ruling
from tests.fire.gauntlet.workflow_check import ALIKE_MAX, OURS, Run, course_of, judge_ends, judge_replay, sample_of

HISTORIES = Path(__file__).parents[2] / "replay" / "histories"
STORIES = ("payment_by_gateway_event", "refund_processed")


def run_of(name: str, kind: str = OURS[0], status: WorkflowExecutionStatus = WorkflowExecutionStatus.COMPLETED) -> Run:
    """Describe one run."""
    return Run(name, "1", kind, status)


def temporal(*, changed: str = "", away: str = "") -> Any:
    """Return a Temporal that knows the stored histories; one may be changed, one can't be read."""

    async def fetch(name: str) -> WorkflowHistory:
        if name == away:
            raise ConnectionError("away")
        story = name.partition("/")[0]
        history = WorkflowHistory.from_json(name, (HISTORIES / f"{story}.json").read_text())
        for event in history.events:
            if name == changed and event.HasField("activity_task_scheduled_event_attributes"):
                event.activity_task_scheduled_event_attributes.activity_type.name = "something_else"
        return history

    def handle(name: str, *, run_id: str) -> Any:
        return SimpleNamespace(fetch_history=lambda: fetch(name))

    return SimpleNamespace(get_workflow_handle=handle)


def test_a_failed_workflow_is_found() -> None:
    """A workflow of Clearway must not fail, time out or vanish."""
    good = [run_of("a"), run_of("b", status=WorkflowExecutionStatus.RUNNING)]
    assert judge_ends(good).ruling is Ruling.PASS
    for status in (WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.TIMED_OUT):
        judged = judge_ends([*good, run_of("c", status=status)])
        assert (judged.ruling, judged.details) == (Ruling.FAIL, [f"c is {status.name}"])
    assert judge_ends([]).ruling is Ruling.UNKNOWN


@pytest.mark.parametrize(
    ("trouble", "ruling"), [({}, "pass"), ({"changed": STORIES[0]}, "FAIL"), ({"away": STORIES[1]}, "unknown")]
)
async def test_histories_are_replayed(trouble: dict[str, str], ruling: str) -> None:
    """One that today's code would not have made fails; one that can't be read is unknown."""
    judged = await judge_replay(temporal(**trouble), [run_of(name) for name in STORIES])
    assert judged.ruling.value == ruling
    assert all(name in "".join(judged.details) for name in trouble.values())


async def test_the_one_that_differs_among_many_alike_is_replayed() -> None:
    """Of histories with one course some are replayed, and each with a course of its own is."""
    runs = [run_of(f"{STORIES[0]}/{number}") for number in range(ALIKE_MAX + 1)]
    judged = await judge_replay(temporal(changed=runs[-1].workflow_id), runs)
    assert judged.ruling is Ruling.FAIL
    assert runs[-1].workflow_id in "".join(judged.details)


def test_a_course_names_what_was_asked_for() -> None:
    """Another activity, local activity, signal or workflow makes another course."""
    of_payment, of_refund = (
        course_of(OURS[0], WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text()))
        for name in STORIES
    )
    asked = " ".join((*of_payment, *of_refund)).split()
    assert {"PaymentWorkflow", "authorise", "record_payment", "gateway_event", "RefundWorkflow"} <= set(asked)
    assert "reserve_refund" in " ".join(of_refund)


async def test_nothing_to_replay_proves_nothing() -> None:
    """An empty sample is no pass."""
    assert (await judge_replay(temporal(), [])).ruling is Ruling.UNKNOWN


def test_a_sample_holds_every_kind() -> None:
    """Deliveries are many and payments few: of each there is a share, and the same seed takes the same."""
    runs = [
        run_of(f"{kind}-{number}", kind)
        for kind, count in zip(OURS, (5, 50, 500), strict=True)
        for number in range(count)
    ]
    sample = sample_of(runs, 3, 60)
    assert [sum(run.type == kind for run in sample) for kind in OURS] == [5, 20, 20]
    assert sample == sample_of(runs, 3, 60)
