"""Notices: what a person may be mailed about a merchant, grouped, so that a bad hour is one mail and not a thousand.

Mail about a person's own account (a new log-in, a changed password) is no notice: it is always sent.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from clearway.domain.events import EventType
from clearway.domain.merchant import Mode

EACH: Final = timedelta(minutes=15)
"""A person gets at most one mail about a merchant in this time."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    PAYMENTS_FAILED = "payments_failed"
    UNDER_REVIEW = "under_review"
    GATEWAY_HEALTH = "gateway_health"
    WEBHOOKS_FAILED = "webhooks_failed"
    ENDPOINT_DISABLED = "endpoint_disabled"


MEANING: Final = {
    NoticeKind.PAYMENTS_FAILED: "Payments that failed: how many.",
    NoticeKind.UNDER_REVIEW: "Payments and refunds whose outcome is unknown or contradicted: somebody has to look.",
    NoticeKind.GATEWAY_HEALTH: "A gateway is unhealthy, degraded or paused by its circuit breaker, or works again.",
    NoticeKind.WEBHOOKS_FAILED: "Webhooks that no attempt delivered: how many.",
    NoticeKind.ENDPOINT_DISABLED: "A webhook endpoint was disabled.",
}
OF_EVENTS: Final = {
    EventType.PAYMENT_FAILED: NoticeKind.PAYMENTS_FAILED,
    EventType.PAYMENT_NEEDS_REVIEW: NoticeKind.UNDER_REVIEW,
    EventType.PAYMENT_CONTRADICTED: NoticeKind.UNDER_REVIEW,
    EventType.REFUND_NEEDS_REVIEW: NoticeKind.UNDER_REVIEW,
    EventType.REFUND_CONTRADICTED: NoticeKind.UNDER_REVIEW,
    EventType.GATEWAY_UNHEALTHY: NoticeKind.GATEWAY_HEALTH,
    EventType.GATEWAY_HEALTHY: NoticeKind.GATEWAY_HEALTH,
    EventType.GATEWAY_DEGRADED: NoticeKind.GATEWAY_HEALTH,
    EventType.GATEWAY_RESTORED: NoticeKind.GATEWAY_HEALTH,
    EventType.GATEWAY_BREAKER_OPENED: NoticeKind.GATEWAY_HEALTH,
    EventType.GATEWAY_BREAKER_CLOSED: NoticeKind.GATEWAY_HEALTH,
}
"""The notice that an event belongs to."""
WORDS: Final = {
    EventType.PAYMENT_FAILED: "Payments failed",
    EventType.PAYMENT_NEEDS_REVIEW: "Payments need a review",
    EventType.PAYMENT_CONTRADICTED: "Gateway events contradict payments",
    EventType.REFUND_NEEDS_REVIEW: "Refunds need a review",
    EventType.REFUND_CONTRADICTED: "Gateway events contradict refunds",
    EventType.GATEWAY_UNHEALTHY: "A gateway is unhealthy",
    EventType.GATEWAY_HEALTHY: "A gateway is healthy again",
    EventType.GATEWAY_DEGRADED: "A gateway passes a threshold",
    EventType.GATEWAY_RESTORED: "A gateway is within its thresholds again",
    EventType.GATEWAY_BREAKER_OPENED: "A gateway's circuit breaker opened",
    EventType.GATEWAY_BREAKER_CLOSED: "A gateway's circuit breaker closed",
}
WEBHOOKS_FAILED: Final = "Webhooks were not delivered"
ENDPOINT_DISABLED: Final = "A webhook endpoint was disabled"
assert OF_EVENTS.keys() == WORDS.keys(), "every event of a notice has its words"

UNCHOSEN: Final = {
    Mode.LIVE: (NoticeKind.UNDER_REVIEW, NoticeKind.GATEWAY_HEALTH, NoticeKind.ENDPOINT_DISABLED),
    Mode.TEST: (),
}
"""What people get who have not chosen."""
