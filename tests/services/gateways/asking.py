"""Requests as Clearway makes them, with fresh payment ids, and waiting for the final outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from clearway.domain.ids import PAYMENT, REFUND, new_id
from clearway.domain.payment import CaptureMethod
from clearway.gateways.contract import (
    Authorisation,
    Card,
    CardTokeniser,
    Gateway,
    GatewayOutcome,
    InboundEvent,
    InboundRequest,
    Operation,
    OperationKind,
    OutcomeKind,
    Preparing,
)

PATIENCE_S = 30.0
MANUAL = CaptureMethod.MANUAL


def order(instrument: str, method: str = "upi", **fields: Any) -> Operation:
    """Request 10.00 INR from a new payment, by default."""
    payment_id = fields.pop("payment_id", None) or new_id(PAYMENT)
    capture_method = fields.pop("capture_method", CaptureMethod.AUTOMATIC)
    return_url = fields.pop("return_url", None)
    asked: dict[str, Any] = {
        "kind": OperationKind.AUTHORISE,
        "key": f"{payment_id}:authorise:1",
        "payment_id": payment_id,
        "amount_minor": 1_000,
        "currency": "INR",
        "authorisation": Authorisation(method, capture_method, instrument, return_url),
    }
    return Operation(**(asked | fields))


async def prepared(gateway: Gateway, asked: Operation) -> Operation:
    """Take the first step, where the gateway has one, and return the operation with what is recorded of it."""
    if not isinstance(gateway, Preparing):
        return asked
    outcome = await gateway.prepare(asked)
    assert outcome.kind is OutcomeKind.PREPARED, outcome
    return replace(asked, references=dict(outcome.references), state=outcome.state)


def follow_up(asked: Operation, outcome: GatewayOutcome, operation: str, amount: int, n: int = 1) -> Operation:
    """Ask for a capture, void or refund of what was authorised."""
    owner = new_id(REFUND) if operation == "refund" else asked.payment_id
    return Operation(
        kind=OperationKind(operation),
        key=f"{owner}:{operation}:{n}",
        payment_id=asked.payment_id,
        amount_minor=amount,
        currency=asked.currency,
        references=outcome.references,
        number=n,
        final=False,
    )


def question_about(key: str, amount_minor: int = 1_000) -> Operation:
    """Return an operation of which only the key is known, for a look-up."""
    payment_id, kind, number = key.split(":")
    return Operation(OperationKind(kind), key, payment_id, amount_minor, "INR", number=int(number))


def card(number: str = "4242424242424242", month: int = 12, year: int = 2040, cvv: str | None = None) -> Card:
    """Return a valid card, by default."""
    return Card(number, month, year, cvv if cvv is not None else "1234" if number.startswith(("34", "37")) else "123")


async def card_order(gateway: CardTokeniser, number: str, **fields: Any) -> Operation:
    """Tokenise a card and ask for a payment with it."""
    token = await gateway.tokenise(card(number))
    return order(token.token, "card", **fields)


async def outcome_when(gateway: Gateway, operation: Operation, kind: OutcomeKind) -> GatewayOutcome:
    """Ask about an operation until it is of this kind; fail with what it was last."""
    until = time.monotonic() + PATIENCE_S
    while (outcome := await gateway.recover(operation)).kind is not kind:
        assert time.monotonic() < until, f"{operation.key} stayed {outcome}"
        await asyncio.sleep(0.02)
    return outcome


async def wake(gateway: Gateway) -> None:
    """Make another payment, so that a stand-in looks at the clock: its own wait goes on in real time."""
    await gateway.authorise(order("success@razorpay"))


def inbound_of(headers: Mapping[str, str], body: bytes) -> InboundRequest:
    """Return a webhook as Clearway receives it."""
    return InboundRequest("POST", "http://127.0.0.1/webhook", headers, body, datetime.now(UTC))


async def read(gateway: Gateway, headers: Mapping[str, str], body: bytes) -> InboundEvent:
    """Read a webhook that has one event."""
    [event] = (await gateway.read_inbound(inbound_of(headers, body))).events
    return event
