"""The life of one payment, from its recording to the end of what may be captured.

The run is the only actor: updates and signals only fill an inbox, and the run handles one message at a time, so no two
operations of a payment are ever at the gateway at once. Each change of status is one local activity (one database
statement); each call to the gateway is one activity; each wait is one timer.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from clearway.domain.actor import in_history
from clearway.domain.command import CommandKind
from clearway.domain.payment import FINAL, UNDECIDED, PaymentStatus
from clearway.domain.refusals import NOT_CANCELLABLE, NOT_CAPTURABLE, NOT_RETRYABLE, OUTCOME_UNKNOWN, RECORD_MOVED
from clearway.domain.retry import retry_refusal
from clearway.durable.messages import CancelInput, CaptureInput, PaymentInput, PaymentResult, RetryInput
from workflows import policies
from workflows.inbox import Command, Listener
from workflows.lasting import RecordMovedError, uncancelled
from workflows.payment import attempts, captures, closing, retries, review
from workflows.payment.awaiting import awaited
from workflows.payment.captures import capture_refusal
from workflows.payment.closing import cancel_refusal
from workflows.payment.record import PaymentRun
from workflows.payment.taking_up import take_up
from workflows.refusal import RecordingRefusedError, signal_refusal


@workflow.defn
class PaymentWorkflow(Listener):
    """`payment/<payment_id>`: records, authorises, polls, captures, voids, expires."""

    @workflow.init
    def __init__(self, started: PaymentInput) -> None:
        super().__init__(f"payment {started.payment.id}", started.carried)
        self._started = started
        self._run = PaymentRun(started, self._inbox, self._timeline)
        self._asked = False

    @workflow.run
    async def run(self, started: PaymentInput) -> PaymentResult:
        """Run until the payment is final. A requested cancellation cancels the payment, if it is not too late."""
        return await uncancelled(self._live(started), self._call_off)

    async def _live(self, started: PaymentInput) -> PaymentResult:
        try:
            return await self._pay(started)
        except RecordMovedError as error:
            self._timeline.note(f"{error}: a new run takes the payment up and asks the gateway")
        await self._hand_over()
        raise AssertionError("a new run has taken over")

    async def _pay(self, started: PaymentInput) -> PaymentResult:
        record = self._run.record
        if await record.create(again=started.taken_up):
            await self._recorded(self._begin(taken_up=started.taken_up or record.was_there))
            while record.status not in FINAL:
                await self._hand_over_when_long()
                self._timeline.awaits(awaited(self._run))
                await self._recorded(self._take_step())
            while self._inbox.events:
                await attempts.hear_after_end(self._run, self._inbox.events.popleft())
            self._refuse_the_rest(f"Payment {self._run.new.id} is {record.status}.")
            self._ignore_resolution()
            await workflow.wait_condition(workflow.all_handlers_finished)
            return PaymentResult(status=record.status, captured_minor=record.payment.captured_minor)
        assert record.refusal is not None
        self._refuse_the_rest(f"Payment {self._run.new.id} was not recorded.")
        await signal_refusal(lambda: self._asked)
        return PaymentResult(status="refused", refused=record.refusal.type)

    # Updates and queries of a payment; gateway_event, resolve_review and timeline are the Listener's

    @workflow.update(name="record", description="Answers with the payment once it is recorded")
    async def recorded(self) -> dict[str, Any]:
        """Wait until the payment is recorded and answer with it, or refuse."""
        self._asked = True
        await workflow.wait_condition(lambda: self._run.record.settled)
        if self._run.record.refusal is not None:
            raise self._run.record.refusal
        return self._run.record.resource

    @workflow.update(description="Captures part or all of an authorised payment")
    async def capture(self, asked: CaptureInput) -> dict[str, Any]:
        """Capture; answers with the payment once this capture is done."""
        self._inbox.commands.append(
            command := Command(asked.capture_id, capture=asked, actor=in_history(asked.asked_by))
        )
        return await command.answered()

    @capture.validator
    def check_capture(self, asked: CaptureInput) -> None:
        """Refuse, without a trace in the history, what cannot be captured."""
        record = self._run.record
        if record.settled and record.refusal is None:
            refusal = capture_refusal(record.payment, asked, record.sent[CommandKind.CAPTURE])
            if refusal:
                raise ApplicationError(refusal, type=NOT_CAPTURABLE, non_retryable=True)

    @workflow.update(description="Calls a payment off or releases what is authorised")
    async def cancel(self, asked: CancelInput) -> dict[str, Any]:
        """Cancel: nothing more will be taken; answers with the payment once this cancellation is done."""
        update = workflow.current_update_info()
        assert update is not None, "this is an update"
        self._inbox.commands.append(command := Command(update.id, cancel=asked, actor=in_history(asked.asked_by)))
        return await command.answered()

    @cancel.validator
    def check_cancel(self, asked: CancelInput) -> None:
        """Refuse, without a trace in the history, what cannot be cancelled."""
        record = self._run.record
        if record.settled and record.refusal is None:
            refusal = cancel_refusal(record.payment, record.sent[CommandKind.VOID])
            if refusal:
                raise ApplicationError(refusal, type=NOT_CANCELLABLE, non_retryable=True)

    @workflow.update(description="Begins another attempt of a payment that is retrying")
    async def retry(self, asked: RetryInput) -> dict[str, Any]:
        """Retry; answers with the payment once the new attempt is recorded."""
        self._inbox.commands.append(command := Command(asked.retry_id, retry=asked))
        return await command.answered()

    @retry.validator
    def check_retry(self, asked: RetryInput) -> None:
        """Refuse, without a trace in the history, what cannot be retried."""
        record = self._run.record
        if record.settled and record.refusal is None and asked.retry_id not in record.retries:
            refusal = retry_refusal(record.payment, self._run.retries_made)
            if refusal:
                raise ApplicationError(refusal, type=NOT_RETRYABLE, non_retryable=True)

    def _call_off(self) -> None:
        """Handle a cancellation that was requested in Temporal as the operator's command."""
        self._timeline.note("cancellation requested in Temporal: the payment is called off, if it is not too late")
        asked = CancelInput("cancellation requested in Temporal")
        self._inbox.commands.append(Command(f"cxl_{workflow.info().run_id}", cancel=asked, actor="operator"))

    # One step at a time

    async def _begin(self, *, taken_up: bool) -> None:
        if taken_up:
            await take_up(self._run)
        else:
            await attempts.authorise(self._run)

    async def _recorded(self, step: Coroutine[Any, Any, None]) -> None:
        """Take a step; begin a review when the database refuses it permanently."""
        try:
            await step
        except RecordingRefusedError as refused:
            await review.not_recorded(self._run, refused)

    async def _take_step(self) -> None:
        if self._inbox.check_asked:
            self._inbox.check_asked = False
            await self._run.record.check()
        elif self._run.status in UNDECIDED:
            await self._await_decision()
        elif self._run.status is PaymentStatus.AUTHORIZED:
            await self._await_capture()
        elif self._run.status is PaymentStatus.RETRYING:
            await self._await_retry()
        else:
            await self._await_resolution()

    async def _await_decision(self) -> None:
        """Pending at the gateway or the customer: wait for an event, a command or the next poll."""
        run = self._run
        if await self._inbox.wait(run.poll_wait_s, "until the next status poll"):
            if self._inbox.events:
                await attempts.hear(run, self._inbox.events.popleft())
            elif self._inbox.commands:
                await self._carry_out(self._inbox.commands.popleft())
            else:
                self._ignore_resolution()
        elif workflow.now() >= run.deadline:
            await closing.expire_undecided(run)
        else:
            run.polls += 1
            await attempts.ask(run)

    async def _await_capture(self) -> None:
        """Authorised: wait for a capture, a cancellation, or the expiry of the authorisation."""
        left_s = (self._run.expires_at - workflow.now()).total_seconds()
        if not await self._inbox.wait(left_s, "until the authorisation expires"):
            await closing.expire_authorised(self._run)
        elif self._inbox.commands:
            await self._carry_out(self._inbox.commands.popleft())
        elif self._inbox.events:
            event = self._inbox.events.popleft()
            if not await attempts.is_late_success(self._run, event):
                self._timeline.note(f"gateway event {event.event_id} changes nothing: authorised")
        else:
            self._ignore_resolution()

    async def _await_retry(self) -> None:
        """Retrying: wait for the next scheduled attempt, a merchant's retry or cancellation, or the end."""
        if not await self._inbox.wait(retries.wait_s(self._run), "until the next attempt, or until there is none"):
            await retries.go_on(self._run)
        elif self._inbox.commands:
            await self._carry_out(self._inbox.commands.popleft())
        elif self._inbox.events:
            event = self._inbox.events.popleft()
            if not await attempts.is_late_success(self._run, event):
                self._timeline.note(f"gateway event {event.event_id} changes nothing: the attempt has failed")
        else:
            self._ignore_resolution()

    async def _await_resolution(self) -> None:
        """Under review: a person decides, unless the gateway resolves the doubt."""
        summary = "needs_review: until an operator decides; at its end the timer logs a reminder"
        if not await self._inbox.wait(policies.REVIEW_REMINDER.total_seconds(), summary):
            workflow.logger.error("payment still needs review, since %s", self._run.since.isoformat())
        elif self._inbox.resolutions:
            await review.resolve(self._run, self._inbox.resolutions.popleft(), captures.release_rest)
        elif self._inbox.events:
            await self._hear_under_review()
        else:
            self._refuse_the_rest(f"Payment {self._run.new.id} is under review until an operator has decided.")

    async def _hear_under_review(self) -> None:
        event, run = self._inbox.events.popleft(), self._run
        decided = await review.settles_authorisation(run, event)
        if decided is not None:
            self._timeline.note(f"gateway event {event.event_id}: {decided.kind}")
            await attempts.settle(run, decided)
        elif await review.confirm_capture(run, event):
            if run.doubt.final:
                assert run.doubt.capture is not None
                await captures.release_rest(run, run.doubt.capture.id)
        else:
            self._timeline.note(f"gateway event {event.event_id} does not settle the review: a person decides")

    async def _carry_out(self, command: Command) -> None:
        try:
            if command.capture is not None:
                await captures.capture(self._run, command)
            elif command.retry is not None:
                await retries.retry(self._run, command)
            else:
                await closing.call_off(self._run, command)
        except RecordMovedError:
            command.refuse(RECORD_MOVED, "The payment's record was restored to an earlier moment.")
            raise
        except RecordingRefusedError:
            why = "What became of this request could not be recorded. The payment is under review now."
            command.refuse(OUTCOME_UNKNOWN, why)
            raise

    # The small parts

    def _is_under_review(self) -> bool:
        # A run that takes the payment up knows only after its first step; then the decision is carried out or refused.
        return not self._run.record.settled or self._run.status is PaymentStatus.NEEDS_REVIEW

    def _ignore_resolution(self) -> None:
        self._inbox.drop_resolutions(self._timeline.note, f"the payment is {self._run.status}")

    def _refuse_the_rest(self, why: str) -> None:
        """Refuse the waiting commands: the gateway was never called for them."""
        while self._inbox.commands:
            command = self._inbox.commands.popleft()
            self._timeline.note(f"{command.id} refused: {why}")
            if command.capture is not None:
                command.refuse(NOT_CAPTURABLE, f"{why} Nothing was captured by this request.")
            elif command.retry is not None:
                command.refuse(NOT_RETRYABLE, f"{why} Nothing was charged by this request.")
            else:
                command.refuse(NOT_CANCELLABLE, f"{why} The gateway was not called for this request.")

    async def _hand_over_when_long(self) -> None:
        """Continue as new when this run's history nears Temporal's limits. Commands are answered here first."""
        if not workflow.info().is_continue_as_new_suggested() or self._inbox.is_asked():
            return
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._inbox.is_asked():
            self._go_on_in_a_new_run()

    async def _hand_over(self) -> None:
        """Continue as new. Waiting commands are refused first, so that clients repeat them."""
        why = "The payment's record was restored to an earlier moment."
        while self._inbox.is_asked() or not workflow.all_handlers_finished():
            while self._inbox.commands:
                self._inbox.commands.popleft().refuse(RECORD_MOVED, why)
            self._inbox.decide_nothing(why)
            await workflow.wait_condition(lambda: self._inbox.is_asked() or workflow.all_handlers_finished())
        self._go_on_in_a_new_run()

    def _go_on_in_a_new_run(self) -> None:
        started = PaymentInput(self._run.new, self._started.timings, taken_up=True)
        workflow.continue_as_new(replace(started, carried=self._inbox.carried()))
