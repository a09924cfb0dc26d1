"""What a gateway, or a kind of gateways, can express, in answers: as its connector declares it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from clearway.domain.payment import PaymentMethod
from clearway.gateways.contract import Capabilities


class GatewayCapabilities(BaseModel):
    """What a gateway can do. A payment that needs more goes to another gateway."""

    methods: Annotated[list[PaymentMethod], Field(description="The payment methods that it takes.")]
    currencies: Annotated[
        list[str] | None,
        Field(description="The currencies that it takes; null: every one. Empty, of a kind: its settings name them."),
    ]
    upi_intent: Annotated[bool, Field(description="It takes UPI by an intent, as a link or a QR code.")]
    upi_collect: Annotated[bool, Field(description="It takes UPI by the customer's UPI ID.")]
    manual_capture: Annotated[bool, Field(description="It can reserve an amount, to be captured later.")]
    partial_capture: Annotated[bool, Field(description="It can capture less than was reserved.")]
    repeated_capture: Annotated[bool, Field(description="It can capture a payment several times.")]
    refund: Annotated[bool, Field(description="It takes refunds by API.")]
    partial_refund: Annotated[bool, Field(description="It can refund a part of what was captured.")]


def capabilities_resource(found: Capabilities) -> GatewayCapabilities:
    """Render capabilities. What depends on another ability is shown only with it."""
    upi = PaymentMethod.UPI in found.methods
    return GatewayCapabilities(
        methods=[method for method in PaymentMethod if method in found.methods],
        currencies=None if found.currencies is None else sorted(found.currencies),
        upi_intent=upi and found.upi_intent,
        upi_collect=upi and found.upi_collect,
        manual_capture=found.manual_capture,
        partial_capture=found.manual_capture and found.partial_capture,
        repeated_capture=found.manual_capture and found.repeated_capture,
        refund=found.refund,
        partial_refund=found.refund and found.partial_refund,
    )
