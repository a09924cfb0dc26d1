"""What a checkout page shows of an order: a form, a payment in progress, or the end. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from clearway.domain.order import OrderStatus, closed_as
from clearway.domain.payment import PaymentStatus
from clearway.domain.resources import OrderResource, PaymentResource


class Stage(StrEnum):
    """What the page shows."""

    PAY = "pay"
    """The form; with a notice when the last payment ended without money."""
    REQUIRES_ACTION = "requires_action"
    """The customer must go to their bank, wallet or app."""
    PROCESSING = "processing"
    RETRYING = "retrying"
    """The last attempt failed, and the merchant makes further ones."""
    REVIEW = "review"
    """Whether money was taken is not known yet. The customer must not pay again."""
    PAID = "paid"
    ORDER_EXPIRED = "order_expired"
    """The order's end has come, and no payment holds it."""
    ORDER_CANCELLED = "order_cancelled"


OF_STATUS: Final = {
    PaymentStatus.PENDING: Stage.PROCESSING,
    PaymentStatus.REQUIRES_ACTION: Stage.REQUIRES_ACTION,
    PaymentStatus.PROCESSING: Stage.PROCESSING,
    PaymentStatus.AUTHORIZED: Stage.PAID,
    PaymentStatus.SUCCESS: Stage.PAID,
    PaymentStatus.RETRYING: Stage.RETRYING,
    PaymentStatus.FAILED: Stage.PAY,
    PaymentStatus.CANCELLED: Stage.PAY,
    PaymentStatus.EXPIRED: Stage.PAY,
    PaymentStatus.NEEDS_REVIEW: Stage.REVIEW,
}
MOVING: Final = frozenset({Stage.REQUIRES_ACTION, Stage.PROCESSING, Stage.RETRYING, Stage.REVIEW})
"""Stages that another follows without an act of the customer on this page."""


OF_END: Final = {OrderStatus.CANCELLED: Stage.ORDER_CANCELLED, OrderStatus.EXPIRED: Stage.ORDER_EXPIRED}


def stage_of(order: OrderResource, latest: PaymentResource | None, now: datetime) -> Stage:
    """Return the stage of an order. latest: the payment that holds it, or the last one that ended."""
    paid = Stage.PAID if order.status is OrderStatus.PAID else Stage.PAY
    stage = paid if latest is None else OF_STATUS[latest.status]
    closed = closed_as(order.status, order.expires_at, now) if stage is Stage.PAY else None
    return stage if closed is None else OF_END[closed]
