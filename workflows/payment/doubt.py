"""The doubt about a payment under review, and how an operator's decision resolves it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clearway.domain.command import CommandEnd, CommandStatus
from clearway.domain.payment import (
    MOVES,
    CapturedAmount,
    Change,
    MoveRefusedError,
    Payment,
    PaymentStatus,
)
from clearway.durable.messages import Resolution
from workflows.operation import amount_missing

BOOKS: frozenset[PaymentStatus] = frozenset({PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED})
"""Outcomes with which an operator can say that money moved."""


@dataclass(frozen=True)
class Doubt:
    """The operation of unknown outcome: its key, its capture if it is one, and the command that waits for an answer.

    differs: how the gateway's amount differs from what was asked, in words. final: the capture was to be the last one.
    """

    key: str | None = None
    capture: CapturedAmount | None = None
    command_id: str | None = None
    differs: str | None = None
    final: bool = True


def resolved(payment: Payment, doubt: Doubt, resolution: Resolution, *, step: str, own_capture_id: str) -> Change:
    """Return the change for an operator's decision. The state machine decides whether it is allowed.

    Raises MoveRefusedError when the outcome does not end a review, or when the amount that moved is required.
    """
    if resolution.outcome not in MOVES[PaymentStatus.NEEDS_REVIEW]:
        allowed = ", ".join(sorted(MOVES[PaymentStatus.NEEDS_REVIEW]))
        message = f"the outcome must be one of {allowed}"
        raise MoveRefusedError(message)
    to = PaymentStatus(resolution.outcome)
    capture = _moved(payment, doubt, resolution, to, own_capture_id)
    if to is PaymentStatus.SUCCESS and capture and _stays_open(payment, doubt, capture):
        to = PaymentStatus.AUTHORIZED
    return Change(
        step=step,
        to=to,
        reason=f"decided by an operator: {resolution.reason}",
        actor=f"operator:{resolution.operator}",
        capture=capture,
        gateway_reference=resolution.gateway_reference,
        command=_command_end(doubt, to, capture, resolution),
        decided_by=resolution.decided_by(payment.merchant_id),
    )


def _moved(
    payment: Payment, doubt: Doubt, resolution: Resolution, to: PaymentStatus, own_capture_id: str
) -> CapturedAmount | None:
    """Return the capture to book: the operator's amount, else the requested amount for `success`."""
    if resolution.amount is not None:
        if to not in BOOKS:
            message = f"with {to}, no money was taken: leave the amount out, or choose success"
            raise MoveRefusedError(message)
        if doubt.capture is not None:
            return replace(doubt.capture, amount_minor=resolution.amount)
        return CapturedAmount(own_capture_id, resolution.amount, resolution.gateway_reference)
    if to is not PaymentStatus.SUCCESS:
        return None
    if doubt.differs:
        raise MoveRefusedError(amount_missing(doubt.differs))
    if doubt.capture is not None or payment.captured_minor:
        return doubt.capture
    return CapturedAmount(own_capture_id, payment.amount_minor)


def _stays_open(payment: Payment, doubt: Doubt, capture: CapturedAmount) -> bool:
    """Return whether a confirmed capture leaves a rest: it is for more captures, or is released after the last one."""
    rest_minor = payment.amount_minor - payment.captured_minor - capture.amount_minor
    return rest_minor > 0 and doubt.capture is not None


def _command_end(
    doubt: Doubt, to: PaymentStatus, capture: CapturedAmount | None, resolution: Resolution
) -> CommandEnd | None:
    if doubt.command_id is None:
        return None
    took_place = capture is not None if doubt.capture else to in {PaymentStatus.CANCELLED, PaymentStatus.SUCCESS}
    if took_place:
        return CommandEnd(doubt.command_id, CommandStatus.DONE)
    refusal = f"An operator found that the gateway did not carry it out: {resolution.reason}"
    return CommandEnd(doubt.command_id, CommandStatus.REFUSED, refusal)
