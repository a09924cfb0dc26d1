"""The delivery of a webhook: where it stands, and when it is sent again if it was not taken."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

RETRY_AFTER_STRETCH_MAX: Final = 2
"""A receiver's Retry-After may at most double the scheduled wait: it is heeded, and cannot park a delivery for ever."""


class DeliveryStatus(StrEnum):
    """Where a webhook delivery stands, as the API shows it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


def wait_before_next_s(interval_s: float, jitter: float, retry_after_s: float | None) -> float:
    """Return the seconds until the next attempt.

    interval_s: what the schedule says. jitter: a share of it (0..1) that is added, never taken away.
    retry_after_s: what the receiver asked for; honoured from the scheduled wait up to twice as much.
    """
    scheduled_s = interval_s * (1 + jitter)
    if retry_after_s is None:
        return scheduled_s
    return min(max(scheduled_s, retry_after_s), interval_s * RETRY_AFTER_STRETCH_MAX)
