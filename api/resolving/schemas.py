"""The bodies of decisions on a payment or refund in `needs_review`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import Amount, Body, Findings, PlainText
from clearway.domain.limits import GATEWAY_IDENTIFIER_LENGTH_MAX
from clearway.durable.messages import Resolution


class Decision(Body):
    """The decision on a payment or refund in `needs_review`."""

    outcome: str
    reason: Annotated[
        Findings,
        Field(
            description="What you found at the gateway. It is stored in the history, which the merchant can read.",
        ),
    ]
    amount: Annotated[
        Amount | None,
        Field(
            description="The amount that really moved, in minor units. "
            "Required when the gateway reported another amount than was requested."
        ),
    ] = None
    gateway_reference: Annotated[
        PlainText | None,
        Field(min_length=1, max_length=GATEWAY_IDENTIFIER_LENGTH_MAX, description="The gateway's id of the operation."),
    ] = None

    def resolution(self, operator: str) -> Resolution:
        """Return it as the workflow takes it."""
        return Resolution(self.outcome, operator, self.reason, self.gateway_reference, self.amount)


class PaymentDecision(Decision):
    """The decision on a payment in `needs_review`."""

    outcome: Annotated[
        Literal["success", "authorized", "failed", "cancelled"],
        Field(description="What happened at the gateway. `success` books the money."),
    ]


class RefundDecision(Decision):
    """The decision on a refund in `needs_review`."""

    outcome: Annotated[
        Literal["processed", "failed"],
        Field(description="What happened at the gateway. `processed` books the refund."),
    ]
