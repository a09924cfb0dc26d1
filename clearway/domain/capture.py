"""Captures as refunds see them: which capture a refund gives back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from clearway.domain.attempt import AttemptKept


@dataclass(frozen=True, slots=True)
class StandingCapture:
    """A capture with what is refunded or promised of it, in minor units. kept: for the gateway."""

    id: str
    amount_minor: int
    returned_minor: int
    kept: AttemptKept = field(default_factory=AttemptKept)

    @property
    def left_minor(self) -> int:
        """What may still be refunded of it."""
        return self.amount_minor - self.returned_minor


def capture_to_refund(captures: Sequence[StandingCapture], amount_minor: int) -> StandingCapture | None:
    """Return the oldest capture that has as much left; None: no single one has. captures: oldest first."""
    return next((each for each in captures if each.left_minor >= amount_minor), None)
