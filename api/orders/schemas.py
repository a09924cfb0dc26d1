"""What merchants send about orders; the answer is `clearway.domain.resources.OrderResource`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.fields import Amount, Body, CurrencyCode, NotesField, PlainText
from clearway.domain.limits import RECEIPT_LENGTH_MAX


class OrderCreate(Body):
    """An order to be made."""

    amount: Amount
    currency: CurrencyCode
    receipt: Annotated[
        PlainText | None,
        StringConstraints(max_length=RECEIPT_LENGTH_MAX),
        Field(description="Your own number for it; shown back, and found by the search of payments."),
    ] = None
    notes: NotesField = Field(default_factory=dict)
