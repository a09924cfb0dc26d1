"""Continue from a payment's row when the earlier run is lost: ask the gateway before anything is sent.

The recorded commands show what an earlier run sent. The gateway is also asked about the next operation keys, because a
database that was restored to an earlier moment lacks the last ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow

from activities.payment import LoadedPayment
from clearway.domain.attempt import GatewayChoice
from clearway.domain.command import CommandEnd, CommandKind, CommandStatus, PaymentCommand
from clearway.domain.payment import FINAL, UNDECIDED, CaptureMethod, PaymentStatus
from clearway.durable.messages import CancelInput, CaptureInput
from clearway.gateways.contract import GatewayOutcome, Operation, OperationKind, OutcomeKind
from workflows import policies
from workflows.inbox import Command
from workflows.operation import captured_by, difference
from workflows.payment import attempts, captures, closing, lost_attempts, review
from workflows.payment.doubt import Doubt
from workflows.payment.record import PaymentRun

DERIVED = ":"
"""Automatic commands have ids derived from other ids; the step that began one begins it again."""


async def take_up(run: PaymentRun) -> None:
    """Load the row, ask the gateway, and bring the payment to a state from which the usual steps continue."""
    loaded = await run.load()
    if run.status in FINAL:
        return
    if run.status in UNDECIDED:
        await _undecided(run, loaded.gateways)
    elif run.status is PaymentStatus.AUTHORIZED:
        await _authorised(run, loaded)
    elif run.status is PaymentStatus.RETRYING:
        await _retrying(run, loaded.gateways)
    else:
        await _under_review(run, loaded)
    run.inbox.commands.extendleft(reversed(_unanswered(loaded)))


async def _undecided(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> None:
    """Ask for the outcome of the authorisation. A restored database may lack what followed it."""
    followed = await lost_attempts.follow(run, gateways)
    if run.status is PaymentStatus.PENDING:
        await attempts.authorise(run, ask_first=True)
    elif not followed:
        await attempts.ask(run)
    if run.status is PaymentStatus.AUTHORIZED:
        await _find_lost_commands(run)


async def _retrying(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> None:
    """Ask about the last attempt, which failed: a restored database may lack the attempt that followed it."""
    outcome = await run.caller.find_out(run.authorisation())
    if outcome.kind is OutcomeKind.APPROVED:
        said = "the gateway reports that an attempt succeeded, which is recorded as failed"
        await review.begin(run, said, Doubt(differs=said))
    elif await lost_attempts.begin_again(run, gateways):
        await _undecided(run, gateways)


def _unanswered(loaded: LoadedPayment) -> list[Command]:
    """Return the merchant's commands without a known end. Each is looked up before it is sent again."""
    return [
        Command(
            each.id,
            capture=CaptureInput(each.id, each.amount_minor, each.final) if each.kind is CommandKind.CAPTURE else None,
            cancel=CancelInput() if each.kind is CommandKind.VOID else None,
        )
        for each in _open(loaded)
        if DERIVED not in each.id
    ]


def _open(loaded: LoadedPayment) -> list[PaymentCommand]:
    return [each for each in loaded.commands if each.status is CommandStatus.SENT]


async def _authorised(run: PaymentRun, loaded: LoadedPayment) -> None:
    await _carry_on(run, loaded)
    if run.status in FINAL or run.status is PaymentStatus.NEEDS_REVIEW or _unanswered(loaded):
        return
    last = next((each for each in reversed(loaded.commands) if each.kind is CommandKind.CAPTURE), None)
    if last and last.final and last.status is CommandStatus.DONE:
        await captures.release_rest(run, last.id)
        return
    outcome = await run.caller.find_out(run.authorisation())
    run.learn(outcome)
    untouched = run.payment.captured_minor == 0
    if untouched and outcome.captured and not difference(outcome, run.payment.money):
        taken = captured_by(outcome, run.record.own_capture_id, run.new.amount_minor)
        await run.captured(taken, "the gateway had captured it", actor="gateway")
        return
    await _find_lost_commands(run)
    if run.status is PaymentStatus.AUTHORIZED and untouched and run.new.capture_method == CaptureMethod.AUTOMATIC:
        attempts.capture_all(run)


async def _carry_on(run: PaymentRun, loaded: LoadedPayment) -> None:
    """Go on with what earlier runs began without a request, and did not see end. An expiry begins by its own time."""
    for each in _open(loaded):
        if run.status is not PaymentStatus.AUTHORIZED:
            return
        if each.id == run.follow_up(each).key:
            await _record_lost(run, each.kind, each.id, each.amount_minor)
        elif each.id.endswith(captures.RELEASE):
            await captures.release_rest(run, each.id.removesuffix(captures.RELEASE))


async def _find_lost_commands(run: PaymentRun) -> None:
    """Record what the gateway executed and the database lost. The same request with the same key is harmless."""
    while run.status is PaymentStatus.AUTHORIZED:
        number = run.record.sent[CommandKind.CAPTURE] + 1
        lost = run.numbered(OperationKind.CAPTURE, number, run.payment.capturable_minor)
        key, outcome = lost.key, await _what_became_of(run, lost)
        if outcome.kind not in {OutcomeKind.APPROVED, OutcomeKind.DECLINED} or not outcome.amount_minor:
            break
        await _record_lost(run, CommandKind.CAPTURE, key, outcome.amount_minor)
        if run.record.sent[CommandKind.CAPTURE] >= number:
            continue
        if outcome.kind is OutcomeKind.DECLINED:
            break
        doubt = Doubt(key, differs="the gateway has a capture that is not recorded and does not fit")
        await review.begin(run, "the gateway took more than is recorded as authorised", doubt)
    if run.status is PaymentStatus.AUTHORIZED:
        number = run.record.sent[CommandKind.VOID] + 1
        lost = run.numbered(OperationKind.VOID, number, run.payment.capturable_minor)
        if (await _what_became_of(run, lost)).kind is OutcomeKind.APPROVED:
            await _record_lost(run, CommandKind.VOID, lost.key, lost.amount_minor)


async def _record_lost(run: PaymentRun, kind: CommandKind, key: str, amount_minor: int) -> None:
    """Record an operation that the gateway has and the database does not: its command has the operation's key as id."""
    if kind is CommandKind.CAPTURE:
        await captures.capture(run, Command(key, capture=CaptureInput(key, amount_minor, final=False)))
    else:
        await closing.call_off(run, Command(key, cancel=CancelInput("the gateway had released it")))


async def _what_became_of(run: PaymentRun, operation: Operation) -> GatewayOutcome:
    return await run.caller.recover(operation, give_up_at=workflow.now() + policies.TAKEN_UP_INQUIRY)


async def _under_review(run: PaymentRun, loaded: LoadedPayment) -> None:
    """Restore the doubt. A clear answer of the gateway ends the review; else it stays with a person."""
    opened = _open(loaded)
    if opened:
        await _command_in_doubt(run, opened[-1])
    elif any(each.kind is not CommandKind.RETRY for each in loaded.commands) or run.payment.captured_minor:
        run.timeline.note("under review: a person decides")
    else:
        run.doubt = Doubt(run.authorise_key)
        outcome = await run.caller.find_out(run.authorisation())
        if outcome.kind in {OutcomeKind.APPROVED, OutcomeKind.DECLINED}:
            await attempts.settle(run, outcome)


async def _command_in_doubt(run: PaymentRun, command: PaymentCommand) -> None:
    operation = run.follow_up(command)
    key = operation.key
    if command.kind is not CommandKind.CAPTURE:
        run.doubt = Doubt(key, command_id=command.id)
        return
    outcome, asked = await run.caller.find_out(operation), run.money(command.amount_minor)
    differs = difference(outcome, asked)
    taken = captured_by(outcome, command.id, command.amount_minor)
    run.doubt = Doubt(key, taken, command.id, differs=differs, final=command.final)
    if outcome.kind is OutcomeKind.APPROVED and not differs:
        ended = CommandEnd(command.id, CommandStatus.DONE)
        await run.captured(taken, "the gateway confirmed the capture", actor="gateway", command=ended)
        if command.final:
            await captures.release_rest(run, command.id)
