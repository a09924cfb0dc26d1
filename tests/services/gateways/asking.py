"""Requests as Clearway makes them, with fresh payment ids, and waiting for what a gateway will say in the end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from clearway.domain.ids import PAYMENT, REFUND, new_id
from clearway.domain.payment import CaptureMethod
from clearway.gateways.contract import (
    AuthoriseRequest,
    Card,
    CardTokeniser,
    FollowUpRequest,
    Gateway,
    GatewayOutcome,
    OutcomeKind,
)

PATIENCE_S = 15.0
MANUAL = CaptureMethod.MANUAL


def order(instrument: str, method: str = "upi", **fields: Any) -> AuthoriseRequest:
    """Ask for 10.00 INR from a new payment, unless told otherwise."""
    payment_id = fields.pop("payment_id", None) or new_id(PAYMENT)
    asked = {
        "key": f"{payment_id}:authorise:1",
        "payment_id": payment_id,
        "amount_minor": 1_000,
        "currency": "INR",
        "method": method,
        "instrument": instrument,
        "capture_method": CaptureMethod.AUTOMATIC,
    }
    return AuthoriseRequest(**(asked | fields))


def follow_up(
    asked: AuthoriseRequest, outcome: GatewayOutcome, operation: str, amount: int, n: int = 1
) -> FollowUpRequest:
    """Ask for a capture, void or refund of what was authorised."""
    owner = new_id(REFUND) if operation == "refund" else asked.payment_id
    return FollowUpRequest(
        key=f"{owner}:{operation}:{n}",
        payment_id=asked.payment_id,
        gateway_reference=outcome.reference or "",
        amount_minor=amount,
        currency=asked.currency,
    )


def card(number: str = "4242424242424242", month: int = 12, year: int = 2040, cvv: str | None = None) -> Card:
    """Return a card that is in order, unless told otherwise."""
    return Card(number, month, year, cvv if cvv is not None else "1234" if number.startswith(("34", "37")) else "123")


async def card_order(gateway: CardTokeniser, number: str, **fields: Any) -> AuthoriseRequest:
    """Tokenise a card and ask for a payment with it."""
    token = await gateway.tokenise(card(number))
    return order(token.token, "card", **fields)


async def outcome_when(gateway: Gateway, key: str, kind: OutcomeKind) -> GatewayOutcome:
    """Look an operation up until it is of this kind; fail with what it was last."""
    until = time.monotonic() + PATIENCE_S
    while (outcome := await gateway.look_up(key)).kind is not kind:
        assert time.monotonic() < until, f"{key} stayed {outcome}"
        await asyncio.sleep(0.02)
    return outcome
