"""What merchants send about orders; the answer is `clearway.domain.resources.OrderResource`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.fields import Amount, Body, CurrencyCode, NotesField, PlainText, Time
from clearway.domain.limits import REASON_LENGTH_MAX, RECEIPT_LENGTH_MAX


class OrderCreate(Body):
    """An order to create."""

    amount: Amount
    currency: CurrencyCode
    receipt: Annotated[
        PlainText | None,
        StringConstraints(max_length=RECEIPT_LENGTH_MAX),
        Field(description="Your own reference for the order. Payments can be searched by it."),
    ] = None
    notes: NotesField = Field(default_factory=dict)
    expires_at: Annotated[
        Time | None,
        Field(
            description="RFC 3339, from one minute to 180 days from now. From then on the order takes no new payment, "
            "and it becomes `expired`. null: it has no end."
        ),
    ] = None


class OrderCancel(Body):
    """Why an order is cancelled."""

    reason: Annotated[
        PlainText,
        StringConstraints(min_length=1, max_length=REASON_LENGTH_MAX),
        Field(description="For the event, the audit log and the history of its payment. Write nothing personal."),
    ] = "cancelled by the merchant"
