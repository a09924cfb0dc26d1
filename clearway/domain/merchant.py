"""The merchant: one side of an account, live or test. What is of one side is never seen from the other."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Whether a merchant's payments move money."""

    LIVE = "live"
    """Real money. Raw cards and the simulator do not exist here."""
    TEST = "test"
    """No money: payments go to the simulator."""
