"""Which endpoints a process treats as slow, and for how long."""

from __future__ import annotations

import pytest

from activities import slow_endpoints
from activities.slow_endpoints import REMEMBERED_S, SlowEndpoints


class Clock:
    """A clock that a test sets."""

    now_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def test_a_slow_endpoint_is_soon_served_as_before() -> None:
    """Slow until its time is over, counted from when it was last slow."""
    clock = Clock()
    slow = SlowEndpoints(clock)
    slow.remember("whe_a")
    clock.now_s += REMEMBERED_S - 1
    assert "whe_a" in slow
    slow.remember("whe_a")
    clock.now_s += REMEMBERED_S - 1
    assert "whe_a" in slow
    clock.now_s += 2
    assert "whe_a" not in slow
    assert REMEMBERED_S <= 120, "one that hiccuped would wait long"


def test_only_the_one_that_was_slow_is_meant() -> None:
    """Another endpoint, and a delivery that does not say which, are not slow."""
    slow = SlowEndpoints()
    slow.remember("whe_a")
    assert "whe_b" not in slow
    assert None not in slow


def test_the_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of slow endpoints is bounded; the oldest is dropped first."""
    monkeypatch.setattr(slow_endpoints, "REMEMBERED_MAX", 2)
    slow = SlowEndpoints()
    for endpoint_id in ("whe_a", "whe_b", "whe_a", "whe_c"):
        slow.remember(endpoint_id)
    assert [endpoint_id in slow for endpoint_id in ("whe_a", "whe_b", "whe_c")] == [True, False, True]
