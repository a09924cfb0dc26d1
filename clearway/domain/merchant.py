"""The merchant: the live or the test side of an account. Neither side sees data of the other."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Whether a merchant's payments move money."""

    LIVE = "live"
    """Real money. Raw cards and the simulator do not exist here."""
    TEST = "test"
    """No money: payments go to the simulator."""
