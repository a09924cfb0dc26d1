"""The delivery of a webhook: its statuses, and when the next attempt is made after a failure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

RETRY_AFTER_STRETCH_MAX: Final = 2
"""A receiver's Retry-After may at most double the scheduled wait, so it cannot delay a delivery for ever."""

ENDPOINT_CLOSED: Final = "the endpoint is disabled or deleted"
"""Why a delivery or a recovery goes no further."""


class DeliveryStatus(StrEnum):
    """Status of a webhook delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RecoveryStatus(StrEnum):
    """Status of a recovery. `stopped`: the endpoint was disabled or deleted meanwhile."""

    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"


class RecoveryScope(StrEnum):
    """Which events a recovery sends: those whose delivery failed, or all that the endpoint has not received."""

    FAILED = "failed"
    ALL_MISSING = "all_missing"


class AttemptTrigger(StrEnum):
    """Why a delivery attempt was made: the schedule of the delivery, a manual retry, or the schedule of a recovery."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    RECOVERY = "recovery"


def status_after(before: DeliveryStatus, *, taken: bool, is_last: bool) -> DeliveryStatus:
    """Return the status of a delivery after an attempt.

    A 2xx always means delivered. A failure never changes a delivery that has ended, and ends one that is pending only
    if it is the last attempt of the schedule.
    """
    if taken:
        return DeliveryStatus.DELIVERED
    if before is DeliveryStatus.PENDING and is_last:
        return DeliveryStatus.FAILED
    return before


def wait_before_next_s(interval_s: float, jitter: float, retry_after_s: float | None) -> float:
    """Return the seconds until the next attempt.

    interval_s: from the schedule. jitter: a share of it (0..1) that is added.
    retry_after_s: from the receiver; it counts between the scheduled wait and twice as much.
    """
    scheduled_s = interval_s * (1 + jitter)
    if retry_after_s is None:
        return scheduled_s
    return min(max(scheduled_s, retry_after_s), interval_s * RETRY_AFTER_STRETCH_MAX)
