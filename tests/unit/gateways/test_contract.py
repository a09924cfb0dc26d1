"""The borders of the contract: what a connector cannot make, and what a gateway cannot be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from clearway.domain.money import Money
from clearway.domain.payment import CaptureMethod, PaymentMethod, UpiFlow
from clearway.gateways.contract import (
    Action,
    AnswerUnreadableError,
    Capabilities,
    Executed,
    GatewayOutcome,
    InboundEvent,
    OutcomeKind,
)

CARDS_IN_EUROS = Capabilities(
    frozenset({PaymentMethod.CARD}),
    frozenset({"EUR", "ISK"}),
    minimum_minor={"EUR": 50},
    maximum_minor={"EUR": 1_000_000},
    step_minor={"ISK": 100},
    manual_capture=False,
)


@pytest.mark.parametrize(
    "fields",
    [
        {"references": {"payment": "a\x00b"}},
        {"references": {"payment": ""}},
        {"references": {"": "pi_1"}},
        {"references": {"payment": "x" * 256}},
        {"references": {str(number): "x" for number in range(17)}},
        {"state": "x" * 4_097},
        {"amount_minor": -1},
        {"amount_minor": True},
        {"currency": "EURO"},
    ],
)
def test_an_outcome_is_not_made_of_what_cannot_be_kept(fields: dict[str, Any]) -> None:
    """References, state, amounts and currencies are taken exactly, or the answer is unreadable."""
    with pytest.raises(AnswerUnreadableError):
        GatewayOutcome(OutcomeKind.APPROVED, **fields)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//bank.example", "http://", "https://bank.example/a b", ""])
def test_customers_are_sent_to_web_pages_only(url: str) -> None:
    """Only an http or https URL is an action, as a redirect and as a form."""
    for make in (Action.redirect, lambda url: Action.form_post(url, {})):
        with pytest.raises(AnswerUnreadableError):
            make(url)


@pytest.mark.parametrize(
    "url", ["upi://pay", "upi://pay?am=1", "upi://mandate?pa=a@b", "https://pay?pa=a@b", "upi://pay?pa=a@b&tn=a b", ""]
)
def test_a_upi_intent_names_who_is_paid(url: str) -> None:
    """Only a `upi://pay` link with a payee is an intent."""
    with pytest.raises(AnswerUnreadableError):
        Action.upi_intent(url)
    assert Action.upi_intent("upi://pay?pn=A%20shop&pa=shop@bank&am=1.00&cu=INR").is_upi


@pytest.mark.parametrize(
    ("able", "currency", "flow", "taken"),
    [
        ({"upi_intent": True}, "INR", UpiFlow.INTENT, True),
        ({"upi_intent": True}, "INR", UpiFlow.COLLECT, False),
        ({"upi_intent": True}, "USD", UpiFlow.INTENT, False),
        ({"upi_collect": True}, "INR", UpiFlow.INTENT, False),
        ({"upi_collect": True}, "USD", UpiFlow.COLLECT, True),
        ({}, "INR", UpiFlow.COLLECT, False),
    ],
)
def test_upi_is_taken_as_the_gateway_declares_it(
    able: dict[str, bool], currency: str, flow: UpiFlow, *, taken: bool
) -> None:
    """An intent is in rupees and needs `upi_intent`; a UPI ID needs `upi_collect`."""
    capabilities = Capabilities(frozenset({PaymentMethod.UPI}), **able)
    refusal = capabilities.refusal(PaymentMethod.UPI, Money(100, currency), CaptureMethod.AUTOMATIC, flow)
    assert (refusal is None) is taken
    assert (flow in capabilities.upi_in(currency)) is taken


def test_whether_it_was_executed_follows_from_the_kind_unless_it_is_said() -> None:
    """A decline is one that was dealt with, unless the connector knows that nothing was."""
    assert GatewayOutcome(OutcomeKind.DECLINED).executed is Executed.YES
    assert GatewayOutcome(OutcomeKind.DECLINED, Executed.NO).executed is Executed.NO
    assert GatewayOutcome(OutcomeKind.RETRYABLE).executed is Executed.NO
    assert GatewayOutcome(OutcomeKind.UNKNOWN).executed is Executed.MAYBE


def test_an_event_names_something() -> None:
    """An event without our key and without a reference cannot be about anything."""
    InboundEvent("evt_1", references={"payment": "pi_1"})
    with pytest.raises(AnswerUnreadableError):
        InboundEvent("evt_1")


@pytest.mark.parametrize(
    ("method", "money", "capture_method", "part"),
    [
        ("upi", Money(100, "EUR"), "automatic", "upi"),
        ("card", Money(100, "USD"), "automatic", "USD"),
        ("card", Money(49, "EUR"), "automatic", "at least"),
        ("card", Money(1_000_001, "EUR"), "automatic", "at most"),
        ("card", Money(550, "ISK"), "automatic", "multiples"),
        ("card", Money(100, "EUR"), "manual", "manual"),
    ],
)
def test_what_a_gateway_cannot_express_is_said_before_it_is_sent(
    method: str, money: Money, capture_method: str, part: str
) -> None:
    """Methods, currencies, amounts and manual capture that a gateway does not have are refused with the reason."""
    refusal = CARDS_IN_EUROS.refusal(PaymentMethod(method), money, CaptureMethod(capture_method))
    assert refusal is not None
    assert part in refusal


def test_what_a_gateway_can_express_is_not_refused() -> None:
    """Bounds are inclusive."""
    for amount in (50, 1_000_000):
        money = Money(amount, "EUR")
        assert CARDS_IN_EUROS.refusal(PaymentMethod.CARD, money, CaptureMethod.AUTOMATIC) is None
