"""One run of load and what came of it; the same for our payments and for the bare workflows of the floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.bench.figures import summary_ms
from scripts.bench.load import Sent

BACKLOG_SLACK: Final = 5
"""So many more at the end than in the middle of a run are chance."""
COMPLETED_SLACK: Final = 3
"""So many fewer completed than offered are under way at the end, or chance."""
COMPLETED_SHARE: Final = 0.95
WARM_UP_SHARE: Final = 0.2
"""The first part of a run in which the pipeline fills."""


@dataclass(frozen=True)
class Run:
    """Requests at a rate, and when what each made was done: its webhook received. All moments are Unix seconds.

    cpu_s: CPU-seconds by process, from before the first request until everything was done.
    wall_s: how long that took. webhooks: what the receiver got, as (webhook id, event type, resource id).
    """

    rate_per_s: float
    sent: Sequence[Sent]
    done_at: Mapping[str, float]
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    webhooks: Sequence[tuple[str, str, str]] = ()

    @property
    def count(self) -> int:
        """How many requests there were."""
        return len(self.sent)

    @property
    def failed(self) -> int:
        """How many were not answered with success, or made something that was never done."""
        return sum(1 for one in self.sent if one.made is None or one.made not in self.done_at)

    @property
    def answer_latencies_s(self) -> list[float]:
        """From due to answered."""
        return [one.latency_s for one in self.sent if one.made is not None]

    @property
    def done_latencies_s(self) -> list[float]:
        """From due to done."""
        return [self.done_at[one.made] - one.due_at for one in self.sent if one.made and one.made in self.done_at]

    @property
    def completed_per_s(self) -> float:
        """How many were done a second, from the end of the warm-up to the last arrival."""
        return self._counted(self.done_at.values()) / self._counted_s

    @property
    def offered_per_s(self) -> float:
        """How many were really due a second in the same time: chance makes it differ from the rate."""
        return self._counted(one.due_at for one in self.sent) / self._counted_s

    @property
    def sustained(self) -> bool:
        """Whether the system kept up: it completed what was offered, and no backlog grew in the second half."""
        if self.failed:
            return False
        grew = self._backlog_at(self._moment(1.0)) - self._backlog_at(self._moment(0.5))
        slack = max(BACKLOG_SLACK, (1 - COMPLETED_SHARE) * self.count / 2)
        offered = self._counted(one.due_at for one in self.sent)
        completed = self._counted(self.done_at.values()) + COMPLETED_SLACK
        return completed >= COMPLETED_SHARE * offered and grew <= slack

    def cpu_per_one_s(self, *but: str) -> dict[str, float]:
        """Return the CPU-seconds that one request cost by process, and in `total`, which leaves out those named."""
        each = {name: used / self.count for name, used in self.cpu_s.items()}
        return {**each, "total": sum(used for name, used in each.items() if name not in but)}

    def summary(self, *but: str) -> dict[str, Any]:
        """Return what is printed and written of a run; `but` as in `cpu_per_one_s`."""
        return {
            "count": self.count,
            "failed": self.failed,
            "offered_per_s": round(self.offered_per_s, 2),
            "completed_per_s": round(self.completed_per_s, 2),
            "sustained": self.sustained,
            "answer_ms": summary_ms(self.answer_latencies_s),
            "done_ms": summary_ms(self.done_latencies_s),
            "cpu_s_each": {name: round(used, 5) for name, used in self.cpu_per_one_s(*but).items()},
            "wall_s": round(self.wall_s, 1),
        }

    @property
    def _counted_s(self) -> float:
        return self._moment(1.0) - self._moment(WARM_UP_SHARE)

    def _counted(self, moments: Iterable[float]) -> int:
        first, last = self._moment(WARM_UP_SHARE), self._moment(1.0)
        return sum(1 for at in moments if first < at <= last)

    def _moment(self, share: float) -> float:
        first, last = self.sent[0].due_at, self.sent[-1].due_at
        return first + share * (last - first)

    def _backlog_at(self, moment: float) -> int:
        due = sum(1 for one in self.sent if one.due_at <= moment)
        return due - sum(1 for at in self.done_at.values() if at <= moment)
