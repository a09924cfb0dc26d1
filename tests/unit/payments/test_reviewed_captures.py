"""A capture in doubt keeps what the gateway said of it: a refund is sent with that, whoever ends the review."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from clearway.domain.money import Money
from clearway.domain.payment import CapturedAmount, CaptureMethod, PaymentStatus
from clearway.durable.messages import GatewayEvent, Resolution
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from workflows.payment.doubt import Doubt, resolved
from workflows.payment.review import confirm_capture

KEY = "pay_1:capture:1"
SAID = CapturedAmount("cap_1", 1_000, "at_the_bank", {"capture": "at_the_bank", "batch": "7"}, "kept by the connector")
PAYMENT: Any = SimpleNamespace(
    amount_minor=1_000, captured_minor=0, capture_method=CaptureMethod.MANUAL, merchant_id="mer_1"
)


@dataclass
class Run:
    """As much of a payment's run as a review needs."""

    doubt: Doubt
    recorded: list[CapturedAmount] = field(default_factory=list)

    def money(self, amount_minor: int) -> Money:
        """Return an amount in the payment's currency."""
        return Money(amount_minor, "EUR")

    async def captured(self, capture: CapturedAmount, _reason: str, **_: Any) -> None:
        """Record a capture."""
        self.recorded.append(capture)


@pytest.mark.parametrize("amount", [None, 999])
def test_a_decision_keeps_the_ids_of_the_capture(amount: int | None) -> None:
    """An operator says that it took place, with its amount or another: references and state stay."""
    decision = Resolution("success", "ana", "seen at the bank", amount=amount)
    change = resolved(PAYMENT, Doubt(KEY, SAID), decision, step="2", own_capture_id="cap_own")
    # What is left of the amount is released after this change, and then the payment is a success.
    assert change.to is (PaymentStatus.SUCCESS if amount is None else PaymentStatus.AUTHORIZED)
    assert change.capture is not None
    kept = (change.capture.id, change.capture.gateway_reference, change.capture.references, change.capture.state)
    assert kept == (SAID.id, SAID.gateway_reference, SAID.references, SAID.state)
    assert change.capture.amount_minor == (1_000 if amount is None else amount)


@pytest.mark.parametrize(
    ("references", "state", "reference", "kept", "kept_state"),
    [
        ({}, None, SAID.gateway_reference, SAID.references, SAID.state),
        (
            {"capture": "at_the_bank", "invoice": "9"},
            "newer",
            "at_the_bank",
            {"capture": "at_the_bank", "batch": "7", "invoice": "9"},
            "newer",
        ),
    ],
)
async def test_an_event_adds_to_the_ids_of_the_capture(
    references: dict[str, str], state: str | None, reference: str, kept: dict[str, str], kept_state: str
) -> None:
    """A gateway that confirms it without saying its ids takes none away; what it adds is kept too."""
    run: Any = Run(Doubt(KEY, SAID))
    outcome = GatewayOutcome(
        OutcomeKind.APPROVED, references=references, state=state, amount_minor=1_000, currency="EUR"
    )
    assert await confirm_capture(run, GatewayEvent("gwe_1", KEY, outcome))
    [capture] = run.recorded
    assert (capture.gateway_reference, capture.references, capture.state) == (reference, kept, kept_state)
