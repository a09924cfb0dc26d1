"""When a webhook that was not taken is sent again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.delivery import wait_before_next_s

intervals = st.floats(1, 7 * 24 * 3600)
jitters = st.floats(0, 0.2)


@given(intervals, jitters)
def test_the_schedule_is_a_minimum(interval_s: float, jitter: float) -> None:
    """Jitter is added, never taken away: no attempt comes before its time."""
    assert interval_s <= wait_before_next_s(interval_s, jitter, None) <= interval_s * 1.2


@given(intervals, jitters, st.floats(-10, 10**9))
def test_a_receiver_may_ask_for_patience_within_bounds(interval_s: float, jitter: float, asked_s: float) -> None:
    """Retry-After neither hurries a delivery nor parks it for more than twice its wait."""
    wait_s = wait_before_next_s(interval_s, jitter, asked_s)

    assert interval_s <= wait_s <= interval_s * 2
    if interval_s * 1.2 <= asked_s <= interval_s * 2:
        assert wait_s == asked_s
