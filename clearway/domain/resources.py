"""The resources as merchants see them: the shapes of API answers and of event data, which are the same thing.

Amounts are integers in minor units. Every model refuses unknown fields when it is made, so a typo is found here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from clearway.domain import events
from clearway.domain.payment import CaptureMethod, PaymentMethod, PaymentStatus
from clearway.domain.refund import RefundStatus

Moment = Annotated[
    datetime,
    PlainSerializer(events.timestamp, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, UTC, microseconds, `Z`."}),
]
Minor = Annotated[int, Field(strict=True, description="Amount in minor units of the currency, such as paise or cents.")]
Notes = dict[str, str]


class Resource(BaseModel):
    """Base of all: immutable, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def data(self) -> dict[str, Any]:
        """Return the JSON form, as it stands in an event."""
        return self.model_dump(mode="json")


class CardSummary(Resource):
    """What may be kept and shown of a card."""

    brand: str
    last4: str
    expiry_month: int
    expiry_year: int


class BankSummary(Resource):
    """The bank of a netbanking payment."""

    code: str


class WalletSummary(Resource):
    """The wallet of a wallet payment."""

    code: str


class Customer(Resource):
    """Who pays, as far as the merchant told us."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class NextAction(Resource):
    """What the customer must do next: open `url` in a browser."""

    type: Literal["redirect"] = "redirect"
    url: str


class OrderResource(Resource):
    """An order: what is to be paid."""

    id: str
    object: Literal["order"] = "order"
    amount: Minor
    currency: str
    receipt: str | None
    notes: Notes
    status: Literal["created", "attempted", "paid"]
    created_at: Moment
    updated_at: Moment


class PaymentResource(Resource):
    """A payment of an order."""

    id: str
    object: Literal["payment"] = "payment"
    order_id: str
    amount: Minor
    currency: str
    status: PaymentStatus
    method: PaymentMethod
    capture_method: CaptureMethod
    captured: Annotated[bool, Field(description="Whether any money has been taken.")]
    amount_captured: Minor
    amount_refunded: Annotated[Minor, Field(description="Refunded for good; refunds under way are not in it.")]
    vpa: str | None = None
    card: CardSummary | None = None
    bank: BankSummary | None = None
    wallet: WalletSummary | None = None
    customer: Customer | None = None
    notes: Notes
    next_action: NextAction | None = None
    gateway: str
    error_code: str | None = None
    error_description: str | None = None
    created_at: Moment
    updated_at: Moment


class RefundResource(Resource):
    """A refund of a payment, in part or in full."""

    id: str
    object: Literal["refund"] = "refund"
    payment_id: str
    amount: Minor
    currency: str
    status: RefundStatus
    reason: str | None
    error_code: str | None = None
    error_description: str | None = None
    created_at: Moment
    updated_at: Moment


class EndpointTestResource(Resource):
    """The data of a test event."""

    object: Literal["endpoint_test"] = "endpoint_test"
    endpoint_id: str
    message: str


EVENT_DATA: dict[str, type[Resource]] = {
    "payment": PaymentResource,
    "refund": RefundResource,
    "endpoint": EndpointTestResource,
}
"""The model of an event's data, by the first part of its type."""
