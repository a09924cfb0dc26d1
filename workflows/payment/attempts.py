"""The payment attempt: the authorisation, and what the gateway says of it."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow

from clearway.domain.errors import DECLINE_CODES
from clearway.domain.payment import CapturedAmount, CaptureMethod, PaymentStatus
from clearway.durable.messages import CaptureInput, GatewayEvent
from clearway.gateways.contract import GatewayOutcome, OutcomeKind, Trust
from workflows.inbox import Command
from workflows.operation import difference
from workflows.payment import review
from workflows.payment.doubt import Doubt
from workflows.payment.record import PaymentRun


async def authorise(run: PaymentRun, *, ask_first: bool = False) -> None:
    """Send the authorisation and record its outcome."""
    outcome = await run.caller.authorise(run.authorisation(), give_up_at=run.deadline, ask_first=ask_first)
    while outcome.kind is OutcomeKind.PREPARED:
        await _prepared(run, outcome)
        outcome = await run.caller.authorise(run.authorisation(), give_up_at=run.deadline)
    if outcome.kind is OutcomeKind.RETRYABLE:
        unavailable = replace(
            outcome, kind=OutcomeKind.DECLINED, error_code=outcome.error_code or "gateway_unavailable"
        )
        await _declined(run, unavailable, actor="system")
    elif outcome.kind is OutcomeKind.UNKNOWN:
        await review.begin(run, "what the gateway did with the payment is not known", Doubt(run.authorise_key))
    else:
        await settle(run, outcome)


async def _prepared(run: PaymentRun, outcome: GatewayOutcome) -> None:
    """Record what the gateway's first step is known by, before money can move."""
    assert outcome.references or outcome.state is not None, "what was prepared has a name"
    run.learn(outcome)
    if run.status is not PaymentStatus.PENDING:
        return  # It is recorded already: the customer has been at the gateway's page since.
    reason = f"prepared at {run.payment.gateway}: nothing can be taken yet"
    await run.change(PaymentStatus.PENDING, reason, actor="gateway")


async def ask(run: PaymentRun) -> None:
    """Ask the gateway where the authorisation stands."""
    await settle(run, await run.caller.find_out(run.authorisation()))


async def hear(run: PaymentRun, event: GatewayEvent) -> None:
    """Act on an event of the gateway while it or the customer has not decided."""
    if event.key != run.authorise_key:
        run.timeline.note(f"gateway event {event.event_id} about {event.key} changes nothing")
        return
    run.timeline.note(f"gateway event {event.event_id}: {event.outcome.kind}, {event.trust}")
    if event.trust is Trust.HINT:
        await ask(run)
    else:
        await settle(run, event.outcome)


async def settle(run: PaymentRun, outcome: GatewayOutcome) -> None:
    """Move on by what the gateway says of the authorisation; what says nothing new changes nothing."""
    run.learn(outcome)
    differs = difference(outcome, run.payment.money)
    if differs:
        await review.begin(run, differs, Doubt(differs=differs))
        return
    match outcome.kind:
        case OutcomeKind.APPROVED:
            await _approved(run, outcome)
        case OutcomeKind.DECLINED:
            await _declined(run, outcome, actor="gateway")
        case OutcomeKind.NEEDS_ACTION if run.status is PaymentStatus.PENDING:
            url = outcome.action.url if outcome.action else None
            await run.change(PaymentStatus.REQUIRES_ACTION, "the customer must act", actor="gateway", action_url=url)
        case OutcomeKind.PENDING if run.status is PaymentStatus.REQUIRES_ACTION:
            await run.change(PaymentStatus.PROCESSING, "the customer has acted; the gateway decides", actor="gateway")
        case OutcomeKind.PENDING if run.polls and run.status is PaymentStatus.PENDING:
            await run.change(PaymentStatus.PROCESSING, "the gateway is still working on it", actor="gateway")
        case OutcomeKind.PREPARED:
            run.timeline.note("the customer has done their part at the gateway, and nothing was taken: going on")
            await authorise(run)
        case _:
            pass


async def _approved(run: PaymentRun, outcome: GatewayOutcome) -> None:
    if outcome.captured:
        taken = CapturedAmount(run.record.own_capture_id, run.new.amount_minor, outcome.reference)
        await run.captured(taken, "approved and captured by the gateway", actor="gateway")
        return
    await run.change(PaymentStatus.AUTHORIZED, "approved by the gateway", actor="gateway")
    run.start_expiry(workflow.now())
    if run.new.capture_method == CaptureMethod.AUTOMATIC:
        capture_all(run)


def capture_all(run: PaymentRun) -> None:
    """Ask for the whole amount, as an automatic payment does when the gateway has only authorised it."""
    own = run.record.own_capture_id
    run.inbox.commands.append(Command(own, capture=CaptureInput(own)))


async def _declined(run: PaymentRun, outcome: GatewayOutcome, *, actor: str) -> None:
    code = outcome.error_code or "payment_declined"
    description = outcome.error_description or DECLINE_CODES.get(code, DECLINE_CODES["payment_declined"])
    at = run.payment.gateway
    raw = f" ({at} says {outcome.raw_code})" if outcome.raw_code and outcome.raw_code != code else f" by {at}"
    await run.change(
        PaymentStatus.FAILED,
        f"declined: {code}{raw}",
        actor=actor,
        error_code=code,
        error_description=description,
        attempt=run.seen(outcome),
    )
