"""A clock that a test moves, for rules of minutes and days: lags, lives of keys and tokens, times of pages.

It moves the time of day of the test process, and so of every server that runs inside it. Waits of the event loop go
on in real time: a server that sleeps until a moment looks at the clock again when something else wakes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import time_machine


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Let a test move the clock with `shift(seconds)`. The clock goes on between."""
    with time_machine.travel(time.time(), tick=True) as moved:
        yield moved
