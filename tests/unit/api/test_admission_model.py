"""Admission control against a model of a stack: two cores shared by all, each payment done half after its answer.

The model is seeded and has a clock of its own, so its figures are the same everywhere. `make bench ARGS="--only
overload"` measures the real stack.
"""

from __future__ import annotations

import random
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

import pytest

from api.http.admission import Admission
from clearway.domain.errors import OverloadedError

CORES = 2.0
RECORDING_S, REST_S, REFUSAL_S = 0.03, 0.05, 0.001
"""CPU-seconds until the answer, after it, and of a refusal."""
KNEE_PER_S = CORES / (RECORDING_S + REST_S)
TARGET_S = 0.5
STEP_S = 0.004
RUN_S = 60.0
WARM_UP_S = 15.0


@dataclass
class Job:
    """Work that is left: of a recording when `room` is held, else of what comes after it."""

    left_s: float
    began: float
    api: Admission | None = None
    room: AbstractContextManager[None] | None = None


@dataclass
class Model:
    """Some API processes before the shared cores. What comes in the warm-up is not counted."""

    processes: int
    asked_per_s: float
    now: float = 0.0
    jobs: list[Job] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)
    asked: int = 0
    refused: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        """Begin with an idle stack."""
        self.chance = random.Random(20_261)  # noqa: S311 - a model that repeats itself
        self.apis = [Admission(TARGET_S, lambda: self.now) for _ in range(self.processes)]

    def run(self) -> Model:
        """Let the time pass."""
        arrival = self.chance.expovariate(self.asked_per_s)
        while self.now < RUN_S:
            while arrival <= self.now:
                self._ask()
                arrival += self.chance.expovariate(self.asked_per_s)
            self._work()
            self.now += STEP_S
        return self

    @property
    def counts(self) -> bool:
        """Whether the warm-up is over."""
        return self.now > WARM_UP_S

    @property
    def done_share(self) -> float:
        """What was done of what could be at the knee."""
        return self.done / (RUN_S - WARM_UP_S) / KNEE_PER_S

    @property
    def p95_s(self) -> float:
        """From the request to its answer, of those taken."""
        return sorted(self.answered_s)[int(len(self.answered_s) * 0.95)]

    def _ask(self) -> None:
        self.asked += self.counts
        api = self.chance.choice(self.apis)
        room = api.admitted()
        try:
            room.__enter__()
        except OverloadedError:
            self.refused += self.counts
            self.jobs.append(Job(REFUSAL_S, self.now))
        else:
            self.jobs.append(Job(RECORDING_S * self.chance.uniform(0.5, 1.5), self.now, api, room))

    def _work(self) -> None:
        share_s = min(1.0, CORES / max(1, len(self.jobs))) * STEP_S
        left: list[Job] = []
        for job in self.jobs:
            job.left_s -= share_s
            if job.left_s > 0:
                left.append(job)
            elif job.room is not None:
                left.append(self._answered(job))
            elif job.api is not None:
                self.done += self.counts
        self.jobs = left

    def _answered(self, job: Job) -> Job:
        assert job.api is not None
        assert job.room is not None
        with suppress(StopIteration):
            job.room.__exit__(None, None, None)
        job.api.observe(job.began, self.now)
        if self.counts:
            self.answered_s.append(self.now - job.began)
        return Job(REST_S * self.chance.uniform(0.5, 1.5), job.began, job.api)


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("times", [2.0, 3.0])
def test_beyond_the_knee_as_much_is_done_as_at_it(times: float, processes: int) -> None:
    """At twice and three times the knee 0.95 of the knee is done, and those taken keep to the target."""
    model = Model(processes, times * KNEE_PER_S).run()
    assert model.done_share >= 0.95
    assert model.refused > 0
    assert model.p95_s < TARGET_S * 1.5


def test_below_the_knee_nothing_is_refused() -> None:
    """At 0.8 of the knee a burst waits a little, and every payment is taken."""
    model = Model(1, 0.8 * KNEE_PER_S).run()
    assert model.asked > 500
    assert model.refused == 0
