"""What merchants send about orders; the answer is `clearway.domain.resources.OrderResource`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.fields import Amount, Body, CurrencyCode, NotesField, PlainText
from clearway.domain.limits import RECEIPT_LENGTH_MAX


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
