"""What a connector brings to the suite, and the payments that rules begin with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from clearway.gateways.contract import Gateway, GatewayOutcome, Operation, OutcomeKind
from tests.services.gateways.asking import MANUAL, order, outcome_when, prepared
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
    sign: Callable[[bytes, int], dict[str, str]]
    """Headers with which the gateway would sign a body now, shifted by seconds."""
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


def ask(instrument: Instrument, **fields: object) -> Operation:
    """Ask for a payment with an instrument of the bench."""
    method, value = instrument
    return order(value, method, **{"return_url": "https://shop.example/back", **fields})


async def begun(bench: Bench, instrument: Instrument, **fields: object) -> Operation:
    """Ask for a payment whose first step is taken, where the gateway has one."""
    return await prepared(bench.gateway, ask(instrument, **fields))


async def authorised(bench: Bench) -> tuple[Operation, GatewayOutcome]:
    """Have a payment authorised, to be captured by hand."""
    asked = await begun(bench, bench.good, capture_method=MANUAL)
    await bench.gateway.authorise(asked)
    outcome = await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
    assert outcome.captured is False
    return asked, outcome


async def paid(bench: Bench) -> tuple[Operation, GatewayOutcome]:
    """Have a payment approved and captured."""
    asked = await begun(bench, bench.good)
    await bench.gateway.authorise(asked)
    return asked, await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
