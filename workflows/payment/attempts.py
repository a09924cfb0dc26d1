"""The payment attempt: the authorisation and its outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow

from clearway.domain.attempt import GatewayChoice, attempt_key
from clearway.domain.errors import DECLINE_CODES
from clearway.domain.gateway_error import Elsewhere
from clearway.domain.payment import UNDECIDED, CaptureMethod, PaymentStatus
from clearway.durable.messages import CaptureInput, GatewayEvent
from clearway.gateways.contract import UNANSWERED, Action, Executed, GatewayOutcome, OutcomeKind, Trust
from workflows import policies
from workflows.inbox import Command
from workflows.lasting import compare
from workflows.operation import captured_by, difference
from workflows.payment import retries, review
from workflows.payment.doubt import Doubt
from workflows.payment.record import PaymentRun

NOT_TAKEN: Final = frozenset({OutcomeKind.RETRYABLE, OutcomeKind.DECLINED, OutcomeKind.NOT_FOUND})


async def authorise(run: PaymentRun, *, ask_first: bool = False) -> None:
    """Send the authorisation and record its outcome. Fail over to another gateway if the first moved no money."""
    outcome = await _at_gateways(run, ask_first=ask_first)
    if outcome.kind is OutcomeKind.RETRYABLE:
        code = outcome.error_code or "gateway_unavailable"
        await _failed(run, replace(outcome, kind=OutcomeKind.DECLINED, error_code=code), actor="system")
    elif outcome.kind is OutcomeKind.UNKNOWN:
        await review.begin(run, "what the gateway did with the payment is not known", Doubt(run.authorise_key))
    elif outcome.kind is OutcomeKind.DECLINED:
        run.learn(outcome)
        await _failed(run, outcome, actor="gateway")
    else:
        await settle(run, outcome)


async def _at_gateways(run: PaymentRun, *, ask_first: bool) -> GatewayOutcome:
    """Return the outcome of the last attempt."""
    briefly = run.may_fail_over()
    outcome = await _at_gateway(run, ask_first=ask_first, briefly=briefly)
    while briefly:
        failed = await _surely_over(run, outcome)
        if failed is not None and run.may_fail_over():
            await fail_over(run, failed, run.alternatives[0])
            briefly = run.may_fail_over()
            outcome = await _at_gateway(run, briefly=briefly)
        elif outcome.kind in UNANSWERED:
            return await _at_gateway(run, ask_first=outcome.kind is OutcomeKind.UNKNOWN)
        else:
            break
    return outcome


async def _at_gateway(run: PaymentRun, *, ask_first: bool = False, briefly: bool = False) -> GatewayOutcome:
    """Carry out one attempt. briefly: another gateway can be tried."""
    run.door_closed = None
    give_up_at = workflow.now() + policies.FAILOVER_DOUBT if briefly else run.deadline
    outcome = await run.caller.authorise(
        run.authorisation(), give_up_at=give_up_at, ask_first=ask_first, briefly=briefly
    )
    while outcome.kind is OutcomeKind.PREPARED:
        await _prepared(run, outcome)
        outcome = await run.caller.authorise(run.authorisation(), give_up_at=give_up_at, briefly=briefly)
    return outcome


async def _surely_over(run: PaymentRun, outcome: GatewayOutcome) -> GatewayOutcome | None:
    """Return how the attempt failed if it took no money, never can, and another gateway may be tried; else None.

    An attempt that may have been executed is aborted, where the gateway can. What is known there is closed first.
    """
    if outcome.kind is OutcomeKind.UNKNOWN:
        outcome = await run.caller.abort(run.authorisation())
    if outcome.kind not in NOT_TAKEN or outcome.executed is Executed.MAYBE or outcome.elsewhere is not Elsewhere.YES:
        return None
    run.learn(outcome)
    return outcome if await closed(run, outcome, until=run.fail_over_until) else None


async def closed(run: PaymentRun, outcome: GatewayOutcome, *, until: datetime) -> bool:
    """Return whether the attempt can no longer succeed: the customer may still have its page open.

    The gateway is asked once: failover and retry both ask here.
    """
    if run.door_closed is None:
        unknown_there = not run.references and outcome.executed is Executed.NO
        run.door_closed = unknown_there or await _close(run, until)
    return run.door_closed


async def _close(run: PaymentRun, until: datetime) -> bool:
    # A door that closes by itself is counted from now on: nobody knows when the customer opened it.
    operation = replace(run.authorisation(), first_sent_at=workflow.now())
    answer = await run.caller.close(operation, run.closing())
    if answer.kind is OutcomeKind.RETRYABLE and answer.retry_after_s is not None:
        closes_at = workflow.now() + timedelta(seconds=answer.retry_after_s)
        if closes_at < until:
            await workflow.sleep(answer.retry_after_s, summary="until the attempt has closed by itself")
            answer = await run.caller.close(operation, run.closing())
    if answer.kind is not OutcomeKind.APPROVED:
        run.timeline.note(f"attempt {run.attempt} may still be paid at its gateway, so no other is begun")
    return answer.kind is OutcomeKind.APPROVED


async def fail_over(run: PaymentRun, failed: GatewayOutcome, to: GatewayChoice) -> None:
    """Record that the attempt failed and that another follows, at this gateway."""
    code = failed.error_code or "gateway_unavailable"
    description = failed.error_description or DECLINE_CODES.get(code, DECLINE_CODES["payment_declined"])
    await run.change(
        PaymentStatus.PENDING,
        f"attempt {run.attempt} at {run.payment.gateway_id} failed, nothing was taken: {code}; trying {to.gateway_id}",
        actor="gateway" if failed.executed is Executed.YES else "system",
        gateway_reference=None,
        attempt=replace(run.seen(failed), error_code=code, error_description=description),
        next_attempt=to,
    )
    run.begin_attempt(to)


async def _prepared(run: PaymentRun, outcome: GatewayOutcome) -> None:
    """Record the references of the gateway's first step, before money can move."""
    assert outcome.references or outcome.state is not None, "what was prepared has a name"
    run.learn(outcome)
    if run.status is not PaymentStatus.PENDING:
        return  # Recorded already: the customer has been at the gateway's page since.
    reason = f"prepared at {run.payment.gateway}: nothing can be taken yet"
    await run.change(PaymentStatus.PENDING, reason, actor="gateway")


async def ask(run: PaymentRun) -> None:
    """Ask the gateway for the state of the authorisation."""
    await settle(run, await run.caller.find_out(run.authorisation()))


async def hear(run: PaymentRun, event: GatewayEvent) -> None:
    """Handle a gateway event while the payment is pending."""
    if await is_late_success(run, event):
        return
    if event.key != run.authorise_key:
        run.timeline.note(f"gateway event {event.event_id} about {event.key} changes nothing")
        return
    run.timeline.note(f"gateway event {event.event_id}: {event.outcome.kind}, {event.trust}")
    if event.trust is Trust.HINT:
        await ask(run)
    else:
        await settle(run, event.outcome)


async def is_late_success(run: PaymentRun, event: GatewayEvent) -> bool:
    """Begin a review if an attempt that was given up succeeded after all: the customer may pay twice."""
    last_over = run.attempt if run.status is PaymentStatus.RETRYING else run.attempt - 1
    number = _number_of(run, event.key, last_over)
    if number is None:
        return False
    outcome = event.outcome if event.trust is Trust.PROVEN else await run.find_out_about(number)
    if outcome.kind is not OutcomeKind.APPROVED:
        return False
    said = f"gateway event {event.event_id} says that {event.key} succeeded, after another attempt was begun"
    await review.begin(run, said, Doubt(differs=said))
    return True


async def hear_after_end(run: PaymentRun, event: GatewayEvent) -> None:
    """Compare an event that was not handled with the row of the payment, which has ended. A hint is asked about."""
    outcome = event.outcome
    hint = event.trust is Trust.HINT
    agrees = hint or (outcome.kind is not OutcomeKind.DECLINED and not difference(outcome, run.payment.money))
    if event.key == run.authorise_key and run.status is PaymentStatus.SUCCESS and agrees:
        return
    if hint:
        number = _number_of(run, event.key, run.attempt)
        if number is None:
            return
        outcome = await run.find_out_about(number)
    await compare(replace(event, outcome=outcome, trust=Trust.PROVEN), run.timeline.note)


def _number_of(run: PaymentRun, key: str, last: int) -> int | None:
    """Return the number of the attempt with this key, if it is not after `last`."""
    return next((each for each in range(1, last + 1) if attempt_key(run.new.id, each) == key), None)


async def settle(run: PaymentRun, outcome: GatewayOutcome) -> None:
    """Record the authorisation's outcome; one that says nothing new changes nothing."""
    run.learn(outcome)
    differs = difference(outcome, run.payment.money)
    if differs:
        await review.begin(run, differs, Doubt(differs=differs))
        return
    match outcome.kind:
        case OutcomeKind.APPROVED:
            await _approved(run, outcome)
        case OutcomeKind.DECLINED:
            await _declined(run, outcome)
        case OutcomeKind.NEEDS_ACTION if run.status is PaymentStatus.PENDING:
            await _needs_action(run, outcome.action)
        case OutcomeKind.PENDING if run.status is PaymentStatus.REQUIRES_ACTION:
            await run.change(PaymentStatus.PROCESSING, "the customer has acted; the gateway decides", actor="gateway")
        case OutcomeKind.PENDING if run.polls and run.status is PaymentStatus.PENDING:
            await run.change(PaymentStatus.PROCESSING, "the gateway is still working on it", actor="gateway")
        case OutcomeKind.PREPARED:
            run.timeline.note("the customer has done their part at the gateway, and nothing was taken: going on")
            await authorise(run)
        case _:
            pass


async def _needs_action(run: PaymentRun, action: Action | None) -> None:
    page: dict[str, Any] = {}
    if action:
        page = {"action_url": action.url, "action_form": action.sealed, "action_expires_at": action.expires_at}
    await run.change(PaymentStatus.REQUIRES_ACTION, "the customer must act", actor="gateway", **page)


async def _approved(run: PaymentRun, outcome: GatewayOutcome) -> None:
    if outcome.captured:
        taken = captured_by(outcome, run.record.own_capture_id, run.new.amount_minor)
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


async def _declined(run: PaymentRun, outcome: GatewayOutcome) -> None:
    """Try another gateway after a decline that came later, where that is allowed; else the payment has failed."""
    failed = await _surely_over(run, outcome) if run.may_fail_over() and run.status in UNDECIDED else None
    if failed is not None and run.may_fail_over():
        await fail_over(run, failed, run.alternatives[0])
        await authorise(run)
    else:
        await _failed(run, outcome, actor="gateway")


async def _failed(run: PaymentRun, outcome: GatewayOutcome, *, actor: str) -> None:
    code = outcome.error_code or "payment_declined"
    description = outcome.error_description or DECLINE_CODES.get(code, DECLINE_CODES["payment_declined"])
    at = run.payment.gateway
    raw = f" ({at} says {outcome.raw_code})" if outcome.raw_code and outcome.raw_code != code else f" by {at}"
    failure: dict[str, Any] = {
        "actor": actor,
        "error_code": code,
        "error_description": description,
        "attempt": run.seen(outcome),
    }
    if not await retries.wait_for_another(run, outcome, f"declined: {code}{raw}", failure):
        await run.change(PaymentStatus.FAILED, f"declined: {code}{raw}", **failure)
