"""The circuit breaker of one operation at one gateway: closed, open after too many failures, then tried again.

    closed ──> open: enough calls in a window, and too large a part of them failed
    open ──> half open: by time alone
    half open ──> closed: enough payments went well       half open ──> open, for longer: one failed
    half open ──> closed: no payment tried it for long, and a health check went well

Only technical failures count: what was not sent, what timed out, what was slow, a key that the gateway refuses. A
decline is an answer, so a day of declined cards never opens a breaker. Pure: the time is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

WINDOW_S: Final = 60
"""Failures older than this do not count."""
CALLS_MIN: Final = 10
"""Fewer calls than this in a window say nothing about a rate."""
FAILURE_PERCENT: Final = 50
OPEN_S: Final = 30
OPEN_S_MAX: Final = 900
"""Each time in a row that it opens, it stays open twice as long, up to this."""
PROBES_TO_CLOSE: Final = 3
PROBE_S: Final = 30
"""How long one payment has the right to try: longer than a call takes."""
UNTRIED_S: Final = 300
"""After so long without a payment that can go elsewhere, any payment may probe a half-open breaker: else the
breaker of a gateway that takes only cards would never close."""
IDLE_S: Final = 600
"""After so long without any payment that tries a half-open breaker, a good health check closes it."""
SLOW_S: Final = 15.0
"""A call that takes longer counts as a failure, with any answer."""


class BreakerState(StrEnum):
    """State of a circuit breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """One payment at a time tries whether the gateway is well again."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of a breaker. successes and failures: of the window, while closed; of the trial, while half open.

    openings: how often it opened in a row. open_until: when it may be tried again. probe_until: a payment is trying it.
    """

    state: BreakerState = BreakerState.CLOSED
    successes: int = 0
    failures: int = 0
    window_started_at: datetime | None = None
    openings: int = 0
    opened_at: datetime | None = None
    open_until: datetime | None = None
    probe_until: datetime | None = None

    def at(self, now: datetime) -> Breaker:
        """Return the breaker at a moment, after the changes that time alone causes."""
        if self.state is BreakerState.OPEN and self.open_until is not None and now >= self.open_until:
            return replace(self, state=BreakerState.HALF_OPEN, successes=0, failures=0, probe_until=None)
        started = self.window_started_at
        if self.state is BreakerState.CLOSED and started and now - started >= timedelta(seconds=WINDOW_S):
            return replace(self, successes=0, failures=0, window_started_at=None)
        return self

    def is_free(self, now: datetime) -> bool:
        """Return whether no probe is in progress."""
        return self.probe_until is None or now >= self.probe_until

    def is_untried(self, now: datetime) -> bool:
        """Return whether no payment with another gateway has probed it for a long time."""
        return self._waits(now, UNTRIED_S)

    def is_idle(self, now: datetime) -> bool:
        """Tell whether it is half open, and no payment has come to it for so long that its failures say nothing."""
        return self.at(now).state is BreakerState.HALF_OPEN and self._waits(now, IDLE_S)

    def _waits(self, now: datetime, for_s: float) -> bool:
        since = max(filter(None, (self.open_until, self.probe_until)), default=None)
        return since is not None and now - since >= timedelta(seconds=for_s)


def counted(breaker: Breaker, successes: int, failures: int, now: datetime) -> Breaker:
    """Return the breaker after calls that ended."""
    present = breaker.at(now)
    match present.state:
        case BreakerState.CLOSED:
            return _counted_closed(present, successes, failures, now)
        case BreakerState.HALF_OPEN:
            return _counted_trying(present, successes, failures, now)
        case BreakerState.OPEN:
            return present  # calls that began before it opened


def reset(breaker: Breaker) -> Breaker:
    """Return a closed breaker that knows of no failure."""
    return replace(Breaker(), opened_at=breaker.opened_at)


def with_probe(breaker: Breaker, now: datetime) -> Breaker:
    """Return the breaker with one payment trying it."""
    return replace(breaker.at(now), probe_until=now + timedelta(seconds=PROBE_S))


def _counted_closed(present: Breaker, successes: int, failures: int, now: datetime) -> Breaker:
    kept = replace(
        present,
        successes=present.successes + successes,
        failures=present.failures + failures,
        window_started_at=present.window_started_at or now,
    )
    calls = kept.successes + kept.failures
    too_many = failures > 0 and calls >= CALLS_MIN and kept.failures * 100 >= calls * FAILURE_PERCENT
    return _opened(kept, now) if too_many else kept


def _counted_trying(present: Breaker, successes: int, failures: int, now: datetime) -> Breaker:
    if failures:
        return _opened(present, now)
    tried = replace(present, successes=present.successes + successes, probe_until=None)
    return reset(tried) if tried.successes >= PROBES_TO_CLOSE else tried


def _opened(breaker: Breaker, now: datetime) -> Breaker:
    openings = breaker.openings + 1
    open_s = min(OPEN_S * 2 ** min(openings - 1, 10), OPEN_S_MAX)
    return replace(
        breaker,
        state=BreakerState.OPEN,
        openings=openings,
        opened_at=now,
        open_until=now + timedelta(seconds=open_s),
        probe_until=None,
    )
