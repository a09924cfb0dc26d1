"""The shape of a workflow: which steps it takes, in which order, without what they do.

A shape is read from the history of a real payment or delivery, so the floor always has the shape that ours has today.
It is plain data and may be written by hand: `Shape(steps=(Step("local"), Step("activity"), …))`.

    local      a local activity                       its marker
    activity   a normal activity                      scheduled, started, completed, and a workflow task
    timer      a wait that fires after `seconds`
    signal     a wait that a signal ends before its timer of `seconds` fires
    upsert     search attributes written

The update that starts a payment answers after `answer_after` steps; None: the workflow is started without one.
`signals` come soon after the answer and end no wait: they say what the workflow knows already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

Kind = Literal["local", "activity", "timer", "signal", "upsert"]
LOCAL_MARKER: Final = "core_local_activity"


@dataclass(frozen=True)
class Step:
    """One step. seconds: of a wait. starts: how many deliveries a local activity starts when it is done."""

    kind: Kind
    seconds: float = 0.0
    starts: int = 0


@dataclass(frozen=True)
class Shape:
    """The steps of one workflow."""

    steps: tuple[Step, ...] = ()
    answer_after: int | None = None
    signals: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(tuple(Step(**step) for step in stored["steps"]), stored["answer_after"], stored["signals"])

    def to_json(self) -> dict[str, Any]:
        """Return a form that `from_json` reads back."""
        return asdict(self)

    @property
    def told_times(self) -> int:
        """How many signals a workflow of this shape gets."""
        return self.signals + sum(1 for step in self.steps if step.kind == "signal")

    def starting(self, deliveries: int) -> Shape:
        """Return this shape with its last local activity starting so many deliveries."""
        last = max((index for index, step in enumerate(self.steps) if step.kind == "local"), default=None)
        assert last is not None or deliveries == 0, "no local activity could start the deliveries"
        steps = tuple(
            Step(step.kind, step.seconds, deliveries if index == last else 0) for index, step in enumerate(self.steps)
        )
        return replace(self, steps=steps)

    def words(self) -> str:
        """Say it in one line: `local, ANSWER, activity, local, upsert`."""
        words = [_word(step) for step in self.steps]
        if self.answer_after is not None:
            words.insert(self.answer_after, "ANSWER")
        words += ["a late signal"] * self.signals
        return ", ".join(words) or "nothing"


def shape_of(events: Sequence[HistoryEvent]) -> Shape:
    """Read the shape from a whole history.

    The answer of an update stands in a history after what the same workflow task did, although it was given before: it
    counts as given after the first local activity of that task, or at its beginning when there is none.
    """
    reading = _Reading()
    for event in events:
        reading.take(event)
    awaited = sum(1 for step in reading.steps if step.kind == "signal")
    return Shape(tuple(reading.steps), reading.answer_after, max(0, reading.signals - awaited))


def count_events(events: Iterable[HistoryEvent]) -> Counter[str]:
    """Count events by type, in the words of the Temporal UI: `WorkflowTaskScheduled`."""
    return Counter(_type_name(event) for event in events)


def differences(ours: Counter[str], floor: Counter[str]) -> dict[str, tuple[int, int]]:
    """Return the event types that are not as many in both: type to (ours, floor)."""
    return {name: (ours[name], floor[name]) for name in sorted(ours | floor) if ours[name] != floor[name]}


class _Reading:
    """What is known of a shape so far."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.answer_after: int | None = None
        self.signals = 0
        self._task_began_at = 0
        self._timers: dict[int, int] = {}

    def take(self, event: HistoryEvent) -> None:
        """Read one event."""
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                self._task_began_at = len(self.steps)
            case EventType.EVENT_TYPE_MARKER_RECORDED:
                if event.marker_recorded_event_attributes.marker_name == LOCAL_MARKER:
                    self.steps.append(Step("local"))
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                self.steps.append(Step("activity"))
            case EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
                self.steps.append(Step("upsert"))
            case EventType.EVENT_TYPE_TIMER_STARTED:
                seconds = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta().total_seconds()
                self._timers[event.event_id] = len(self.steps)
                self.steps.append(Step("timer", seconds))
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                index = self._timers[event.timer_canceled_event_attributes.started_event_id]
                self.steps[index] = Step("signal", self.steps[index].seconds)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                self.signals += 1
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED if self.answer_after is None:
                here = self.steps[self._task_began_at :]
                locally = next((index + 1 for index, step in enumerate(here) if step.kind == "local"), 0)
                self.answer_after = self._task_began_at + locally
            case _:
                pass


def _word(step: Step) -> str:
    if step.kind in {"timer", "signal"}:
        return f"{step.kind}({step.seconds:g} s)"
    return f"{step.kind}(starts {step.starts})" if step.starts else step.kind


def _type_name(event: HistoryEvent) -> str:
    words = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").split("_")
    return "".join(word.title() for word in words)
