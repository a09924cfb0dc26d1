"""What merchants send about refunds; a refund itself is `RefundResource`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.fields import Amount, Body, PlainText
from clearway.domain.limits import REASON_LENGTH_MAX


class RefundCreate(Body):
    """How much to give back, and why."""

    amount: Annotated[Amount | None, Field(description="All that is left when you do not say.")] = None
    reason: Annotated[PlainText, StringConstraints(min_length=1, max_length=REASON_LENGTH_MAX)] | None = None
