"""Ends without a capture: cancellation, expiry, and the release of the rest after a final capture."""

from __future__ import annotations

from temporalio import workflow

from activities.payment import Begun
from clearway.domain.actor import Actor
from clearway.domain.command import CommandEnd, CommandKind, CommandStatus, NewCommand
from clearway.domain.errors import DECLINE_CODES
from clearway.domain.limits import CANCELS_PER_PAYMENT_MAX
from clearway.domain.payment import UNDECIDED, Payment, PaymentStatus
from clearway.domain.refusals import NOT_CANCELLABLE, OUTCOME_UNKNOWN
from clearway.gateways.contract import UNKNOWN, Executed, GatewayOutcome, OutcomeKind
from workflows import policies
from workflows.inbox import Command
from workflows.payment import attempts, review
from workflows.payment.doubt import Doubt
from workflows.payment.record import PaymentRun

SURELY_NOT = frozenset({OutcomeKind.DECLINED, OutcomeKind.RETRYABLE})


def cancel_refusal(payment: Payment, cancels_sent: int) -> str | None:
    """Return why the payment cannot be cancelled, or None."""
    match payment.status:
        case PaymentStatus.SUCCESS:
            return f"Payment {payment.id} is success and cannot be cancelled. Refund it instead."
        case PaymentStatus.FAILED | PaymentStatus.CANCELLED | PaymentStatus.EXPIRED:
            return f"Payment {payment.id} is {payment.status}: there is nothing to cancel, and nothing will be taken."
        case PaymentStatus.NEEDS_REVIEW:
            return (
                f"Payment {payment.id} is under review and cannot be cancelled until it is decided. "
                "The gateway was not called for this request."
            )
        case _ if cancels_sent >= CANCELS_PER_PAYMENT_MAX:
            return (
                f"Payment {payment.id} has had {cancels_sent} cancellations, the most that are allowed. "
                "The gateway refused them; ask its support."
            )
        case _:
            return None


async def call_off(run: PaymentRun, command: Command) -> None:
    """Void for a merchant; while the payment is pending this cancels it."""
    assert command.cancel is not None
    refusal = cancel_refusal(run.payment, run.record.sent[CommandKind.VOID])
    if refusal:
        command.refuse(NOT_CANCELLABLE, refusal)
        return
    begun = await _begin(run, command.id, asked_by=command.cancel.asked_by)
    if begun.command.status is CommandStatus.DONE:
        command.answer = run.record.resource
    elif begun.command.status is CommandStatus.REFUSED:
        command.refuse(NOT_CANCELLABLE, begun.command.refusal or "The gateway refused.")
    else:
        await _void_for(run, command, command.cancel.reason, begun)


async def _void_for(run: PaymentRun, command: Command, reason: str, begun: Begun) -> None:
    outcome = await _void(run, begun)
    if outcome.kind is OutcomeKind.APPROVED:
        await _released(run, PaymentStatus.CANCELLED, reason, actor=command.actor, command_id=command.id)
        command.answer = run.record.resource
    elif outcome.kind in SURELY_NOT:
        why = outcome.error_description or "the gateway could not be reached"
        refusal = f"The gateway refused: {why}. The payment is as it was."
        await run.refused(command.id, refusal)
        command.refuse(NOT_CANCELLABLE, refusal)
    else:
        doubt = Doubt(run.follow_up(begun.command).key, command_id=command.id)
        await review.begin(run, "what the gateway did with a cancellation is not known", doubt)
        command.refuse(
            OUTCOME_UNKNOWN, "The gateway has not said whether it cancelled the payment, which is under review now."
        )


async def expire_undecided(run: PaymentRun) -> None:
    """The deadline: ask once more, then cancel the payment. Only a gateway's answer ends it."""
    await attempts.ask(run)
    if run.status not in UNDECIDED:
        return
    begun = await _begin(run, _expiry_id(run))
    outcome = await _void(run, begun)
    if outcome.kind is OutcomeKind.APPROVED:
        await _released(run, PaymentStatus.EXPIRED, "not completed in time", command_id=begun.command.id)
        return
    if outcome.kind in SURELY_NOT:
        await run.refused(begun.command.id, "not called off at the deadline")
    await attempts.ask(run)
    if run.status in UNDECIDED:
        reason = "the time is up and the gateway did not call the payment off"
        await review.begin(run, reason, Doubt(run.authorise_key, command_id=begun.command.id))


async def expire_authorised(run: PaymentRun) -> None:
    """The authorisation expires: release what is not captured."""
    await release(run, _expiry_id(run), PaymentStatus.EXPIRED, "not captured in time")


async def release(run: PaymentRun, command_id: str, to: PaymentStatus, reason: str) -> None:
    """Void what is authorised and not captured, without a request. Begin a review if the gateway does not void."""
    begun = await _begin(run, command_id)
    outcome = await _void(run, begun)
    if outcome.kind is OutcomeKind.APPROVED:
        await _released(run, to, reason, command_id=command_id)
        return
    if outcome.kind in SURELY_NOT:
        await run.refused(command_id, outcome.error_description or "the gateway could not be reached")
    doubt = Doubt(run.follow_up(begun.command).key, command_id=command_id)
    await review.begin(run, f"{reason}, and the gateway did not release the authorisation", doubt)


async def _released(run: PaymentRun, to: PaymentStatus, reason: str, *, command_id: str, actor: str = "system") -> None:
    """Record the release. A payment with captures ends as a success."""
    ended = CommandEnd(command_id, CommandStatus.DONE)
    if run.payment.captured_minor:
        await run.change(PaymentStatus.SUCCESS, f"{reason}; the rest is released", actor=actor, command=ended)
        return
    code = "payment_expired" if to is PaymentStatus.EXPIRED else None
    description = DECLINE_CODES[code] if code else None
    await run.change(to, reason, actor=actor, error_code=code, error_description=description, command=ended)


async def _begin(run: PaymentRun, command_id: str, *, asked_by: Actor | None = None) -> Begun:
    left_minor = run.new.amount_minor - run.payment.captured_minor
    return await run.record.begin(NewCommand(command_id, CommandKind.VOID, left_minor, asked_by=asked_by))


async def _void(run: PaymentRun, begun: Begun) -> GatewayOutcome:
    if run.status is PaymentStatus.RETRYING:
        return GatewayOutcome(OutcomeKind.APPROVED, Executed.NO)  # the last attempt is over, and the next not begun
    if not run.references:
        return UNKNOWN  # the gateway gave no reference to void
    give_up_at = workflow.now() + policies.FOLLOW_UP_DEADLINE
    return await run.caller.void(run.follow_up(begun.command), give_up_at=give_up_at, ask_first=begun.again)


def _expiry_id(run: PaymentRun) -> str:
    """Return the id of the void at an expiry. It has the version: a payment may expire again after a review."""
    return f"{run.new.id}:expiry:{run.payment.version}"
