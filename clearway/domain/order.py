"""The order: what is to be paid, where it stands, and when it can no longer be paid.

    created ──> attempted ──> paid
    created, attempted ──> cancelled     (by the merchant)
    created, attempted ──> expired       (its end has come)

`paid`, `cancelled` and `expired` are final. An order is cancelled or expires only while no payment holds it
(`clearway.domain.payment.HOLDS_ORDER`): a payment that began in time may end after the order's end, and pay it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clearway.domain.events import EventType

LIFE_MIN: Final = timedelta(minutes=1)
LIFE_MAX: Final = timedelta(days=180)
"""How soon and how late an order may end, from its creation."""


class OrderStatus(StrEnum):
    """Status of an order."""

    CREATED = "created"
    ATTEMPTED = "attempted"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN: Final = frozenset({OrderStatus.CREATED, OrderStatus.ATTEMPTED})
"""Statuses in which an order may be paid."""
CLOSED: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})
"""Statuses in which an order takes no payment any more, and none has paid it."""
EVENT_OF_END: Final = {
    OrderStatus.CANCELLED: EventType.ORDER_CANCELLED,
    OrderStatus.EXPIRED: EventType.ORDER_EXPIRED,
}


def closed_as(status: OrderStatus, expires_at: datetime | None, now: datetime) -> OrderStatus | None:
    """Return how an order is closed to new payments; None: it is not. Its end counts before it is recorded."""
    if status in CLOSED:
        return status
    is_over = status in OPEN and expires_at is not None and expires_at <= now
    return OrderStatus.EXPIRED if is_over else None
