"""Public shapes: what a checkout page needs and no more; no notes, no receipt, no customer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.payments.schemas import Instrument, OrderId
from clearway.domain.order import OrderStatus
from clearway.domain.payment import PaymentMethod, PaymentStatus
from clearway.domain.resources import Minor, Moment, NextAction, OrderResource, PaymentResource, Resource


class PublicPaymentCreate(Instrument):
    """A payment of an order by its customer. It is captured automatically."""

    order_id: OrderId


class PublicOrder(Resource):
    """An order as a customer sees it."""

    id: str
    object: Literal["order"] = "order"
    amount: Minor
    currency: str
    status: OrderStatus
    expires_at: Moment | None = Field(description="From then on it takes no new payment. null: it has no end.")
    merchant_name: str = Field(description="The name of the merchant that is paid.")

    @classmethod
    def of(cls, order: OrderResource, merchant_name: str) -> PublicOrder:
        """Leave out what a customer need not see."""
        return cls(
            id=order.id,
            amount=order.amount,
            currency=order.currency,
            status=order.status,
            expires_at=order.expires_at,
            merchant_name=merchant_name,
        )


class PublicPayment(Resource):
    """A payment as a customer sees it."""

    id: str
    object: Literal["payment"] = "payment"
    order_id: str
    amount: Minor
    currency: str
    status: PaymentStatus
    method: PaymentMethod
    next_action: NextAction | None = None
    error_code: str | None = None
    error_description: str | None = None
    created_at: Moment

    @classmethod
    def of(cls, payment: PaymentResource) -> PublicPayment:
        """Leave out what a customer need not see."""
        return cls.model_validate(payment.model_dump(include=set(cls.model_fields)))
