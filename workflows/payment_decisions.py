"""The decisions of a payment's workflow that need nothing but what is known: pure functions, no step is taken here."""

from __future__ import annotations

from dataclasses import dataclass

from clearway.domain.money import Money
from clearway.domain.payment import MOVES, CapturedAmount, Change, MoveRefusedError, Payment, PaymentStatus
from clearway.durable.messages import CaptureInput, Resolution
from clearway.gateways.contract import GatewayOutcome, OutcomeKind


@dataclass(frozen=True)
class Doubt:
    """What is not known about a payment under review: the operation's key, and the capture if it is one."""

    key: str | None = None
    capture: CapturedAmount | None = None


def difference(outcome: GatewayOutcome, asked: Money) -> str | None:
    """Say how the gateway's amount differs from what was asked, if it names one."""
    if outcome.kind is not OutcomeKind.APPROVED or outcome.amount_minor is None:
        return None
    if (outcome.amount_minor, outcome.currency) == (asked.amount_minor, asked.currency):
        return None
    return f"the gateway reports {outcome.currency} {outcome.amount_minor} in minor units, asked was {asked}"


def capture_refusal(payment: Payment, asked: CaptureInput) -> str | None:
    """Say why this capture is not possible, or None when it is."""
    if payment.status is not PaymentStatus.AUTHORIZED:
        return f"Payment {payment.id} is {payment.status}; only an authorized payment can be captured."
    left_minor = payment.capturable_minor
    if asked.amount_minor is not None and asked.amount_minor > left_minor:
        left, wanted = (Money(amount, payment.currency) for amount in (left_minor, asked.amount_minor))
        return f"{wanted} asked for, but {left} of payment {payment.id} is left to capture. Nothing was taken."
    return None


def resolved(payment: Payment, doubt: Doubt, resolution: Resolution, *, step: str, own_capture_id: str) -> Change:
    """Return the change that an operator's decision asks for; whether it is allowed is the state machine's to say.

    `success` books the capture that was in doubt, or the whole amount when none was captured before. Raises
    MoveRefusedError when the outcome is none that ends a review.
    """
    if resolution.outcome not in MOVES[PaymentStatus.NEEDS_REVIEW]:
        allowed = ", ".join(sorted(MOVES[PaymentStatus.NEEDS_REVIEW]))
        message = f"the outcome must be one of {allowed}"
        raise MoveRefusedError(message)
    to = PaymentStatus(resolution.outcome)
    capture = None
    if to is PaymentStatus.SUCCESS:
        capture = doubt.capture
        if capture is None and payment.captured_minor == 0:
            capture = CapturedAmount(own_capture_id, payment.amount_minor)
        if capture and payment.captured_minor + capture.amount_minor < payment.amount_minor:
            to = PaymentStatus.AUTHORIZED
    return Change(
        step=step,
        to=to,
        reason=f"decided by an operator: {resolution.reason}",
        actor=f"operator:{resolution.operator}",
        capture=capture,
        gateway_reference=resolution.gateway_reference,
    )
