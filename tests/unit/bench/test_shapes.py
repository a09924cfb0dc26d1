"""The shape of a workflow is read from its history, and bare workflows take that shape."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from scripts.bench.histories import commonest
from scripts.bench.shapes import Shape, Step, count_events, differences, shape_of

HISTORIES = Path(__file__).parents[2] / "replay" / "histories"


def events_of(name: str) -> list[HistoryEvent]:
    """Return the events of a stored history."""
    return list(WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text()).events)


def made(*types: str) -> list[HistoryEvent]:
    """Return events of these types, as the Temporal server writes them, without what they hold."""
    events = []
    for number, name in enumerate(types, 1):
        event = HistoryEvent(event_id=number, event_type=f"EVENT_TYPE_{name}")
        if name == "MARKER_RECORDED":
            event.marker_recorded_event_attributes.marker_name = "core_local_activity"
        if name == "TIMER_STARTED":
            event.timer_started_event_attributes.start_to_fire_timeout.FromSeconds(15)
        if name == "TIMER_CANCELED":
            event.timer_canceled_event_attributes.started_event_id = (
                events.index(next(earlier for earlier in events if earlier.HasField("timer_started_event_attributes")))
                + 1
            )
        events.append(event)
    return events


TASK = ("WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_COMPLETED")
CALL = ("ACTIVITY_TASK_STARTED", "ACTIVITY_TASK_COMPLETED")
ANSWERED = (
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
    "MARKER_RECORDED",
    "ACTIVITY_TASK_SCHEDULED",
    "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
)


def test_a_payment_decided_in_the_answer_is_read() -> None:
    """The update's answer is given after the first local activity, although it stands after the call in a history."""
    events = made(
        "WORKFLOW_EXECUTION_STARTED",
        *TASK,
        *ANSWERED,
        *CALL,
        *TASK,
        "MARKER_RECORDED",
        "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
        "WORKFLOW_EXECUTION_COMPLETED",
    )
    shape = shape_of(events)
    assert shape.words() == "local, ANSWER, activity, local, upsert"
    assert shape == Shape((Step("local"), Step("activity"), Step("local"), Step("upsert")), answer_after=1)


def test_a_wait_that_a_signal_ended_is_not_one_that_fired() -> None:
    """A cancelled timer is a wait for a signal; the signal that ended it does not count as a late one."""
    waited = shape_of(made(*TASK, "TIMER_STARTED", "WORKFLOW_EXECUTION_SIGNALED", *TASK, "TIMER_CANCELED"))
    assert waited == Shape((Step("signal", 15),))
    fired = shape_of(made(*TASK, "TIMER_STARTED", "TIMER_FIRED", *TASK, "WORKFLOW_EXECUTION_SIGNALED"))
    assert fired == Shape((Step("timer", 15),), signals=1)


def test_an_update_that_waits_for_a_later_task_answers_there() -> None:
    """Answered in the second task, before its local activity or after it."""
    shape = shape_of(made(*TASK, "ACTIVITY_TASK_SCHEDULED", *CALL, *TASK, "WORKFLOW_EXECUTION_UPDATE_COMPLETED"))
    assert shape.answer_after == 1
    shape = shape_of(
        made(*TASK, "ACTIVITY_TASK_SCHEDULED", *CALL, *TASK, "MARKER_RECORDED", "WORKFLOW_EXECUTION_UPDATE_COMPLETED")
    )
    assert shape.answer_after == 2


def test_a_shape_survives_its_way_to_another_process() -> None:
    """What is sent to the floor's driver is what was read."""
    shape = Shape((Step("local"), Step("signal", 2.5), Step("local")), answer_after=1, signals=1).starting(2)
    assert Shape.from_json(shape.to_json()) == shape
    assert shape.steps[-1].starts == 2
    assert shape.steps[0].starts == 0, "the last local activity is the one that starts the deliveries"


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
def test_every_stored_history_can_be_read(path: Path) -> None:
    """The shape of every stored history can be read."""
    events = events_of(path.stem)
    shape = shape_of(events)
    counts = count_events(events)
    assert sum(1 for step in shape.steps if step.kind == "local") == counts["MarkerRecorded"]
    assert sum(1 for step in shape.steps if step.kind == "activity") == counts["ActivityTaskScheduled"]


def test_differences_name_what_is_not_alike() -> None:
    """Equal counts are left out; counts that differ are named."""
    ours, floor = Counter(MarkerRecorded=2, TimerStarted=1), Counter(MarkerRecorded=2, WorkflowTaskFailed=1)
    assert differences(ours, floor) == {"TimerStarted": (1, 0), "WorkflowTaskFailed": (0, 1)}


def test_the_commonest_history_is_the_one_that_counts() -> None:
    """One payment in three with another history does not change the shape."""
    usual = made(*TASK, "MARKER_RECORDED", "WORKFLOW_EXECUTION_COMPLETED")
    other = made(*TASK, "MARKER_RECORDED", "MARKER_RECORDED", "WORKFLOW_EXECUTION_COMPLETED")
    found = commonest([other, usual, usual])
    assert found.shape == Shape((Step("local"),))
    assert found.share == pytest.approx(2 / 3)
    assert found.mean_events == pytest.approx(16 / 3)
