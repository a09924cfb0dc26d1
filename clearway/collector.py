"""The garbage collector of a process that serves: rounds that leave out what stays, and are rarer.

At Python's own setting a round begins after every 700 new objects, and the oldest generation, which holds each module,
type and compiled statement, is walked again and again for nothing: a tenth of a payment's CPU (ADR 0007).
"""

from __future__ import annotations

import gc
from functools import cache
from typing import Final

NEW_OBJECTS: Final = 20_000
"""How many before a round: some requests' worth. What has no cycles, which is nearly all, is freed at once anyway."""


@cache
def settle() -> None:
    """Take what is loaded by now for permanent. Once in a process, when its start is over."""
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *older)
