"""Admission control: how the bound on new work follows the time that recordings take."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from api.http.admission import LIMIT_AT_START, LIMIT_MIN, TIMES_MIN, WINDOW_S, Admission
from clearway.domain.errors import OverloadedError

TARGET_S = 0.5
QUICK_S, SLOW_S = 0.1, 0.9


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def admission_of(target_s: float = TARGET_S) -> tuple[Admission, Clock]:
    """Return an admission control and its clock."""
    clock = Clock()
    return Admission(target_s, clock), clock


def window(admission: Admission, clock: Clock, took_s: float, *, under_way: int, count: int = 20) -> None:
    """Let one window pass in which so many were under way at most, and so many recordings took so long."""
    with ExitStack() as stack:
        for _ in range(under_way):
            stack.enter_context(admission.admitted())
    clock.now += WINDOW_S + took_s
    for _ in range(count):
        admission.observe(clock.now - took_s, clock.now)


def refuses_at(admission: Admission) -> int:
    """Return how many are taken at once before one is refused."""
    with ExitStack() as stack:
        for taken in range(2_000):
            try:
                stack.enter_context(admission.admitted())
            except OverloadedError:
                return taken
    raise AssertionError("nothing was ever refused")


def test_what_is_beyond_the_bound_is_refused() -> None:
    """The bound is exact, the refusal says when to come back and is counted, and room is given back."""
    admission, _ = admission_of()
    assert refuses_at(admission) == refuses_at(admission) == LIMIT_AT_START
    assert admission.refused == 2
    assert admission.under_way == 0


def test_a_refusal_says_when_to_come_back() -> None:
    """It is a 503 `overloaded` with a wait of seconds."""
    admission, _ = admission_of()
    with ExitStack() as stack:
        for _ in range(int(admission.limit)):
            stack.enter_context(admission.admitted())
        with pytest.raises(OverloadedError) as refusal:
            stack.enter_context(admission.admitted())
    assert (refusal.value.status, refusal.value.code) == (503, "overloaded")
    assert 1 <= (refusal.value.retry_after_s or 0) <= 5


def test_slow_recordings_lower_the_bound() -> None:
    """As long as nine of ten are not quick enough it falls, and never below what is always allowed."""
    admission, clock = admission_of()
    window(admission, clock, SLOW_S, under_way=30)
    assert LIMIT_MIN < admission.limit < LIMIT_AT_START
    for _ in range(30):
        window(admission, clock, SLOW_S, under_way=1)
    assert admission.limit == LIMIT_MIN


def test_quick_recordings_raise_a_bound_that_is_used() -> None:
    """It rises while it binds and recordings are quick; what is not asked for proves nothing."""
    admission, clock = admission_of()
    window(admission, clock, QUICK_S, under_way=10)
    assert admission.limit == LIMIT_AT_START
    for _ in range(5):
        window(admission, clock, QUICK_S, under_way=int(admission.limit))
    assert admission.limit >= LIMIT_AT_START + 5


def test_a_few_slow_ones_are_chance() -> None:
    """One slow recording among twenty does not lower the bound, and a handful of times is waited for."""
    admission, clock = admission_of()
    clock.now += 1
    for took_s in (*[QUICK_S] * 19, SLOW_S):
        admission.observe(clock.now - took_s, clock.now)
    assert admission.limit == LIMIT_AT_START
    few, clock = admission_of()
    window(few, clock, SLOW_S, under_way=1, count=TIMES_MIN - 1)
    assert few.limit == LIMIT_AT_START


def test_what_began_before_a_decrease_does_not_lower_again() -> None:
    """Requests that waited behind the crowd say nothing of the bound that sent the crowd away."""
    admission, clock = admission_of()
    window(admission, clock, SLOW_S, under_way=30)
    lowered = admission.limit
    clock.now += WINDOW_S
    for _ in range(20):
        admission.observe(clock.now - WINDOW_S - 0.2, clock.now)
    assert admission.limit == lowered


def test_without_a_target_nothing_is_refused() -> None:
    """OVERLOAD_TARGET_MS=0 switches it off."""
    admission, clock = admission_of(0)
    window(admission, clock, SLOW_S, under_way=30)
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(admission.admitted())
        assert admission.under_way == 500
