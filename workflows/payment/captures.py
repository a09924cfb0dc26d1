"""Captures: each is recorded as a command, sent, booked when the gateway confirms it, and answered when it ends."""

from __future__ import annotations

from typing import Final

from temporalio import workflow

from activities.payment import Begun
from clearway.domain.command import CommandEnd, CommandKind, CommandStatus, NewCommand
from clearway.domain.limits import CAPTURES_PER_PAYMENT_MAX
from clearway.domain.money import Money
from clearway.domain.payment import CapturedAmount, Payment, PaymentStatus
from clearway.domain.refusals import NOT_CAPTURABLE, OUTCOME_UNKNOWN
from clearway.durable.messages import CaptureInput
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from workflows import policies
from workflows.inbox import Command
from workflows.operation import captured_by, difference, reported
from workflows.payment import closing, review
from workflows.payment.doubt import Doubt
from workflows.payment.record import PaymentRun

RELEASE: Final = ":release"
"""What the id of the void after a final capture ends with; the rest is the id of the capture."""


def capture_refusal(payment: Payment, asked: CaptureInput, captures_sent: int) -> str | None:
    """Return why this capture is not possible, or None."""
    if payment.status is not PaymentStatus.AUTHORIZED:
        return (
            f"Payment {payment.id} is {payment.status}; only an authorized payment can be captured. "
            "Nothing was captured by this request."
        )
    left_minor = payment.capturable_minor
    if asked.amount_minor is not None and asked.amount_minor > left_minor:
        left, wanted = (Money(amount, payment.currency) for amount in (left_minor, asked.amount_minor))
        return (
            f"{wanted} asked for, but {left} of payment {payment.id} is left to capture. "
            "Nothing was captured by this request."
        )
    if captures_sent >= CAPTURES_PER_PAYMENT_MAX:
        return (
            f"Payment {payment.id} has had {captures_sent} captures, the most that are allowed. "
            "Nothing was captured by this request. Make a new payment for what is left."
        )
    return None


async def capture(run: PaymentRun, command: Command) -> None:
    """Carry out a capture; the command is answered with its outcome."""
    assert command.capture is not None
    refusal = capture_refusal(run.payment, command.capture, run.record.sent[CommandKind.CAPTURE])
    if refusal:
        command.refuse(NOT_CAPTURABLE, refusal)
        return
    amount_minor = command.capture.amount_minor or run.payment.capturable_minor
    begun = await run.record.begin(
        NewCommand(
            command.id,
            CommandKind.CAPTURE,
            amount_minor,
            final=command.capture.final,
            asked_by=command.capture.asked_by,
        )
    )
    if begun.command.status is CommandStatus.DONE:
        command.answer = run.record.resource
    elif begun.command.status is CommandStatus.REFUSED:
        command.refuse(NOT_CAPTURABLE, begun.command.refusal or "The gateway refused. Nothing was captured.")
    else:
        await _send(run, command, begun)


async def _send(run: PaymentRun, command: Command, begun: Begun) -> None:
    sent = begun.command
    if not sent.final:
        run.captures_that_leave_open.add(sent.id)
    operation, asked = run.follow_up(sent), run.money(sent.amount_minor)
    give_up_at = workflow.now() + policies.FOLLOW_UP_DEADLINE
    outcome = await run.caller.capture(operation, give_up_at=give_up_at, ask_first=begun.again)
    differs = difference(outcome, asked)
    if differs:
        await _differs(run, command, begun, outcome, differs)
    elif outcome.kind is OutcomeKind.APPROVED:
        taken = captured_by(outcome, sent.id, sent.amount_minor)
        ended = CommandEnd(sent.id, CommandStatus.DONE)
        await run.captured(taken, f"captured {asked}", actor=command.actor, command=ended)
        if sent.final:
            await release_rest(run, sent.id)
        command.answer = run.record.resource
    elif outcome.kind in closing.SURELY_NOT:
        why = outcome.error_description or "the gateway could not be reached"
        refusal = f"The gateway refused: {why}. Nothing was captured."
        await run.refused(sent.id, refusal)
        command.refuse(NOT_CAPTURABLE, refusal)
    else:
        taken = CapturedAmount(sent.id, sent.amount_minor)
        doubt = Doubt(operation.key, taken, sent.id, final=sent.final)
        await review.begin(run, "what the gateway did with a capture is not known", doubt)
        command.refuse(
            OUTCOME_UNKNOWN, "The gateway has not said whether it captured. The payment is under review now."
        )


async def _differs(run: PaymentRun, command: Command, begun: Begun, outcome: GatewayOutcome, differs: str) -> None:
    """The gateway reports another amount: a person confirms what moved before it is booked."""
    sent = begun.command
    taken = captured_by(outcome, sent.id, sent.amount_minor)
    doubt = Doubt(run.follow_up(sent).key, taken, sent.id, differs=differs, final=sent.final)
    await review.begin(run, f"a capture: {differs}", doubt)
    asked = run.money(sent.amount_minor)
    command.refuse(
        OUTCOME_UNKNOWN,
        f"The gateway says that it captured {reported(outcome)}, and {asked} was asked for. "
        "The payment is under review: an operator books what moved.",
    )


async def release_rest(run: PaymentRun, capture_id: str) -> None:
    """Release the rest after a final capture; the payment ends."""
    if run.status is PaymentStatus.AUTHORIZED:
        await closing.release(run, capture_id + RELEASE, PaymentStatus.SUCCESS, "captured for the last time")
