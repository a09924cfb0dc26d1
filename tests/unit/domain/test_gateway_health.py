"""The health of a gateway: hysteresis of checks, and thresholds of figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clearway.domain.gateway_health import Alerts, Health, HealthStatus, Measured, checked, judged, passed

NOW = datetime(2026, 3, 5, tzinfo=UTC)
HEALTHY = Health(HealthStatus.HEALTHY, NOW)


def after(health: Health, checks: str) -> Health:
    """Return the state after checks, a minute apart: `+` is good, `-` is bad."""
    for number, each in enumerate(checks, 1):
        health = checked(health, ok=each == "+", now=NOW + timedelta(minutes=number))
    return health


@pytest.mark.parametrize(
    ("checks", "status", "minute"),
    [
        ("+", "healthy", 1),
        ("-", "unknown", None),
        ("--", "unhealthy", 2),
        ("-+", "healthy", 2),
        ("+-", "healthy", 1),
        ("+-+-+-", "healthy", 1),
        ("+--", "unhealthy", 3),
        ("+--+", "unhealthy", 3),
        ("+--+-+", "unhealthy", 3),
        ("+--++", "healthy", 5),
        ("+-----", "unhealthy", 3),
    ],
)
def test_a_change_needs_checks_in_a_row(checks: str, status: str, minute: int | None) -> None:
    """One bad check among good ones, and one good among bad ones, changes nothing; `since` is when it changed."""
    found = after(Health(), checks)
    since = None if minute is None else NOW + timedelta(minutes=minute)
    assert (found.status, found.since) == (HealthStatus(status), since)


LIMITS = Alerts(latency_p95_ms=1_000, technical_error_percent=5, success_percent=80, calls_min=10)


@pytest.mark.parametrize(
    ("measured", "count"),
    [
        (Measured(), 0),
        (Measured(10, 1_000, 0.05, 10, 0.8), 0),
        (Measured(10, 1_001, 0.0, 0, None), 1),
        (Measured(10, 100, 0.0501, 0, None), 1),
        (Measured(10, 100, 0.0, 10, 0.79), 1),
        (Measured(10, 1_001, 0.5, 10, 0.1), 3),
        (Measured(9, 9_000, 1.0, 9, 0.0), 0),
    ],
    ids=str,
)
def test_a_threshold_is_passed_beyond_it(measured: Measured, count: int) -> None:
    """A figure at its threshold is within it; too few calls or decided payments say nothing."""
    assert len(passed(LIMITS, measured)) == count


def test_without_thresholds_nothing_is_passed() -> None:
    """A merchant who sets none gets no alert, and nothing is measured for them."""
    assert passed(Alerts(), Measured(1_000, 60_000, 1.0, 1_000, 0.0)) == ()
    assert not Alerts().are_set
    assert Alerts(success_percent=0.0).are_set


def test_degraded_ends_after_two_quiet_checks() -> None:
    """The first threshold that is passed degrades at once; one quiet check does not restore, two do."""
    degraded = judged(HEALTHY, ("slow",), NOW)
    assert (degraded.degraded_by, degraded.degraded_since) == (("slow",), NOW)
    later = judged(degraded, ("slow", "failing"), NOW + timedelta(minutes=5))
    assert (later.degraded_by, later.degraded_since) == (("slow", "failing"), NOW)
    once = judged(later, (), NOW + timedelta(minutes=10))
    assert once.degraded_by
    assert judged(judged(once, ("slow",), NOW), (), NOW).degraded_by
    assert judged(once, (), NOW + timedelta(minutes=15)) == HEALTHY
    assert judged(HEALTHY, (), NOW) == HEALTHY
