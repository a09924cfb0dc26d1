"""What merchants send about refunds; a refund itself is `RefundResource`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.fields import Amount, Body, PlainText
from clearway.domain.limits import REASON_LENGTH_MAX


class RefundCreate(Body):
    """A refund to create."""

    amount: Annotated[
        Amount | None,
        Field(description="Amount to refund, in minor units. Default: everything that is not refunded yet."),
    ] = None
    reason: Annotated[
        Annotated[PlainText, StringConstraints(min_length=1, max_length=REASON_LENGTH_MAX)] | None,
        Field(description="Events and the history keep it permanently: write no personal data here."),
    ] = None
