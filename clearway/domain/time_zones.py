"""Which time zones there are."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones. It reads some hundred files, so it does so once in a process."""
    return frozenset(available_timezones())
