"""The life of one payment, from its recording to the end of what may be captured.

The run is the only actor: updates and signals put what they bring into an inbox, and the run takes one thing at a time,
so no two operations of a payment are ever at the gateway at once. Each change of status is one local activity (one
database transaction); each call to the gateway is one activity; each wait is one timer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.payment import ChangeInput, PaymentActivities, PaymentState
from clearway.domain.errors import DECLINE_CODES
from clearway.domain.ids import CAPTURE
from clearway.domain.money import Money
from clearway.domain.payment import (
    FINAL,
    CapturedAmount,
    CaptureMethod,
    Change,
    MoveRefusedError,
    Payment,
    PaymentStatus,
    apply_change,
)
from clearway.domain.refusals import NOT_CANCELLABLE, NOT_CAPTURABLE, OUTCOME_UNKNOWN
from clearway.gateways.base import AuthoriseRequest, FollowUpRequest, GatewayOutcome, OutcomeKind
from clearway.search_attributes import GATEWAY, PAYMENT_STATUS
from workflows import policies
from workflows.gateway_calls import GatewayCaller
from workflows.messages import (
    CancelInput,
    CaptureInput,
    News,
    PaymentInput,
    PaymentResult,
    Resolution,
    TimelineEntry,
)
from workflows.news import outcome_of
from workflows.refusal import refusal_of
from workflows.timeline import Timeline

UNDECIDED = frozenset({PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING})


@dataclass
class Command:
    """A capture or a cancellation that a merchant asked for, until the run has answered it."""

    capture: CaptureInput | None = None
    cancel: CancelInput | None = None
    answer: dict[str, Any] | None = None
    refusal: ApplicationError | None = None

    def refuse(self, code: str, message: str) -> None:
        """Answer no."""
        self.refusal = ApplicationError(message, type=code, non_retryable=True)

    @property
    def done(self) -> bool:
        """Whether it is answered."""
        return self.answer is not None or self.refusal is not None


@dataclass(frozen=True)
class Doubt:
    """What is not known about a payment under review: the operation's key, and the capture if it is one."""

    key: str | None = None
    capture: CapturedAmount | None = None


@workflow.defn
class PaymentWorkflow:
    """`payment/<payment_id>`: records, authorises, polls, captures, voids, expires."""

    @workflow.init
    def __init__(self, started: PaymentInput) -> None:
        self._new = started.payment
        self._timings = started.timings
        self._timeline = Timeline(f"payment {self._new.id}")
        self._caller = GatewayCaller(self._new.gateway, self._timeline.note)
        self._state: PaymentState | None = None
        self._refusal: ApplicationError | None = None
        self._commands: deque[Command] = deque()
        self._news: deque[News] = deque()
        self._resolutions: deque[Resolution] = deque()
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
        if not await self._record():
            await workflow.wait_condition(workflow.all_handlers_finished)
            assert self._refusal is not None
            return PaymentResult(status="refused", refused=self._refusal.type)
        await self._authorise()
        while self._payment.status not in FINAL:
            await self._take_step()
        self._refuse_waiting(f"payment {self._new.id} is {self._payment.status}")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return PaymentResult(status=self._payment.status, captured_minor=self._payment.captured_minor)

    # What the outside says to a payment

    @workflow.update(name="record", description="Answers with the payment once it is recorded")
    async def recorded(self) -> dict[str, Any]:
        """Wait until the payment is recorded and answer with it, or refuse."""
        await workflow.wait_condition(lambda: self._state is not None or self._refusal is not None)
        if self._refusal is not None:
            raise self._refusal
        assert self._state is not None
        return self._state.resource

    @workflow.update(description="Captures part or all of an authorised payment")
    async def capture(self, asked: CaptureInput) -> dict[str, Any]:
        """Capture; what is captured in full already is answered as it is."""
        return await self._command(Command(capture=asked))

    @capture.validator
    def check_capture(self, asked: CaptureInput) -> None:
        """Refuse, without a trace in the history, what cannot be captured."""
        refusal = self._capture_refusal(asked)
        if refusal:
            raise ApplicationError(refusal, type=NOT_CAPTURABLE, non_retryable=True)

    @workflow.update(description="Calls a payment off or releases what is authorised")
    async def cancel(self, asked: CancelInput) -> dict[str, Any]:
        """Cancel: nothing more will be taken."""
        return await self._command(Command(cancel=asked))

    @cancel.validator
    def check_cancel(self, asked: CancelInput) -> None:
        """Refuse, without a trace in the history, what cannot be cancelled."""
        status = self._state.payment.status if self._state else PaymentStatus.PENDING
        if status in FINAL or status is PaymentStatus.NEEDS_REVIEW:
            message = f"payment {self._new.id} is {status} and cannot be cancelled"
            if status is PaymentStatus.SUCCESS:
                message += "; refund it instead"
            raise ApplicationError(message, type=NOT_CANCELLABLE, non_retryable=True)

    @workflow.signal(description="A gateway's verified webhook about this payment")
    def provider_news(self, news: News) -> None:
        """Take note of what the gateway tells."""
        self._news.append(news)

    @workflow.signal(description="An operator's decision about a payment in needs_review")
    def resolve_review(self, resolution: Resolution) -> None:
        """Take note of what an operator decided."""
        self._resolutions.append(resolution)

    @workflow.query(description="The story so far")
    def timeline(self) -> list[TimelineEntry]:
        """Tell what happened, oldest first."""
        return self._timeline.entries

    # The steps

    @property
    def _payment(self) -> Payment:
        assert self._state is not None, "recorded before anything else"
        return self._state.payment

    async def _record(self) -> bool:
        try:
            self._state = await workflow.execute_local_activity_method(
                PaymentActivities.record,
                self._new,
                start_to_close_timeout=policies.RECORD_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
                summary="record the payment",
            )
        except ActivityError as error:
            self._refusal = refusal_of(error)
            self._timeline.note(f"refused: {self._refusal.message}")
            return False
        self._timeline.note("recorded")
        return True

    async def _authorise(self) -> None:
        if self._payment.status is not PaymentStatus.PENDING:
            return
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
            await self._change(
                PaymentStatus.FAILED,
                "the gateway could not be reached; nothing was sent",
                error_code="gateway_unavailable",
                error_description=DECLINE_CODES["gateway_unavailable"],
            )
        elif outcome.kind is OutcomeKind.UNKNOWN:
            await self._review("what the gateway did with the payment is not known", Doubt(self._authorise_key))
        else:
            await self._settle(outcome)

    async def _take_step(self) -> None:
        if self._payment.status in UNDECIDED:
            await self._await_decision()
        elif self._payment.status is PaymentStatus.AUTHORIZED:
            await self._await_capture()
        else:
            await self._await_resolution()

    async def _await_decision(self) -> None:
        """Pending at the gateway or with the customer: news, a command or the next poll, whichever is first."""
        left_s = (self._deadline - workflow.now()).total_seconds()
        intervals = self._timings.poll_intervals_s
        poll_s = intervals[min(self._polls, len(intervals) - 1)]
        if await self._something_came(min(poll_s, left_s), "until the next status poll"):
            if self._news:
                await self._hear(self._news.popleft())
            elif self._commands:
                await self._call_off(self._commands.popleft())
            else:
                self._decline_resolution()
        elif workflow.now() >= self._deadline:
            await self._expire_undecided()
        else:
            self._polls += 1
            await self._settle(await self._caller.look_up(self._authorise_key))

    async def _await_capture(self) -> None:
        left_s = (self._expires_at - workflow.now()).total_seconds()
        if not await self._something_came(left_s, "until the authorisation expires"):
            await self._expire_authorised()
        elif self._commands:
            command = self._commands.popleft()
            await (self._capture(command) if command.capture else self._call_off(command))
        elif self._news:
            self._timeline.note(f"news {self._news.popleft().event_id} changes nothing: authorised")
        else:
            self._decline_resolution()

    async def _await_resolution(self) -> None:
        await workflow.wait_condition(lambda: bool(self._resolutions or self._news or self._commands))
        if self._resolutions:
            await self._resolve(self._resolutions.popleft())
        elif self._news:
            await self._hear_under_review(self._news.popleft())
        else:
            self._commands.popleft().refuse(OUTCOME_UNKNOWN, f"payment {self._new.id} is under review")

    # What the gateway says

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
        elif news.key == self._doubt.key and self._doubt.capture and outcome.kind is OutcomeKind.APPROVED:
            await self._captured(self._doubt.capture, "the gateway confirmed the capture", actor="gateway")
        else:
            self._timeline.note(f"news {news.event_id} does not settle the review: a person decides")

    async def _settle(self, outcome: GatewayOutcome) -> None:
        """Move on by what the gateway says of the authorisation; what says nothing new changes nothing."""
        self._reference = outcome.reference or self._reference
        difference = self._difference(outcome, self._new.amount_minor)
        if difference:
            await self._review(difference, Doubt())
            return
        status = self._payment.status
        match outcome.kind:
            case OutcomeKind.APPROVED:
                await self._approved(outcome)
            case OutcomeKind.DECLINED:
                await self._declined(outcome)
            case OutcomeKind.NEEDS_ACTION if status is PaymentStatus.PENDING:
                await self._change(
                    PaymentStatus.REQUIRES_ACTION,
                    "the customer must act",
                    actor="gateway",
                    action_url=outcome.action_url,
                )
            case OutcomeKind.PENDING if self._polls and status is not PaymentStatus.PROCESSING:
                await self._change(PaymentStatus.PROCESSING, "the gateway is still working on it", actor="gateway")
            case _:
                pass

    async def _approved(self, outcome: GatewayOutcome) -> None:
        if outcome.captured:
            taken = CapturedAmount(self._own_capture_id, self._new.amount_minor, outcome.reference)
            await self._captured(taken, "approved and captured by the gateway", actor="gateway")
            return
        await self._change(PaymentStatus.AUTHORIZED, "approved by the gateway", actor="gateway")
        self._expires_at = workflow.now() + timedelta(seconds=self._timings.authorisation_expiry_s)
        if self._new.capture_method == CaptureMethod.AUTOMATIC:
            self._commands.append(Command(capture=CaptureInput(self._own_capture_id)))

    async def _declined(self, outcome: GatewayOutcome) -> None:
        code = outcome.error_code or "payment_declined"
        await self._change(
            PaymentStatus.FAILED,
            f"declined: {code}",
            actor="gateway",
            error_code=code,
            error_description=outcome.error_description or DECLINE_CODES.get(code, DECLINE_CODES["payment_declined"]),
        )

    def _difference(self, outcome: GatewayOutcome, asked_minor: int) -> str | None:
        """Say how the gateway's amount differs from what was asked, if it names one."""
        if outcome.kind is not OutcomeKind.APPROVED or outcome.amount_minor is None:
            return None
        if (outcome.amount_minor, outcome.currency) == (asked_minor, self._new.currency):
            return None
        asked = Money(asked_minor, self._new.currency)
        return f"the gateway reports {outcome.currency} {outcome.amount_minor} in minor units, asked was {asked}"

    # Capture, cancel, expiry

    async def _capture(self, command: Command) -> None:
        assert command.capture is not None
        refusal = self._capture_refusal(command.capture)
        if refusal:
            command.refuse(NOT_CAPTURABLE, refusal)
            return
        amount_minor = command.capture.amount_minor or self._payment.capturable_minor
        capture = CapturedAmount(command.capture.capture_id, amount_minor)
        self._captures += 1
        request = self._follow_up("capture", self._captures, amount_minor)
        outcome = await self._caller.capture(request, give_up_at=workflow.now() + policies.FOLLOW_UP_DEADLINE)
        difference = self._difference(outcome, amount_minor)
        if outcome.kind is OutcomeKind.APPROVED and not difference:
            taken = CapturedAmount(capture.id, amount_minor, outcome.reference)
            await self._captured(taken, f"captured {Money(amount_minor, self._new.currency)}", actor="merchant")
            command.answer = self._resource
        elif outcome.kind in {OutcomeKind.DECLINED, OutcomeKind.RETRYABLE}:
            why = outcome.error_description or "the gateway could not be reached"
            self._timeline.note(f"capture refused: {why}")
            command.refuse(NOT_CAPTURABLE, f"The gateway did not capture: {why}. Nothing was taken; try again later.")
        else:
            await self._review(
                difference or "what the gateway did with a capture is not known", Doubt(request.key, capture)
            )
            command.refuse(
                OUTCOME_UNKNOWN, "The gateway has not said whether it captured; the payment is under review."
            )

    async def _captured(self, capture: CapturedAmount, reason: str, *, actor: str) -> None:
        """Record a capture; the payment is a success when nothing is left to capture."""
        in_full = self._payment.captured_minor + capture.amount_minor == self._new.amount_minor
        to = PaymentStatus.SUCCESS if in_full else PaymentStatus.AUTHORIZED
        await self._change(to, reason, actor=actor, capture=capture)

    async def _call_off(self, command: Command) -> None:
        """Void for a merchant. While the gateway is undecided this calls the payment off."""
        if command.cancel is None:
            command.refuse(NOT_CAPTURABLE, f"payment {self._new.id} is {self._payment.status}")
            return
        outcome = await self._void()
        if outcome.kind is OutcomeKind.APPROVED:
            await self._released(PaymentStatus.CANCELLED, command.cancel.reason, actor="merchant")
            command.answer = self._resource
        elif outcome.kind in {OutcomeKind.DECLINED, OutcomeKind.RETRYABLE}:
            why = outcome.error_description or "it cannot be cancelled any more"
            self._timeline.note(f"cancellation refused: {why}")
            command.refuse(NOT_CANCELLABLE, f"The gateway did not cancel: {why}. The payment is as it was.")
        else:
            await self._review("what the gateway did with a cancellation is not known", Doubt())
            command.refuse(
                OUTCOME_UNKNOWN, "The gateway has not said whether it cancelled; the payment is under review."
            )

    async def _expire_undecided(self) -> None:
        """The deadline: ask once more, then call the payment off; only the gateway's word ends it."""
        await self._settle(await self._caller.look_up(self._authorise_key))
        if self._payment.status not in UNDECIDED:
            return
        outcome = await self._void()
        if outcome.kind is OutcomeKind.APPROVED:
            await self._released(PaymentStatus.EXPIRED, "not completed in time", actor="system")
            return
        await self._settle(await self._caller.look_up(self._authorise_key))
        if self._payment.status in UNDECIDED:
            await self._review(
                "the time is up and the gateway could not call the payment off", Doubt(self._authorise_key)
            )

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
        if self._payment.status is not PaymentStatus.NEEDS_REVIEW:
            await self._change(PaymentStatus.NEEDS_REVIEW, reason)
        workflow.logger.error("payment needs review: %s", reason)

    async def _resolve(self, resolution: Resolution) -> None:
        try:
            change = self._resolved(resolution)
            apply_change(self._payment, change)
        except (MoveRefusedError, ValueError) as error:
            self._timeline.note(f"resolution by {resolution.operator} refused: {error}")
            return
        await self._record_change(change)
        if self._payment.status is PaymentStatus.AUTHORIZED:
            self._expires_at = workflow.now() + timedelta(seconds=self._timings.authorisation_expiry_s)

    def _resolved(self, resolution: Resolution) -> Change:
        to = PaymentStatus(resolution.outcome)
        capture = None
        if to is PaymentStatus.SUCCESS:
            capture = self._doubt.capture
            if capture is None and self._payment.captured_minor == 0:
                capture = CapturedAmount(self._own_capture_id, self._new.amount_minor)
            if capture and self._payment.captured_minor + capture.amount_minor < self._new.amount_minor:
                to = PaymentStatus.AUTHORIZED
        return Change(
            step=self._next_step,
            to=to,
            reason=f"decided by an operator: {resolution.reason}",
            actor=f"operator:{resolution.operator}",
            capture=capture,
            gateway_reference=resolution.gateway_reference,
        )

    def _decline_resolution(self) -> None:
        resolution = self._resolutions.popleft()
        self._timeline.note(f"resolution by {resolution.operator} ignored: the payment is {self._payment.status}")

    # The small parts

    async def _command(self, command: Command) -> dict[str, Any]:
        self._commands.append(command)
        await workflow.wait_condition(lambda: command.done)
        if command.refusal is not None:
            raise command.refusal
        assert command.answer is not None
        return command.answer

    def _capture_refusal(self, asked: CaptureInput) -> str | None:
        if self._state is None or self._payment.status is not PaymentStatus.AUTHORIZED:
            status = self._state.payment.status if self._state else "not recorded yet"
            return f"payment {self._new.id} is {status}; only an authorized payment can be captured. Nothing was taken."
        left_minor = self._payment.capturable_minor
        if asked.amount_minor is not None and asked.amount_minor > left_minor:
            left, wanted = (Money(amount, self._new.currency) for amount in (left_minor, asked.amount_minor))
            return f"{wanted} asked for, but {left} of payment {self._new.id} is left to capture. Nothing was taken."
        return None

    def _refuse_waiting(self, message: str) -> None:
        for command in self._commands:
            if command.capture and self._payment.status is PaymentStatus.SUCCESS:
                command.answer = self._resource
            else:
                command.refuse(NOT_CAPTURABLE if command.capture else NOT_CANCELLABLE, message)

    async def _something_came(self, wait_s: float, summary: str) -> bool:
        def came() -> bool:
            return bool(self._news or self._commands or self._resolutions)

        if came() or wait_s <= 0:
            return came()
        try:
            await workflow.wait_condition(came, timeout=timedelta(seconds=wait_s), timeout_summary=summary)
        except TimeoutError:
            return False
        return True

    async def _change(self, to: PaymentStatus, reason: str, *, actor: str = "system", **fields: Any) -> None:
        change = Change(
            step=self._next_step, to=to, reason=reason, actor=actor, gateway_reference=self._reference, **fields
        )
        await self._record_change(change)

    async def _record_change(self, change: Change) -> None:
        before = self._payment.status
        self._state = await workflow.execute_local_activity_method(
            PaymentActivities.change,
            ChangeInput(self._new.id, change),
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary=f"record {change.to}",
        )
        self._timeline.note(f"{before} -> {change.to}: {change.reason}")
        if change.to is not before:
            workflow.upsert_search_attributes(
                [PAYMENT_STATUS.value_set(change.to.value), GATEWAY.value_set(self._new.gateway)]
            )

    def _follow_up(self, operation: str, number: int, amount_minor: int) -> FollowUpRequest:
        return FollowUpRequest(
            key=f"{self._new.id}:{operation}:{number}",
            payment_id=self._new.id,
            gateway_reference=self._reference or "",
            amount_minor=amount_minor,
            currency=self._new.currency,
        )

    @property
    def _resource(self) -> dict[str, Any]:
        assert self._state is not None
        return self._state.resource

    @property
    def _authorise_key(self) -> str:
        return f"{self._new.id}:authorise:1"

    @property
    def _own_capture_id(self) -> str:
        """The id of a capture that nobody asked for by name: made from the payment's, so a replay finds the same."""
        return f"{CAPTURE}_{self._new.id.partition('_')[2]}"

    @property
    def _next_step(self) -> str:
        return str(self._payment.version + 1)
