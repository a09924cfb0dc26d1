"""How payments are counted: every status is in exactly one count, and currencies are never added.

`success_rate` is succeeded / (succeeded + failed + expired). A payment that is cancelled, open or in review is in
neither part: a cancellation is a decision, and the others are not decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row

from clearway.db.statistics import OPEN
from clearway.domain.payment import PaymentStatus

SUCCEEDED: Final = frozenset({PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED})


@dataclass(slots=True)
class Volume:
    """What was captured in one currency, and of how many payments that succeeded."""

    amount_minor: int = 0
    payments: int = 0


@dataclass(slots=True)
class Tally:
    """Counts of payments. volume: by currency. reasons: of failed ones, by unified error code."""

    created: int = 0
    succeeded: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    open: int = 0
    in_review: int = 0
    volume: dict[str, Volume] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def success_rate(self) -> float | None:
        """The share that succeeded of what was decided; None: nothing was."""
        decided = self.succeeded + self.failed + self.expired
        return round(self.succeeded / decided, 4) if decided else None

    def add(self, row: Row[Any]) -> None:
        """Add a row of `currency, status, payments, captured_minor`, and `reason` if it has one."""
        number, status = row.payments, PaymentStatus(row.status)
        self.created += number
        if status in OPEN:
            self.open += number
        elif status in SUCCEEDED:
            self.succeeded += number
        elif status is PaymentStatus.NEEDS_REVIEW:
            self.in_review += number
        else:
            setattr(self, status.value, getattr(self, status.value) + number)
        self._add_volume(row, number if status in SUCCEEDED else 0)
        reason = getattr(row, "reason", None)
        if reason is not None:
            self.reasons[reason] = self.reasons.get(reason, 0) + number

    def _add_volume(self, row: Row[Any], succeeded: int) -> None:
        captured = int(row.captured_minor)
        if captured or succeeded:
            volume = self.volume.setdefault(row.currency, Volume())
            volume.amount_minor += captured
            volume.payments += succeeded


def tally(rows: Iterable[Row[Any]]) -> Tally:
    """Return the counts of all these rows."""
    counted = Tally()
    for row in rows:
        counted.add(row)
    return counted
