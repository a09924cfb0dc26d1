"""The life of one refund: reserved, sent to the gateway once, polled until the gateway reports its end.

As in `workflows.payment`, the run is the only actor. The reserved amount stays reserved until the refund is processed
or surely failed, so doubt never lets the same money be refunded twice. A processed refund has no workflow; when the
gateway reports a reversal, a new run asks the gateway and records it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow

from clearway.domain.errors import DECLINE_CODES
from clearway.domain.payment import MoveRefusedError
from clearway.domain.refund import MOVES, RefundChange, RefundStatus, apply_refund_change
from clearway.durable.messages import GatewayEvent, RefundInput, RefundResult, Resolution
from clearway.gateways.contract import GatewayOutcome, Operation, OperationKind, OutcomeKind, Trust
from workflows import policies
from workflows.inbox import Listener
from workflows.lasting import RecordMovedError, compare, uncancelled
from workflows.operation import GatewayCaller, amount_missing, difference
from workflows.refund.record import RefundRecord
from workflows.refusal import RecordingRefusedError, signal_refusal, until_recorded
from workflows.timeline import moment

OPEN: Final = frozenset({RefundStatus.PENDING, RefundStatus.NEEDS_REVIEW})
NOTHING_SENT: Final = GatewayOutcome(OutcomeKind.RETRYABLE)
RESOLVABLE: Final = MOVES[RefundStatus.NEEDS_REVIEW]


@workflow.defn
class RefundWorkflow(Listener):
    """`refund/<refund_id>`: reserves, refunds, polls, and records a reversal."""

    @workflow.init
    def __init__(self, started: RefundInput) -> None:
        new = started.refund
        super().__init__(f"refund {new.id} of payment {new.payment_id}", started.carried)
        self._started = started
        self._record = RefundRecord(new, self._timeline)
        self._asked = False
        self._polls = 0
        self._differs: str | None = None
        self._since = workflow.now()
        self._set_deadline(workflow.now())

    @workflow.run
    async def run(self, started: RefundInput) -> RefundResult:
        """Run until the refund is final. A refund cannot be cancelled: the money may be paid out already."""
        return await uncancelled(self._live(started), self._go_on)

    def _go_on(self) -> None:
        self._timeline.note("cancellation requested in Temporal: the money may be out already, so the refund goes on")

    async def _live(self, started: RefundInput) -> RefundResult:
        try:
            return await self._refund(started)
        except RecordMovedError as error:
            self._timeline.note(f"{error}: a new run takes the refund up and asks the gateway")
        self._inbox.decide_nothing("the refund's record was restored to an earlier moment")
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._go_on_in_a_new_run()
        raise AssertionError("a new run has taken over")

    async def _refund(self, started: RefundInput) -> RefundResult:
        if not await self._record.reserve():
            assert self._record.refusal is not None
            await signal_refusal(lambda: self._asked)
            return RefundResult(status="refused", refused=self._record.refusal.type)
        taken_up = started.taken_up or self._record.was_there
        if taken_up:
            self._set_deadline(await self._record.load())
        await self._recorded(self._begin(taken_up=taken_up))
        while self._status in OPEN:
            await self._hand_over_when_long()
            await self._check_if_asked()
            self._timeline.awaits(self._awaited())
            waiting = self._status is RefundStatus.PENDING
            await self._recorded(self._await_decision() if waiting else self._await_resolution())
        while self._inbox.events:
            await self._recorded(self._hear(self._inbox.events.popleft()))
        self._inbox.drop_resolutions(self._timeline.note, f"the refund is {self._status}")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return RefundResult(status=self._status)

    @workflow.update(name="reserve", description="Answers with the refund once it is reserved")
    async def reserved(self) -> dict[str, Any]:
        """Wait until the refund is reserved and answer with it, or refuse."""
        self._asked = True
        await workflow.wait_condition(lambda: self._record.settled)
        if self._record.refusal is not None:
            raise self._record.refusal
        return self._record.resource

    def _is_under_review(self) -> bool:
        # A run that takes the refund up knows only after its first step; then the decision is carried out or refused.
        if not self._record.settled:
            return True
        return self._record.refusal is None and self._status is RefundStatus.NEEDS_REVIEW

    @property
    def _status(self) -> RefundStatus:
        return self._record.refund.status

    @property
    def _key(self) -> str:
        return f"{self._started.refund.id}:refund:1"

    @property
    def _operation(self) -> Operation:
        """The refund as an operation, to send it or ask about it."""
        refund, kept = self._record.refund, self._record.kept
        references = dict(kept.references)
        if refund.gateway_reference:
            references["refund"] = refund.gateway_reference
        return Operation(
            kind=OperationKind.REFUND,
            key=self._key,
            payment_id=refund.payment_id,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
            references=references,
            state=kept.state,
            baseline=refund.baseline or None,
            first_sent_at=self._reserved_at,
        )

    @property
    def _poll_wait_s(self) -> float:
        intervals = self._started.poll_intervals_s
        left_s = (self._deadline - workflow.now()).total_seconds()
        return min(intervals[min(self._polls, len(intervals) - 1)], left_s)

    async def _begin(self, *, taken_up: bool) -> None:
        refund = self._record.refund
        self._caller = GatewayCaller(refund.gateway_id, self._timeline.note)
        if self._status is RefundStatus.PENDING:
            await self._send(ask_first=taken_up)
        elif self._status is RefundStatus.NEEDS_REVIEW:
            await self._ask()
        elif self._status is RefundStatus.PROCESSED:
            await self._look_for_reversal()

    async def _recorded(self, step: Coroutine[Any, Any, None]) -> None:
        """Take a step; begin a review when the database refuses it permanently."""
        try:
            await step
        except RecordingRefusedError as refused:
            workflow.logger.error("a step of the refund is refused for good: %s", refused)
            self._timeline.note(f"not recorded, and never will be: {refused}")
            if self._status is RefundStatus.PENDING:
                reason = f"what happened could not be recorded: {refused}"
                await until_recorded(lambda: self._change(RefundStatus.NEEDS_REVIEW, reason), self._timeline.note)

    async def _look_for_reversal(self) -> None:
        """A reversal moves money, so the gateway must confirm it: an event may be old."""
        give_up_at = workflow.now() + policies.FOLLOW_UP_DEADLINE
        await self._settle(await self._caller.recover(self._operation, give_up_at=give_up_at))

    async def _send(self, *, ask_first: bool) -> None:
        outcome = await self._caller.refund(self._operation, give_up_at=self._deadline, ask_first=ask_first)
        if outcome.kind is OutcomeKind.PREPARED:
            outcome = await self._send_after_reading()
        if self._status is not RefundStatus.PENDING:
            return  # decided by an event, before it was sent
        if outcome.kind is OutcomeKind.RETRYABLE:
            await self._change(
                RefundStatus.FAILED,
                "the gateway could not be reached; nothing was sent",
                error_code="gateway_unavailable",
                error_description="The gateway could not be reached, so no money was given back. Refund again.",
            )
        elif outcome.kind is OutcomeKind.UNKNOWN:
            await self._change(RefundStatus.NEEDS_REVIEW, "what the gateway did with the refund is not known")
        else:
            await self._settle(outcome)

    async def _send_after_reading(self) -> GatewayOutcome:
        """Send to a gateway that knows no idempotency key: what it says before is recorded, for later questions.

        Two refunds of a payment at once could not be told apart, so the second waits for the first.
        """
        waits = iter(policies.INQUIRY_WAITS_S)
        while not await self._record.claim_baseline():
            if workflow.now() >= self._deadline:
                return NOTHING_SENT
            self._timeline.awaits("another refund of the payment is under way; this one is sent after it")
            pause_s = next(waits, policies.INQUIRY_WAITS_S[-1])
            if await self._inbox.wait(pause_s, "until the other refund of the payment has ended"):
                await self._check_if_asked()
                await self._take_message()
            if self._status is not RefundStatus.PENDING:
                return NOTHING_SENT
        if not self._record.refund.baseline:
            read = await self._caller.prepare_refund(
                self._operation, give_up_at=min(self._deadline, workflow.now() + policies.FOLLOW_UP_DEADLINE)
            )
            if read.kind is not OutcomeKind.PREPARED:
                return NOTHING_SENT
            await self._record.keep_baseline(read.state or "")
        return await self._caller.refund(self._operation, give_up_at=self._deadline)

    async def _await_decision(self) -> None:
        if await self._inbox.wait(self._poll_wait_s, "until the next status poll"):
            await self._take_message()
            return
        self._polls += 1
        await self._ask()
        if self._status is RefundStatus.PENDING and workflow.now() >= self._deadline:
            await self._change(RefundStatus.NEEDS_REVIEW, "the gateway has not decided in time")

    async def _take_message(self) -> None:
        """Take one message of a refund that is pending. Nothing is to be decided about it."""
        if self._inbox.events:
            await self._hear(self._inbox.events.popleft())
        else:
            self._inbox.drop_resolutions(self._timeline.note, "the refund is pending")

    async def _check_if_asked(self) -> None:
        if self._inbox.check_asked:
            self._inbox.check_asked = False
            await self._record.check()

    async def _await_resolution(self) -> None:
        summary = "needs_review: until an operator decides; at its end the timer logs a reminder"
        if not await self._inbox.wait(policies.REVIEW_REMINDER.total_seconds(), summary):
            workflow.logger.error("refund still needs review, since %s", self._since.isoformat())
        elif self._inbox.resolutions:
            await self._resolve(self._inbox.resolutions.popleft())
        elif self._inbox.events:
            await self._hear(self._inbox.events.popleft())

    async def _hear(self, event: GatewayEvent) -> None:
        if event.key != self._key:
            self._timeline.note(f"gateway event {event.event_id} about {event.key} changes nothing")
            return
        self._timeline.note(f"gateway event {event.event_id}: {event.outcome.kind}, {event.trust}")
        hint = event.trust is Trust.HINT
        if self._status in OPEN:
            await (self._ask() if hint else self._settle(event.outcome))
        elif self._status is RefundStatus.PROCESSED and (hint or event.outcome.kind is OutcomeKind.DECLINED):
            await self._look_for_reversal()
        elif not hint and (
            self._status is not RefundStatus.PROCESSED or difference(event.outcome, self._record.refund.money)
        ):
            await compare(event, self._timeline.note)

    async def _ask(self) -> None:
        await self._settle(await self._caller.find_out(self._operation))

    async def _settle(self, outcome: GatewayOutcome) -> None:
        """Record the gateway's outcome; one that says nothing new changes nothing."""
        if outcome.kind is OutcomeKind.APPROVED and self._status in OPEN:
            differs = difference(outcome, self._record.refund.money)
            if differs:
                await self._doubt(differs, outcome.reference)
            else:
                await self._change(
                    RefundStatus.PROCESSED,
                    "paid out by the gateway",
                    actor="gateway",
                    gateway_reference=outcome.reference,
                )
        elif outcome.kind is OutcomeKind.DECLINED:
            code = outcome.error_code or "refund_failed"
            description = outcome.error_description or DECLINE_CODES.get(code, DECLINE_CODES["refund_failed"])
            await self._not_paid_out(code, description, outcome.reference)

    async def _not_paid_out(self, code: str, description: str, reference: str | None) -> None:
        """Record that the money is back: failed if the refund was not processed yet, else reversed."""
        if self._status in OPEN:
            to, reason = RefundStatus.FAILED, f"refused: {code}"
        elif self._status is RefundStatus.PROCESSED:
            to, reason = RefundStatus.REVERSED, f"the gateway took it back: {code}"
        else:
            return
        await self._change(
            to, reason, actor="gateway", gateway_reference=reference, error_code=code, error_description=description
        )

    async def _doubt(self, differs: str, reference: str | None) -> None:
        self._differs = differs
        if self._status is RefundStatus.PENDING:
            await self._change(RefundStatus.NEEDS_REVIEW, differs, gateway_reference=reference)
        else:
            self._timeline.note(differs)

    async def _resolve(self, resolution: Resolution) -> None:
        try:
            change = self._resolved(resolution)
            apply_refund_change(self._record.refund, change)
        except MoveRefusedError as error:
            self._timeline.note(f"resolution by {resolution.operator} refused: {error}")
            self._inbox.not_decided(resolution, str(error))
            return
        try:
            await self._apply(change)
        except RecordingRefusedError as refused:
            self._inbox.not_decided(resolution, str(refused))
            raise
        self._inbox.decided(resolution, self._record.resource)

    def _resolved(self, resolution: Resolution) -> RefundChange:
        if resolution.outcome not in RESOLVABLE:
            message = f"the outcome must be one of {', '.join(sorted(RESOLVABLE))}"
            raise MoveRefusedError(message)
        to = RefundStatus(resolution.outcome)
        if to is RefundStatus.PROCESSED and self._differs and resolution.amount is None:
            raise MoveRefusedError(amount_missing(self._differs))
        return RefundChange(
            step=self._record.next_step,
            to=to,
            reason=f"decided by an operator: {resolution.reason}",
            actor=f"operator:{resolution.operator}",
            gateway_reference=resolution.gateway_reference,
            moved_minor=resolution.amount,
            decided_by=resolution.decided_by(self._record.refund.merchant_id),
        )

    async def _change(self, to: RefundStatus, reason: str, *, actor: str = "system", **fields: Any) -> None:
        if to is RefundStatus.NEEDS_REVIEW:
            self._inbox.begin_review(self._timeline.note)
        await self._apply(RefundChange(step=self._record.next_step, to=to, reason=reason, actor=actor, **fields))

    async def _apply(self, change: RefundChange) -> None:
        await self._record.apply(change)
        self._since = workflow.now()

    def _set_deadline(self, reserved_at: datetime) -> None:
        self._reserved_at = reserved_at
        self._deadline = reserved_at + timedelta(seconds=self._started.deadline_s)

    def _awaited(self) -> str:
        """Return what is awaited, for the first line of Current Details."""
        refund = self._record.refund
        since = f"{refund.status} since {moment(self._since)}"
        reference = f"; gateway reference `{refund.gateway_reference}`" if refund.gateway_reference else ""
        if refund.status is RefundStatus.NEEDS_REVIEW:
            amount = " --amount …" if self._differs else ""
            command = f"clearway refunds resolve {refund.id} --outcome …{amount} --reason …"
            return f"{since}; awaits an operator's decision; look at the gateway, then `{command}`{reference}"
        poll = moment(workflow.now() + timedelta(seconds=max(self._poll_wait_s, 0)))
        until = f"awaits the gateway's decision until {moment(self._deadline)}"
        return f"{since}; {until}; next poll {poll}{reference}"

    async def _hand_over_when_long(self) -> None:
        """Continue as new when this run's history nears Temporal's limits."""
        if workflow.info().is_continue_as_new_suggested() and not self._inbox.is_asked():
            await workflow.wait_condition(workflow.all_handlers_finished)
            self._go_on_in_a_new_run()

    def _go_on_in_a_new_run(self) -> None:
        started = self._started
        again = RefundInput(
            started.refund,
            started.poll_intervals_s,
            started.deadline_s,
            taken_up=True,
            carried=self._inbox.carried(),
        )
        workflow.continue_as_new(again)
