"""What an operator says about a payment or refund under review."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import Amount, Body, PlainText
from clearway.domain.limits import GATEWAY_IDENTIFIER_LENGTH_MAX, OPERATOR_TEXT_LENGTH_MAX
from clearway.durable.messages import Resolution


class _Decision(Body):
    reason: Annotated[
        PlainText,
        Field(
            min_length=1,
            max_length=OPERATOR_TEXT_LENGTH_MAX,
            description="What you saw at the gateway. The history keeps it, and merchants can read it.",
        ),
    ]
    amount: Annotated[
        Amount | None,
        Field(description="What moved, in minor units. Needed when the gateway reported another amount than asked."),
    ] = None
    gateway_reference: Annotated[
        PlainText | None,
        Field(min_length=1, max_length=GATEWAY_IDENTIFIER_LENGTH_MAX, description="The gateway's own id."),
    ] = None


class PaymentDecision(_Decision):
    """What became of a payment under review."""

    outcome: Annotated[
        Literal["success", "authorized", "failed", "cancelled"],
        Field(description="What happened at the gateway. `success` books the money."),
    ]

    def resolution(self, operator: str) -> Resolution:
        """Return it as the workflow takes it."""
        return Resolution(self.outcome, operator, self.reason, self.gateway_reference, self.amount)


class RefundDecision(_Decision):
    """What became of a refund under review."""

    outcome: Annotated[
        Literal["processed", "failed"],
        Field(description="What happened at the gateway. `processed` books the money as given back."),
    ]

    def resolution(self, operator: str) -> Resolution:
        """Return it as the workflow takes it."""
        return Resolution(self.outcome, operator, self.reason, self.gateway_reference, self.amount)
