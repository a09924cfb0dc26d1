"""The life of one payment, from its recording to the end of what may be captured.

The run is the only actor: updates and signals put what they bring into an inbox, and the run takes one thing at a time,
so no two operations of a payment are ever at the gateway at once. Each change of status is one local activity (one
database transaction); each call to the gateway is one activity; each wait is one timer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from clearway.domain.errors import DECLINE_CODES
from clearway.domain.money import Money
from clearway.domain.payment import (
    FINAL,
    CapturedAmount,
    CaptureMethod,
    MoveRefusedError,
    Payment,
    PaymentStatus,
    apply_change,
)
from clearway.domain.refusals import NOT_CANCELLABLE, NOT_CAPTURABLE, OUTCOME_UNKNOWN
from clearway.durable.messages import (
    CancelInput,
    CaptureInput,
    News,
    PaymentInput,
    PaymentResult,
    Resolution,
    TimelineEntry,
    resolution_of,
)
from clearway.gateways.contract import AuthoriseRequest, FollowUpRequest, GatewayOutcome, OutcomeKind
from workflows import policies
from workflows.gateway_calls import GatewayCaller
from workflows.inbox import Command, Inbox
from workflows.news import outcome_of
from workflows.payment_decisions import Doubt, capture_refusal, difference, resolved
from workflows.payment_record import PaymentRecord
from workflows.refusal import tell_refusal
from workflows.timeline import Timeline

UNDECIDED = frozenset({PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING})


@workflow.defn
class PaymentWorkflow:
    """`payment/<payment_id>`: records, authorises, polls, captures, voids, expires."""

    @workflow.init
    def __init__(self, started: PaymentInput) -> None:
        self._new = started.payment
        self._timings = started.timings
        self._timeline = Timeline(f"payment {self._new.id}")
        self._record = PaymentRecord(self._new, self._timeline)
        self._asked = False
        self._inbox = Inbox()
        self._caller = GatewayCaller(self._new.gateway, self._timeline.note)
        self._reference: str | None = None
        self._doubt = Doubt()
        self._polls = 0
        self._captures = 0
        self._voids = 0
        self._deadline = workflow.now() + timedelta(seconds=self._timings.deadline_s)
        self._expires_at = self._deadline

    @workflow.run
    async def run(self, started: PaymentInput) -> PaymentResult:
        """Live until the payment is final."""
        if not await self._record.create():
            assert self._record.refusal is not None
            await tell_refusal(lambda: self._asked)
            return PaymentResult(status="refused", refused=self._record.refusal.type)
        if self._status is PaymentStatus.PENDING:
            await self._authorise()
        while self._status not in FINAL:
            await self._take_step()
        self._answer_the_rest()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return PaymentResult(status=self._status, captured_minor=self._payment.captured_minor)

    # What the outside says to a payment

    @workflow.update(name="record", description="Answers with the payment once it is recorded")
    async def recorded(self) -> dict[str, Any]:
        """Wait until the payment is recorded and answer with it, or refuse."""
        self._asked = True
        await workflow.wait_condition(lambda: self._record.settled)
        if self._record.refusal is not None:
            raise self._record.refusal
        return self._record.resource

    @workflow.update(description="Captures part or all of an authorised payment")
    async def capture(self, asked: CaptureInput) -> dict[str, Any]:
        """Capture; answers with the payment afterwards."""
        self._inbox.commands.append(command := Command(capture=asked))
        return await command.answered()

    @capture.validator
    def check_capture(self, asked: CaptureInput) -> None:
        """Refuse, without a trace in the history, what cannot be captured."""
        if not self._record.settled or self._record.refusal is not None:
            raise ApplicationError(f"Payment {self._new.id} is not recorded.", type=NOT_CAPTURABLE, non_retryable=True)
        refusal = capture_refusal(self._payment, asked)
        if refusal:
            raise ApplicationError(refusal, type=NOT_CAPTURABLE, non_retryable=True)

    @workflow.update(description="Calls a payment off or releases what is authorised")
    async def cancel(self, asked: CancelInput) -> dict[str, Any]:
        """Cancel: nothing more will be taken; answers with the payment afterwards."""
        self._inbox.commands.append(command := Command(cancel=asked))
        return await command.answered()

    @cancel.validator
    def check_cancel(self, asked: CancelInput) -> None:
        """Refuse, without a trace in the history, what cannot be cancelled."""
        if self._status in FINAL or self._status is PaymentStatus.NEEDS_REVIEW:
            message = f"Payment {self._new.id} is {self._status} and cannot be cancelled."
            if self._status is PaymentStatus.SUCCESS:
                message += " Refund it instead."
            raise ApplicationError(message, type=NOT_CANCELLABLE, non_retryable=True)

    @workflow.signal(description="A gateway's verified webhook about this payment")
    def provider_news(self, news: News) -> None:
        """Take note of what the gateway tells."""
        self._inbox.news.append(news)

    @workflow.signal(description="An operator's decision about a payment in needs_review")
    def resolve_review(self, resolution: Any) -> None:
        """Take note of what an operator decided; it is typed by hand, so it is read here and not by the SDK."""
        try:
            self._inbox.resolutions.append(resolution_of(resolution))
        except ValueError as error:
            self._timeline.note(f"resolution refused: {error}")

    @workflow.query(description="The story so far")
    def timeline(self) -> list[TimelineEntry]:
        """Tell what happened, oldest first."""
        return self._timeline.entries

    # One step at a time

    async def _take_step(self) -> None:
        if self._status in UNDECIDED:
            await self._await_decision()
        elif self._status is PaymentStatus.AUTHORIZED:
            await self._await_capture()
        else:
            await self._await_resolution()

    async def _await_decision(self) -> None:
        """Pending at the gateway or with the customer: news, a command or the next poll, whichever is first."""
        left_s = (self._deadline - workflow.now()).total_seconds()
        intervals = self._timings.poll_intervals_s
        poll_s = intervals[min(self._polls, len(intervals) - 1)]
        if await self._inbox.wait(min(poll_s, left_s), "until the next status poll"):
            if self._inbox.news:
                await self._hear(self._inbox.news.popleft())
            elif self._inbox.commands:
                await self._call_off(self._inbox.commands.popleft())
            else:
                self._ignore_resolution()
        elif workflow.now() >= self._deadline:
            await self._expire_undecided()
        else:
            self._polls += 1
            await self._settle(await self._caller.look_up(self._authorise_key))

    async def _await_capture(self) -> None:
        """Authorised: a capture, a cancellation, or the end of the authorisation."""
        left_s = (self._expires_at - workflow.now()).total_seconds()
        if not await self._inbox.wait(left_s, "until the authorisation expires"):
            await self._expire_authorised()
        elif self._inbox.commands:
            command = self._inbox.commands.popleft()
            await (self._capture(command) if command.capture else self._call_off(command))
        elif self._inbox.news:
            self._timeline.note(f"news {self._inbox.news.popleft().event_id} changes nothing: authorised")
        else:
            self._ignore_resolution()

    async def _await_resolution(self) -> None:
        """Under review: a person decides, unless the gateway tells what was not known."""
        await self._inbox.wait_for_ever()
        if self._inbox.resolutions:
            await self._resolve(self._inbox.resolutions.popleft())
        elif self._inbox.news:
            await self._hear_under_review(self._inbox.news.popleft())
        else:
            self._inbox.commands.popleft().refuse(OUTCOME_UNKNOWN, f"Payment {self._new.id} is under review.")

    # What the gateway says of the authorisation

    async def _authorise(self) -> None:
        request = AuthoriseRequest(
            key=self._authorise_key,
            payment_id=self._new.id,
            amount_minor=self._new.amount_minor,
            currency=self._new.currency,
            method=self._new.method,
            instrument=self._new.instrument,
            capture_method=CaptureMethod(self._new.capture_method),
            return_url=self._new.return_url,
        )
        outcome = await self._caller.authorise(request, give_up_at=self._deadline)
        if outcome.kind is OutcomeKind.RETRYABLE:
            await self._declined(GatewayOutcome(OutcomeKind.DECLINED, error_code="gateway_unavailable"), actor="system")
        elif outcome.kind is OutcomeKind.UNKNOWN:
            await self._review("what the gateway did with the payment is not known", Doubt(self._authorise_key))
        else:
            await self._settle(outcome)

    async def _hear(self, news: News) -> None:
        if news.key != self._authorise_key:
            self._timeline.note(f"news {news.event_id} about {news.key} changes nothing")
            return
        self._timeline.note(f"gateway news {news.event_id}: {news.kind}")
        await self._settle(outcome_of(news))

    async def _hear_under_review(self, news: News) -> None:
        outcome = outcome_of(news)
        decided = outcome.kind in {OutcomeKind.APPROVED, OutcomeKind.DECLINED}
        if news.key == self._doubt.key == self._authorise_key and decided:
            await self._hear(news)
        elif self._confirms_capture(news.key, outcome):
            assert self._doubt.capture is not None
            await self._captured(self._doubt.capture, "the gateway confirmed the capture", actor="gateway")
        else:
            self._timeline.note(f"news {news.event_id} does not settle the review: a person decides")

    def _confirms_capture(self, key: str, outcome: GatewayOutcome) -> bool:
        doubted = self._doubt.capture
        if doubted is None or key != self._doubt.key or outcome.kind is not OutcomeKind.APPROVED:
            return False
        return difference(outcome, Money(doubted.amount_minor, self._new.currency)) is None

    async def _settle(self, outcome: GatewayOutcome) -> None:
        """Move on by what the gateway says of the authorisation; what says nothing new changes nothing."""
        self._reference = outcome.reference or self._reference
        differs = difference(outcome, self._payment.money)
        if differs:
            await self._review(differs, Doubt())
            return
        match outcome.kind:
            case OutcomeKind.APPROVED:
                await self._approved(outcome)
            case OutcomeKind.DECLINED:
                await self._declined(outcome, actor="gateway")
            case OutcomeKind.NEEDS_ACTION if self._status is PaymentStatus.PENDING:
                url = outcome.action_url
                await self._change(
                    PaymentStatus.REQUIRES_ACTION, "the customer must act", actor="gateway", action_url=url
                )
            case OutcomeKind.PENDING if self._polls and self._status is not PaymentStatus.PROCESSING:
                await self._change(PaymentStatus.PROCESSING, "the gateway is still working on it", actor="gateway")
            case _:
                pass

    async def _approved(self, outcome: GatewayOutcome) -> None:
        if outcome.captured:
            taken = CapturedAmount(self._record.own_capture_id, self._new.amount_minor, outcome.reference)
            await self._captured(taken, "approved and captured by the gateway", actor="gateway")
            return
        await self._change(PaymentStatus.AUTHORIZED, "approved by the gateway", actor="gateway")
        self._start_expiry()
        if self._new.capture_method == CaptureMethod.AUTOMATIC:
            self._inbox.commands.append(Command(capture=CaptureInput(self._record.own_capture_id)))

    async def _declined(self, outcome: GatewayOutcome, *, actor: str) -> None:
        code = outcome.error_code or "payment_declined"
        description = outcome.error_description or DECLINE_CODES.get(code, DECLINE_CODES["payment_declined"])
        await self._change(
            PaymentStatus.FAILED, f"declined: {code}", actor=actor, error_code=code, error_description=description
        )

    # Capture

    async def _capture(self, command: Command) -> None:
        assert command.capture is not None
        refusal = capture_refusal(self._payment, command.capture)
        if refusal:
            command.refuse(NOT_CAPTURABLE, refusal)
            return
        amount_minor = command.capture.amount_minor or self._payment.capturable_minor
        self._captures += 1
        request = self._follow_up("capture", self._captures, amount_minor)
        outcome = await self._caller.capture(request, give_up_at=workflow.now() + policies.FOLLOW_UP_DEADLINE)
        capture = CapturedAmount(command.capture.capture_id, amount_minor, outcome.reference)
        money = Money(amount_minor, self._new.currency)
        differs = difference(outcome, money)
        if outcome.kind is OutcomeKind.APPROVED and not differs:
            await self._captured(capture, f"captured {money}", actor="merchant")
            command.answer = self._record.resource
        elif outcome.kind in {OutcomeKind.DECLINED, OutcomeKind.RETRYABLE}:
            self._refused_by_gateway(command, NOT_CAPTURABLE, outcome, "Nothing was captured.")
        else:
            reason = differs or "what the gateway did with a capture is not known"
            await self._review(reason, Doubt(request.key, capture))
            command.refuse(OUTCOME_UNKNOWN, "The gateway has not said whether it captured; a person will find out.")

    async def _captured(self, capture: CapturedAmount, reason: str, *, actor: str) -> None:
        """Record a capture; the payment is a success when nothing is left to capture."""
        in_full = self._payment.captured_minor + capture.amount_minor == self._new.amount_minor
        to = PaymentStatus.SUCCESS if in_full else PaymentStatus.AUTHORIZED
        await self._change(to, reason, actor=actor, capture=capture)

    # Cancellation and expiry

    async def _call_off(self, command: Command) -> None:
        """Void for a merchant; while the gateway is undecided this calls the payment off."""
        if command.cancel is None:
            command.refuse(NOT_CAPTURABLE, f"Payment {self._new.id} is {self._status}.")
            return
        outcome = await self._void()
        if outcome.kind is OutcomeKind.APPROVED:
            await self._released(PaymentStatus.CANCELLED, command.cancel.reason, actor="merchant")
            command.answer = self._record.resource
        elif outcome.kind in {OutcomeKind.DECLINED, OutcomeKind.RETRYABLE}:
            self._refused_by_gateway(command, NOT_CANCELLABLE, outcome, "The payment is as it was.")
        else:
            await self._review("what the gateway did with a cancellation is not known", Doubt())
            command.refuse(OUTCOME_UNKNOWN, "The gateway has not said whether it cancelled; a person will find out.")

    async def _expire_undecided(self) -> None:
        """The deadline: ask once more, then call the payment off; only the gateway's word ends it."""
        await self._settle(await self._caller.look_up(self._authorise_key))
        if self._status not in UNDECIDED:
            return
        outcome = await self._void()
        if outcome.kind is OutcomeKind.APPROVED:
            await self._released(PaymentStatus.EXPIRED, "not completed in time", actor="system")
            return
        await self._settle(await self._caller.look_up(self._authorise_key))
        if self._status in UNDECIDED:
            reason = "the time is up and the gateway did not call the payment off"
            await self._review(reason, Doubt(self._authorise_key))

    async def _expire_authorised(self) -> None:
        outcome = await self._void()
        if outcome.kind is OutcomeKind.APPROVED:
            await self._released(PaymentStatus.EXPIRED, "not captured in time", actor="system")
        else:
            await self._review("the authorisation ended and the gateway did not release it", Doubt())

    async def _released(self, to: PaymentStatus, reason: str, *, actor: str) -> None:
        """Nothing more will be taken; what was captured before makes it a success."""
        if self._payment.captured_minor:
            await self._change(PaymentStatus.SUCCESS, f"{reason}; the rest is released", actor=actor)
            return
        code = "payment_expired" if to is PaymentStatus.EXPIRED else None
        description = DECLINE_CODES[code] if code else None
        await self._change(to, reason, actor=actor, error_code=code, error_description=description)

    async def _void(self) -> GatewayOutcome:
        if self._reference is None:
            return GatewayOutcome(OutcomeKind.UNKNOWN)  # the gateway never named what there would be to void
        self._voids += 1
        left_minor = self._new.amount_minor - self._payment.captured_minor
        request = self._follow_up("void", self._voids, left_minor)
        return await self._caller.void(request, give_up_at=workflow.now() + policies.FOLLOW_UP_DEADLINE)

    # Review

    async def _review(self, reason: str, doubt: Doubt) -> None:
        self._doubt = doubt
        if self._status is not PaymentStatus.NEEDS_REVIEW:
            self._inbox.begin_review(self._timeline.note)
            await self._change(PaymentStatus.NEEDS_REVIEW, reason)
        workflow.logger.error("payment needs review: %s", reason)

    async def _resolve(self, resolution: Resolution) -> None:
        try:
            step, own_capture_id = self._record.next_step, self._record.own_capture_id
            change = resolved(self._payment, self._doubt, resolution, step=step, own_capture_id=own_capture_id)
            apply_change(self._payment, change)
        except MoveRefusedError as error:
            self._timeline.note(f"resolution by {resolution.operator} refused: {error}")
            return
        await self._record.apply(change)
        self._start_expiry()

    def _ignore_resolution(self) -> None:
        resolution = self._inbox.resolutions.popleft()
        self._timeline.note(f"resolution by {resolution.operator} ignored: the payment is {self._status}")

    # The small parts

    @property
    def _payment(self) -> Payment:
        return self._record.payment

    @property
    def _status(self) -> PaymentStatus:
        return self._record.status

    @property
    def _authorise_key(self) -> str:
        return f"{self._new.id}:authorise:1"

    async def _change(self, to: PaymentStatus, reason: str, *, actor: str = "system", **fields: Any) -> None:
        await self._record.change(to, reason, actor=actor, gateway_reference=self._reference, **fields)

    def _start_expiry(self) -> None:
        self._expires_at = workflow.now() + timedelta(seconds=self._timings.authorisation_expiry_s)

    def _follow_up(self, operation: str, number: int, amount_minor: int) -> FollowUpRequest:
        return FollowUpRequest(
            key=f"{self._new.id}:{operation}:{number}",
            payment_id=self._new.id,
            gateway_reference=self._reference or "",
            amount_minor=amount_minor,
            currency=self._new.currency,
        )

    def _refused_by_gateway(self, command: Command, code: str, outcome: GatewayOutcome, meaning: str) -> None:
        why = outcome.error_description or "the gateway could not be reached"
        self._timeline.note(f"{code}: {why}")
        command.refuse(code, f"The gateway refused: {why}. {meaning}")

    def _answer_the_rest(self) -> None:
        """Answer the commands that came while the last step was taken."""
        for command in self._inbox.commands:
            if command.capture and self._status is PaymentStatus.SUCCESS:
                command.answer = self._record.resource
            else:
                code = NOT_CAPTURABLE if command.capture else NOT_CANCELLABLE
                command.refuse(code, f"Payment {self._new.id} is {self._status}.")
