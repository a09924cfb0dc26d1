"""The recorded payment, seen from its workflow: the state after the last step, and how the next step is recorded.

Every step is one local activity, which is one statement in the database. `PaymentRun` is what the steps of a run share.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from activities.payment import (
    BeginInput,
    Begun,
    ChangeInput,
    LoadedPayment,
    PaymentActivities,
    PaymentState,
    RecordInput,
)
from clearway.domain.attempt import Attempt, AttemptSeen, GatewayChoice, attempt_key, closing_key
from clearway.domain.command import CommandEnd, CommandKind, CommandStatus, NewCommand, PaymentCommand
from clearway.domain.ids import CAPTURE, made_at
from clearway.domain.money import Money
from clearway.domain.payment import CapturedAmount, CaptureMethod, Change, NewPayment, Payment, PaymentStatus
from clearway.domain.refusals import PAYMENT_NOT_FOUND
from clearway.durable.messages import PaymentInput
from clearway.durable.search_attributes import GATEWAY, PAYMENT_STATUS
from clearway.gateways.contract import Authorisation, GatewayOutcome, Operation, OperationKind
from workflows import policies
from workflows.inbox import Inbox
from workflows.lasting import RecordMovedError, began_by_reset, recorded, refuse_behind
from workflows.operation import GatewayCaller
from workflows.payment.doubt import Doubt
from workflows.refusal import refusal_of, refused_for_good
from workflows.timeline import Timeline

PAYMENT_REFERENCE: Final = "payment"
"""The name of the reference that the payment's row shows."""


class PaymentRecord:
    """The payment as recorded. sent: how many commands of each kind were ever sent."""

    def __init__(self, new: NewPayment, timeline: Timeline) -> None:
        self._new = new
        self._timeline = timeline
        self._state: PaymentState | None = None
        self.refusal: ApplicationError | None = None
        self.sent = dict.fromkeys(CommandKind, 0)
        self.retries: dict[str, PaymentCommand] = {}

    @property
    def settled(self) -> bool:
        """Whether it is recorded or refused."""
        return self._state is not None or self.refusal is not None

    @property
    def payment(self) -> Payment:
        """The payment after the last step."""
        assert self._state is not None, "recorded before anything else"
        return self._state.payment

    @property
    def status(self) -> PaymentStatus:
        """The payment's status; pending while it is being recorded."""
        return self._state.payment.status if self._state else PaymentStatus.PENDING

    @property
    def resource(self) -> dict[str, Any]:
        """The payment after the last step, as merchants see it."""
        assert self._state is not None, "recorded before anything else"
        return self._state.resource

    @property
    def was_there(self) -> bool:
        """Whether the last step was recorded before this run took it."""
        return self._state is not None and self._state.again

    @property
    def own_capture_id(self) -> str:
        """The id of an automatic capture: derived from the payment's id, so a replay gets the same."""
        return f"{CAPTURE}_{self._new.id.partition('_')[2]}"

    @property
    def next_step(self) -> str:
        """The name of the step that would be recorded next."""
        return str(self.payment.version + 1)

    async def create(self, *, again: bool) -> bool:
        """Record the payment; False when it was refused, and then nothing is recorded.

        again: an earlier run had recorded it, so its order existed.
        """
        # A run before a reset may have refused it: then nothing may be charged now.
        what = RecordInput(self._new, only_if_there=began_by_reset() and not again)
        method = PaymentActivities.record_again if again else PaymentActivities.record
        try:
            self._state = await recorded(method, what, "record the payment")
        except FailureError as error:
            self.refusal = refusal_of(error)
            self._timeline.note(f"refused: {self.refusal.message}")
            return False
        self._timeline.note("recorded")
        return True

    async def load(self) -> LoadedPayment:
        """Read the payment that an earlier run recorded."""
        loaded: LoadedPayment = await recorded(PaymentActivities.load, self._new.id, "load the payment")
        self._state = loaded.state
        for command in loaded.commands:
            self._count(command.kind, command.number)
        self.retries = {each.id: each for each in loaded.commands if each.kind is CommandKind.RETRY}
        self._timeline.note(f"taken up from its row: {self.status}, {self.payment.captured_minor} captured")
        return loaded

    async def check(self) -> None:
        """Compare the row with what this run knows. Raises RecordMovedError when they differ."""
        try:
            loaded: LoadedPayment = await recorded(PaymentActivities.load, self._new.id, "compare the row")
        except FailureError as error:
            if refusal_of(error).type == PAYMENT_NOT_FOUND:
                raise RecordMovedError(str(error)) from error
            raise
        there = loaded.state.payment
        if (there.version, there.status) != (self.payment.version, self.payment.status):
            raise RecordMovedError(f"the row is {there.status} after {there.version} steps")
        self._timeline.note("the row was compared with this run: they agree")

    async def apply(self, change: Change) -> None:
        """Record a change. Raises RecordingRefusedError, and RecordMovedError when the row is further than that."""
        before, step = self.payment.status, self.next_step
        given = ChangeInput(self._new.id, change)
        with refused_for_good(change):
            self._state = await recorded(PaymentActivities.change, given, f"record {change.to}")
        refuse_behind(step, self.payment.version)
        self._timeline.note(f"{before} -> {change.to}: {change.reason}")
        if change.to is not before:
            workflow.upsert_search_attributes(
                [PAYMENT_STATUS.value_set(change.to.value), GATEWAY.value_set(self.payment.gateway)]
            )

    async def begin(self, command: NewCommand) -> Begun:
        """Record a command before it is sent."""
        given = BeginInput(self.payment, command)
        with refused_for_good(command):
            begun: Begun = await recorded(PaymentActivities.begin, given, f"record that a {command.kind} is sent")
        self._count(command.kind, begun.command.number)
        return begun

    async def end(self, ended: CommandEnd) -> None:
        """Record the end of a command that did not change the payment."""
        with refused_for_good(ended):
            await recorded(PaymentActivities.end, ended, f"record that {ended.id} is {ended.status}")

    def _count(self, kind: CommandKind, number: int) -> None:
        self.sent[kind] = max(self.sent[kind], number)


class PaymentRun:
    """What the steps of one run share: the record, the inbox, the gateway, the deadlines, and the doubt."""

    def __init__(self, started: PaymentInput, inbox: Inbox, timeline: Timeline) -> None:
        self.new = started.payment
        self.timings = started.timings
        self.timeline = timeline
        self.inbox = inbox
        self.record = PaymentRecord(self.new, timeline)
        self.caller = self.caller_at(self.new.gateway_id)
        self.attempt = 1
        self.alternatives = self.new.alternatives
        self.captures_that_leave_open: set[str] = set()
        self.references: dict[str, str] = {}
        self.state: str | None = None
        self.sent_at: datetime | None = None
        self.doubt = Doubt()
        self.polls = 0
        self.poll_intervals_s: tuple[float, ...] | None = None
        self.door_closed: bool | None = None
        self.retries_made = 0
        self.recorded_at = self.since = workflow.now()
        self.set_deadline(workflow.now())
        self.expires_at = self.deadline

    @property
    def payment(self) -> Payment:
        """The payment after the last step."""
        return self.record.payment

    @property
    def status(self) -> PaymentStatus:
        """The payment's status."""
        return self.record.status

    @property
    def reference(self) -> str | None:
        """The gateway's id of the payment."""
        return self.references.get(PAYMENT_REFERENCE)

    @property
    def made_at(self) -> datetime:
        """When the payment was asked for. Its row may say later: a restored database may have lost an earlier row."""
        return made_at(self.new.id)

    def learn(self, outcome: GatewayOutcome) -> None:
        """Keep the references, the state and the polling intervals from the gateway's answer."""
        self.references |= outcome.references
        self.state = self.state if outcome.state is None else outcome.state
        self.poll_intervals_s = outcome.poll_intervals_s or self.poll_intervals_s

    def forget(self) -> None:
        """Reset to the reference in the payment's row."""
        recorded = self.payment.gateway_reference
        self.references = {PAYMENT_REFERENCE: recorded} if recorded else {}

    def seen(self, outcome: GatewayOutcome | None = None) -> AttemptSeen:
        """Return the attempt's values to record; outcome: of its failure."""
        seen = AttemptSeen(self.attempt, dict(self.references), self.state)
        if outcome is None:
            return seen
        return replace(
            seen,
            executed=outcome.executed,
            raw_code=outcome.raw_code,
            network_code=outcome.network_code,
            never_again=outcome.never_again,
        )

    @property
    def authorise_key(self) -> str:
        """The operation key of the authorisation."""
        return attempt_key(self.new.id, self.attempt)

    @property
    def poll_wait_s(self) -> float:
        """How long to wait before the next status poll, at most until the deadline."""
        intervals = self.poll_intervals_s or self.timings.poll_intervals_s
        left_s = (self.deadline - workflow.now()).total_seconds()
        return min(intervals[min(self.polls, len(intervals) - 1)], left_s)

    async def load(self) -> LoadedPayment:
        """Continue from the row: its state, its reference, its deadlines."""
        loaded = await self.record.load()
        self.forget()
        if loaded.personal is not None:
            # The row's, not the input's: a retry that another run recorded may have brought another instrument.
            self.new = replace(self.new, personal=loaded.personal)
        self.sent_at = self.made_at
        if loaded.attempts:
            self._go_on_with(loaded.attempts[-1])
        tried = {each.gateway_id for each in loaded.attempts}
        self.alternatives = tuple(each for each in self.new.alternatives if each.gateway_id not in tried)
        self.recorded_at = loaded.created_at
        begun = [each.created_at for each in self.record.retries.values() if each.created_at is not None]
        self.retries_made = len(begun)
        if begun:
            self.alternatives = ()
        self.set_deadline(max([loaded.created_at, *begun]))
        self.start_expiry(loaded.authorised_at or loaded.created_at)
        return loaded

    def _go_on_with(self, attempt: Attempt) -> None:
        """Continue with the last attempt. The payment's row has the newer reference, if an operator set one."""
        self.attempt, self.state = attempt.number, attempt.state
        self.sent_at = self.made_at if attempt.number == 1 else attempt.started_at
        self.caller = self.caller_at(attempt.gateway_id)
        self.references = attempt.references | self.references

    async def find_out_about(self, number: int) -> GatewayOutcome:
        """Ask about an attempt that has failed, at its own gateway and with its own references."""
        loaded: LoadedPayment = await recorded(PaymentActivities.load, self.new.id, f"load attempt {number}")
        attempt = next((each for each in loaded.attempts if each.number == number), None)
        if attempt is None:
            message = f"attempt {number} is not recorded any more"
            raise RecordMovedError(message)
        operation = replace(
            self.authorisation(),
            key=attempt_key(self.new.id, number),
            number=number,
            references=attempt.references,
            state=attempt.state,
            first_sent_at=attempt.started_at,
        )
        return await self.caller_at(attempt.gateway_id).find_out(operation)

    def may_fail_over(self) -> bool:
        """Return whether another gateway may be tried, as far as the time and the gateways allow."""
        return bool(self.alternatives) and workflow.now() < self.fail_over_until

    def begin_attempt(self, at: GatewayChoice) -> None:
        """Start the attempt that is recorded now, without references yet.

        Raises RecordMovedError when an earlier run recorded it: that run may have sent it, so the gateway is asked.
        """
        if self.record.was_there:
            message = f"another run began the attempt at {at.gateway_id}"
            raise RecordMovedError(message)
        self.attempt += 1
        self.alternatives = self.alternatives[1:]
        self.polls, self.poll_intervals_s, self.door_closed = 0, None, None
        self.references, self.state, self.sent_at = {}, None, workflow.now()
        self.caller = self.caller_at(at.gateway_id)

    def caller_at(self, gateway_id: str) -> GatewayCaller:
        """Return the calls of this payment to a gateway."""
        return GatewayCaller(gateway_id, self.timeline.note, self.new.personal)

    async def change(self, to: PaymentStatus, reason: str, *, actor: str = "system", **fields: Any) -> None:
        """Record a change; the further fields are those of `Change`."""
        known = {"gateway_reference": self.reference, "attempt": self.seen()} | fields
        await self.apply(Change(step=self.record.next_step, to=to, reason=reason, actor=actor, **known))

    async def apply(self, change: Change) -> None:
        """Record a prepared change."""
        before = self.status
        await self.record.apply(change)
        if self.status is not before:
            self.since = workflow.now()

    async def captured(
        self, capture: CapturedAmount, reason: str, *, actor: str, command: CommandEnd | None = None
    ) -> None:
        """Record a capture; the payment is a success when nothing is left to capture."""
        in_full = self.payment.captured_minor + capture.amount_minor == self.new.amount_minor
        to = PaymentStatus.SUCCESS if in_full else PaymentStatus.AUTHORIZED
        await self.change(to, reason, actor=actor, capture=capture, command=command)

    async def refused(self, command_id: str, refusal: str) -> None:
        """Record that a command was surely not executed."""
        self.timeline.note(f"{command_id} refused: {refusal}")
        await self.record.end(CommandEnd(command_id, CommandStatus.REFUSED, refusal))

    def set_deadline(self, created_at: datetime) -> None:
        """Set when the gateway or the customer must have decided."""
        self.deadline = created_at + timedelta(seconds=self.timings.deadline_s)
        self.fail_over_until = min(self.deadline, created_at + policies.FAILOVER_WITHIN)

    def start_expiry(self, authorised_at: datetime) -> None:
        """Set when the authorisation ends."""
        self.expires_at = authorised_at + timedelta(seconds=self.timings.authorisation_expiry_s)

    def money(self, amount_minor: int) -> Money:
        """Return an amount in the payment's currency."""
        return Money(amount_minor, self.new.currency)

    def authorisation(self) -> Operation:
        """Return the authorisation as an operation, to send it or ask about it."""
        new = self.new
        asked = Authorisation(new.method, CaptureMethod(new.capture_method))
        return Operation(
            kind=OperationKind.AUTHORISE,
            key=self.authorise_key,
            payment_id=new.id,
            amount_minor=new.amount_minor,
            currency=new.currency,
            references=dict(self.references),
            state=self.state,
            number=self.attempt,
            first_sent_at=self.sent_at,
            authorisation=asked,
        )

    def closing(self) -> Operation:
        """Return the void that closes the present attempt when another follows it."""
        return Operation(
            kind=OperationKind.VOID,
            key=closing_key(self.new.id, self.attempt),
            payment_id=self.new.id,
            amount_minor=self.new.amount_minor,
            currency=self.new.currency,
            references=dict(self.references),
            state=self.state,
        )

    def follow_up(self, command: PaymentCommand) -> Operation:
        """Return the operation of a recorded command."""
        kind = OperationKind(command.kind.value)
        return replace(
            self.numbered(kind, command.number, command.amount_minor),
            final=command.final,
            first_sent_at=command.created_at,
        )

    def numbered(self, kind: OperationKind, number: int, amount_minor: int) -> Operation:
        """Return a capture or void by its number, whether or not it is recorded."""
        return Operation(
            kind=kind,
            key=f"{self.new.id}:{kind}:{number}",
            payment_id=self.new.id,
            amount_minor=amount_minor,
            currency=self.new.currency,
            references=dict(self.references),
            state=self.state,
            number=number,
        )
