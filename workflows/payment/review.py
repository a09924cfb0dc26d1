"""Reviews: a payment whose doubt only a person or a late answer of the gateway can resolve."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from temporalio import workflow

from clearway.domain.command import CommandEnd, CommandStatus
from clearway.domain.payment import MOVES, Change, MoveRefusedError, PaymentStatus, apply_change
from clearway.durable.messages import GatewayEvent, Resolution
from clearway.gateways.contract import GatewayOutcome, OperationKind, OutcomeKind, Trust
from workflows.operation import captured_by, difference
from workflows.payment.doubt import Doubt, resolved
from workflows.payment.record import PAYMENT_REFERENCE, PaymentRun
from workflows.refusal import RecordingRefusedError, until_recorded


async def begin(run: PaymentRun, reason: str, doubt: Doubt) -> None:
    """Begin a review. Decisions that came before were about another review, or about none."""
    run.doubt = doubt
    if run.status is not PaymentStatus.NEEDS_REVIEW:
        run.inbox.begin_review(run.timeline.note)
        await run.change(PaymentStatus.NEEDS_REVIEW, reason)
    workflow.logger.error("payment needs review: %s", reason)


async def not_recorded(run: PaymentRun, refused: RecordingRefusedError) -> None:
    """Begin a review of a step that the database refuses permanently: its booking is in doubt."""
    run.forget()  # the refused value may be a later reference
    workflow.logger.error("a step of the payment is refused for good: %s", refused)
    run.timeline.note(f"not recorded, and never will be: {refused}")
    if PaymentStatus.NEEDS_REVIEW not in MOVES[run.status]:
        return
    step = refused.step
    capture, ended = (step.capture, step.command) if isinstance(step, Change) else (None, None)
    reason = f"what happened could not be recorded: {refused}"
    final = capture is None or capture.id not in run.captures_that_leave_open
    doubt = Doubt(capture=capture, command_id=ended.id if ended else None, final=final)
    await until_recorded(lambda: begin(run, reason, doubt), run.timeline.note)


async def resolve(
    run: PaymentRun, resolution: Resolution, release_rest: Callable[[PaymentRun, str], Awaitable[None]]
) -> None:
    """Record an operator's decision, or note why it is refused. release_rest: for the last capture, if it was taken."""
    try:
        step, own_capture_id = run.record.next_step, run.record.own_capture_id
        change = resolved(run.payment, run.doubt, resolution, step=step, own_capture_id=own_capture_id)
        apply_change(run.payment, change)
    except MoveRefusedError as error:
        run.timeline.note(f"resolution by {resolution.operator} refused: {error}")
        run.inbox.not_decided(resolution, str(error))
        return
    try:
        await run.apply(change)
    except RecordingRefusedError as refused:
        run.inbox.not_decided(resolution, str(refused))
        raise
    if resolution.gateway_reference:
        run.references[PAYMENT_REFERENCE] = resolution.gateway_reference
    run.start_expiry(workflow.now())
    try:
        if resolution.outcome == PaymentStatus.SUCCESS and run.doubt.capture is not None and run.doubt.final:
            await release_rest(run, run.doubt.capture.id)
    finally:
        run.inbox.decided(resolution, run.record.resource)


async def settles_authorisation(run: PaymentRun, event: GatewayEvent) -> GatewayOutcome | None:
    """Return the outcome if an event decides the authorisation in doubt. After a hint the gateway is asked."""
    if not event.key == run.doubt.key == run.authorise_key:
        return None
    hint = event.trust is Trust.HINT
    outcome = await run.caller.find_out(run.authorisation()) if hint else event.outcome
    return outcome if outcome.kind in {OutcomeKind.APPROVED, OutcomeKind.DECLINED} else None


async def confirm_capture(run: PaymentRun, event: GatewayEvent) -> bool:
    """Record the capture in doubt if the event confirms the requested amount; else return False."""
    doubted = run.doubt.capture
    if doubted is None or event.key != run.doubt.key or run.doubt.differs:
        return False
    outcome = event.outcome
    if event.trust is Trust.HINT:
        number = int(event.key.rpartition(":")[2])
        outcome = await run.caller.find_out(run.numbered(OperationKind.CAPTURE, number, doubted.amount_minor))
    if outcome.kind is not OutcomeKind.APPROVED or difference(outcome, run.money(doubted.amount_minor)):
        return False
    ended = CommandEnd(run.doubt.command_id, CommandStatus.DONE) if run.doubt.command_id else None
    said = captured_by(outcome, doubted.id, doubted.amount_minor)
    confirmed = replace(
        said,
        gateway_reference=said.gateway_reference or doubted.gateway_reference,
        references=doubted.references | said.references,
        state=doubted.state if said.state is None else said.state,
    )
    await run.captured(confirmed, "the gateway confirmed the capture", actor="gateway", command=ended)
    return True
