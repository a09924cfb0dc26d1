"""The health of a gateway: what checks say over time, and whether its figures pass the merchant's thresholds.

unknown ──> healthy: the first good check      unknown, healthy ──> unhealthy: `FAILURES_TO_UNHEALTHY` in a row
unhealthy ──> healthy: `SUCCESSES_TO_HEALTHY` in a row

Each change needs several checks in a row (hysteresis), so one lost packet sends nobody an event. Pure: the time is an
argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

FAILURES_TO_UNHEALTHY: Final = 2
SUCCESSES_TO_HEALTHY: Final = 2
QUIET_TO_RESTORE: Final = 2
"""How many checks in a row must find the figures within the thresholds."""
ALERT_CALLS_DEFAULT: Final = 20
ALERT_WINDOW_MINUTES_DEFAULT: Final = 60


class HealthStatus(StrEnum):
    """Health of a gateway."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Health:
    """The state. since: of the status. streak: how many checks in a row contradict it.

    degraded_by: the thresholds that are passed, in words; empty: none. quiet: how many checks in a row found none.
    """

    status: HealthStatus = HealthStatus.UNKNOWN
    since: datetime | None = None
    streak: int = 0
    degraded_by: tuple[str, ...] = ()
    degraded_since: datetime | None = None
    quiet: int = 0


@dataclass(frozen=True, slots=True)
class Alerts:
    """Thresholds of a merchant for one gateway; None: no threshold. They are judged over the last minutes.

    calls_min: fewer calls, or for the success rate fewer decided payments, say nothing.
    """

    latency_p95_ms: int | None = None
    technical_error_percent: float | None = None
    success_percent: float | None = None
    calls_min: int = ALERT_CALLS_DEFAULT
    window_minutes: int = ALERT_WINDOW_MINUTES_DEFAULT

    @property
    def are_set(self) -> bool:
        """Whether there is a threshold."""
        thresholds = (self.latency_p95_ms, self.technical_error_percent, self.success_percent)
        return any(each is not None for each in thresholds)


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of the window. rates: from 0 to 1; None: there is nothing to judge."""

    calls: int = 0
    latency_p95_ms: int | None = None
    technical_error_rate: float | None = None
    decided: int = 0
    success_rate: float | None = None


def checked(health: Health, *, ok: bool, now: datetime) -> Health:
    """Return the state after a check."""
    agrees = health.status is (HealthStatus.HEALTHY if ok else HealthStatus.UNHEALTHY)
    if agrees:
        return replace(health, streak=0)
    needed = SUCCESSES_TO_HEALTHY if ok else FAILURES_TO_UNHEALTHY
    if ok and health.status is HealthStatus.UNKNOWN:
        needed = 1
    if health.streak + 1 < needed:
        return replace(health, streak=health.streak + 1)
    return replace(health, status=HealthStatus.HEALTHY if ok else HealthStatus.UNHEALTHY, since=now, streak=0)


def passed(alerts: Alerts, measured: Measured) -> tuple[str, ...]:
    """Return the thresholds that the figures pass, in words."""
    found = []
    if measured.calls >= alerts.calls_min:
        p95, most = measured.latency_p95_ms, alerts.latency_p95_ms
        if most is not None and p95 is not None and p95 > most:
            found.append(f"95 % of the calls took up to {p95} ms; the threshold is {most} ms")
        errors, bound = measured.technical_error_rate, alerts.technical_error_percent
        if bound is not None and errors is not None and errors * 100 > bound:
            found.append(f"{errors:.1%} of the calls failed technically; the threshold is {bound:g} %")
    rate, least = measured.success_rate, alerts.success_percent
    if least is not None and rate is not None and measured.decided >= alerts.calls_min and rate * 100 < least:
        found.append(f"{rate:.1%} of the payments were approved; the threshold is {least:g} %")
    return tuple(found)


def judged(health: Health, found: tuple[str, ...], now: datetime) -> Health:
    """Return the state after the figures were compared with the thresholds: `found` are those that they pass."""
    if found:
        return replace(health, degraded_by=found, degraded_since=health.degraded_since or now, quiet=0)
    if not health.degraded_by:
        return health
    quiet = health.quiet + 1
    if quiet < QUIET_TO_RESTORE:
        return replace(health, quiet=quiet)
    return replace(health, degraded_by=(), degraded_since=None, quiet=0)
