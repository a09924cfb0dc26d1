"""The circuit breaker: opens by rate, not by number; tries again one payment at a time; opens longer each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clearway.domain.breaker import (
    CALLS_MIN,
    IDLE_S,
    OPEN_S,
    OPEN_S_MAX,
    PROBE_S,
    PROBES_TO_CLOSE,
    WINDOW_S,
    Breaker,
    BreakerState,
    counted,
    reset,
    with_probe,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """Return a moment."""
    return NOW + timedelta(seconds=seconds)


OPEN = counted(Breaker(), 0, CALLS_MIN, NOW)


def test_half_of_enough_calls_opens_it() -> None:
    """Ten calls of which five failed open it, for half a minute."""
    assert OPEN.state is BreakerState.OPEN
    assert counted(counted(Breaker(), 5, 0, NOW), 0, 5, after(1)).open_until == after(1 + OPEN_S)


@pytest.mark.parametrize(("successes", "failures"), [(0, CALLS_MIN - 1), (51, 49), (1_000, 0)])
def test_too_few_calls_or_too_few_failures_leave_it_closed(successes: int, failures: int) -> None:
    """A rate of a few calls says nothing, and a gateway that fails sometimes is not broken."""
    assert counted(Breaker(), successes, failures, NOW).state is BreakerState.CLOSED


def test_old_failures_are_forgotten() -> None:
    """Failures of an earlier window do not add to those of this one."""
    early = counted(Breaker(), 0, CALLS_MIN - 1, NOW)

    assert counted(early, 0, 1, after(WINDOW_S)).state is BreakerState.CLOSED
    assert counted(early, 0, 1, after(WINDOW_S - 1)).state is BreakerState.OPEN


def test_an_open_one_is_tried_when_its_time_is_up() -> None:
    """It stays open for its time, even when late answers are good, and is half open then."""
    late = counted(OPEN, 100, 100, after(OPEN_S - 1))

    assert late == OPEN
    assert OPEN.at(after(OPEN_S)).state is BreakerState.HALF_OPEN


def test_payments_that_go_well_close_it() -> None:
    """Three in a row close it, and it forgets how often it opened."""
    tried = OPEN
    for number in range(PROBES_TO_CLOSE):
        assert tried.at(after(OPEN_S)).state is BreakerState.HALF_OPEN
        tried = counted(tried, 1, 0, after(OPEN_S + number))

    assert (tried.state, tried.openings, tried.failures) == (BreakerState.CLOSED, 0, 0)


def test_one_that_fails_opens_it_for_longer() -> None:
    """Each opening in a row doubles the time, up to a bound."""
    broken, now, times = OPEN, NOW, []
    for _ in range(8):
        assert broken.open_until is not None
        times.append((broken.open_until - now).total_seconds())
        now = broken.open_until
        broken = counted(broken, 0, 1, now)

    assert times == [30, 60, 120, 240, 480, 900, 900, 900]
    assert times[-1] == OPEN_S_MAX


def test_one_payment_at_a_time_tries_it() -> None:
    """The right to try ends with the answer, or by itself when none comes."""
    trying = with_probe(OPEN, after(OPEN_S))

    assert not trying.is_free(after(OPEN_S + 1))
    assert trying.is_free(after(OPEN_S + PROBE_S))
    assert counted(trying, 1, 0, after(OPEN_S + 1)).is_free(after(OPEN_S + 1))


def test_one_that_no_payment_tries_is_idle() -> None:
    """Only a half-open breaker is idle, and only long after its time was up and after the last payment tried it."""
    assert not OPEN.is_idle(after(OPEN_S + IDLE_S - 1))
    assert OPEN.is_idle(after(OPEN_S + IDLE_S))
    assert not with_probe(OPEN, after(OPEN_S + IDLE_S - 1)).is_idle(after(OPEN_S + IDLE_S))
    assert not Breaker().is_idle(after(OPEN_S + IDLE_S))


def test_a_reset_closes_it() -> None:
    """A person who knows better closes it at once."""
    assert reset(OPEN).state is BreakerState.CLOSED
