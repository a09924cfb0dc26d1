"""What a connector brings to the suite, and the payments that rules begin with.

A rule that the connector's declared abilities exclude is skipped: `needs` names what a rule needs, `DECLARED` finds it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from clearway.gateways.contract import (
    Action,
    Closes,
    FindsOut,
    Gateway,
    GatewayOutcome,
    InboundEvent,
    Operation,
    OperationKind,
    OutcomeKind,
    PreparingRefunds,
)
from tests.services.gateways.asking import MANUAL, follow_up, order, outcome_when, prepared, read
from tests.support.receiver import Receiver

Instrument = tuple[str, str]
"""A method and an instrument of it."""


@dataclass(frozen=True)
class Bench:
    """A gateway under test."""

    gateway: Gateway
    receiver: Receiver
    effects: Callable[[str], Awaitable[list[str]]]
    """What the gateway's own books say was done for a payment id: authorised, captured, voided, refunded."""
    sign: Callable[[bytes, int], dict[str, str]] | None
    """Headers with which the gateway would sign a body now, shifted by seconds; None: it signs in no header."""
    connect: Callable[[str], Gateway]
    """A connector of this kind that speaks to another URL."""
    answers: Sequence[dict[str, Any]]
    """Answers of the gateway that between them have every field the connector reads."""
    events: Sequence[dict[str, Any]]
    """The same for the bodies of its webhooks."""
    good: Instrument
    refused: Instrument
    undecided: Instrument
    """It waits, for its customer or for good."""
    challenged: Instrument
    signature_header: str = "webhook-signature"
    amount_fields: Sequence[str] = ("amount",)
    """The fields of an answer that hold amounts."""
    switch: Callable[..., Awaitable[None]] | None = None
    """Puts one fault rule of the stand-in in force."""
    currency: str = "INR"
    amount_minor: int = 1_000
    press: Callable[[Action, str], Awaitable[None]] | None = None
    """The customer at the gateway's page, with the button that an instrument names; None: nobody goes there."""
    report: Callable[[Operation], Awaitable[InboundEvent]] | None = None
    """The gateway's event about an operation, where it does not name our key."""
    hold: Callable[[], Awaitable[None]] | None = None
    """Agrees with the gateway that money is reserved first, where no request can say so."""
    declines: bool = True
    """Whether a customer or an issuer can refuse a payment there."""
    hears: bool = True
    """Whether the gateway sends events."""
    keyless: frozenset[OperationKind] = frozenset()
    """What is sent without an idempotency key: it is asked about before it is sent again."""

    def tenths(self, count: int) -> int:
        """Return tenths of the amount of a payment."""
        return self.amount_minor * count // 10


DECLARED: Final[Mapping[str, Callable[[Bench], bool]]] = {
    "manual_capture": lambda bench: bench.gateway.abilities.capabilities.manual_capture,
    "repeated_capture": lambda bench: bench.gateway.abilities.capabilities.repeated_capture,
    "refund": lambda bench: bench.gateway.abilities.capabilities.refund,
    "partial_refund": lambda bench: bench.gateway.abilities.capabilities.partial_refund,
    "void": lambda bench: bench.gateway.abilities.capabilities.void,
    "closes_at_once": lambda bench: bench.gateway.abilities.closes is Closes.AT_ONCE,
    "look_up": lambda bench: bench.gateway.abilities.finds.by is not FindsOut.NEVER,
    "authorise_key": lambda bench: OperationKind.AUTHORISE not in bench.keyless,
    "declines": lambda bench: bench.declines,
    "events": lambda bench: bench.hears,
    "header_signature": lambda bench: bench.sign is not None,
    "refund_events": lambda bench: OperationKind.REFUND not in bench.keyless,
}
"""What a connector may declare, by the name that a rule needs."""


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a rule that holds only for connectors that declare these."""
    assert set(names) <= DECLARED.keys(), names
    return pytest.mark.needs(*names)


def ask(bench: Bench, instrument: Instrument, **fields: object) -> Operation:
    """Ask for a payment with an instrument of the bench."""
    method, value = instrument
    asked = {"return_url": "https://shop.example/back", "currency": bench.currency, "amount_minor": bench.amount_minor}
    return order(value, method, **(asked | fields))


async def begun(bench: Bench, instrument: Instrument, **fields: object) -> Operation:
    """Ask for a payment whose first step is taken, where the gateway has one."""
    return await prepared(bench.gateway, ask(bench, instrument, **fields))


async def sent(bench: Bench, asked: Operation) -> GatewayOutcome:
    """Send an authorisation, and have the customer act on the page, where the gateway takes the payment there."""
    outcome = await bench.gateway.authorise(asked)
    if outcome.kind is OutcomeKind.NEEDS_ACTION and bench.press is not None:
        assert outcome.action is not None, "the customer is sent somewhere"
        assert asked.authorisation is not None, "it is an authorisation"
        await bench.press(outcome.action, asked.authorisation.instrument)
    return outcome


async def settled(bench: Bench, operation: Operation, kind: OutcomeKind) -> GatewayOutcome:
    """Find out that an operation is of this kind: by asking, or by the gateway's event where it cannot be asked."""
    if bench.gateway.abilities.finding(operation.kind).by is not FindsOut.NEVER:
        return await outcome_when(bench.gateway, operation, kind)
    event = await reported(bench, operation)
    assert event.outcome.kind is kind
    return replace(event.outcome, references={**event.references, **event.outcome.references})


async def reported(bench: Bench, operation: Operation) -> InboundEvent:
    """Wait for the gateway's event about an operation."""
    if bench.report is not None:
        return await bench.report(operation)
    delivery = (await bench.receiver.wait_for(1, operation.key))[0]
    return await read(bench.gateway, delivery.headers, delivery.body)


async def authorised(bench: Bench) -> tuple[Operation, GatewayOutcome]:
    """Have a payment authorised, to be captured by hand."""
    if bench.hold is not None:
        await bench.hold()
    asked = await begun(bench, bench.good, capture_method=MANUAL)
    await sent(bench, asked)
    outcome = await settled(bench, asked, OutcomeKind.APPROVED)
    assert outcome.captured is False
    return asked, _with_references(asked, outcome)


async def paid(bench: Bench) -> tuple[Operation, GatewayOutcome]:
    """Have a payment approved and captured."""
    asked = await begun(bench, bench.good)
    await sent(bench, asked)
    return asked, _with_references(asked, await settled(bench, asked, OutcomeKind.APPROVED))


async def noted(bench: Bench, request: Operation) -> Operation:
    """Read what must be known before a refund is sent, where the gateway asks for it."""
    gateway = bench.gateway
    if not isinstance(gateway, PreparingRefunds):
        return request
    read = await gateway.prepare_refund(request)
    assert read.kind is OutcomeKind.PREPARED
    return replace(request, baseline=read.state)


def capture_of(bench: Bench, asked: Operation, outcome: GatewayOutcome, amount_minor: int) -> Operation:
    """Ask for a capture that the gateway can express: where a payment has only one, it is the last."""
    single = not bench.gateway.abilities.capabilities.repeated_capture
    return replace(follow_up(asked, outcome, "capture", amount_minor), final=single)


def _with_references(asked: Operation, outcome: GatewayOutcome) -> GatewayOutcome:
    return replace(outcome, references={**asked.references, **outcome.references})
