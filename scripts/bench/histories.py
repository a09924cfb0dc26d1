"""Reading the histories of real workflows: the commonest shape of payments and deliveries, and their events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from scripts.bench.shapes import Shape, count_events, shape_of

SAMPLE: Final = 9
"""How many workflows of a kind are looked at: a signal may come in the middle of a task, so not all are the same."""


@dataclass(frozen=True)
class Anatomy:
    """The commonest history of a kind: its shape and its events by type; `share` of the sample has exactly these."""

    shape: Shape
    events: Counter[str]
    share: float
    mean_events: float

    @property
    def total(self) -> int:
        """How many events it has."""
        return sum(self.events.values())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "shape": self.shape.words(),
            "events": self.total,
            "events_by_type": dict(sorted(self.events.items())),
            "share_of_sample": round(self.share, 2),
            "mean_events": round(self.mean_events, 1),
        }


async def anatomy(client: Client, workflow_ids: Iterable[str]) -> Anatomy:
    """Read the histories of these workflows and return the commonest."""
    histories = [await _events(client, workflow_id) for workflow_id in list(workflow_ids)[:SAMPLE]]
    assert histories, "no workflow to look at"
    return commonest(histories)


def commonest(histories: Sequence[Sequence[HistoryEvent]]) -> Anatomy:
    """Return the shape and events that most of these histories have."""
    counts = [count_events(events) for events in histories]
    kinds = Counter(frozenset(count.items()) for count in counts)
    kind, times = kinds.most_common(1)[0]
    index = next(index for index, count in enumerate(counts) if frozenset(count.items()) == kind)
    mean = sum(sum(count.values()) for count in counts) / len(counts)
    return Anatomy(shape_of(histories[index]), counts[index], times / len(counts), mean)


async def _events(client: Client, workflow_id: str) -> Sequence[HistoryEvent]:
    return (await client.get_workflow_handle(workflow_id).fetch_history()).events
