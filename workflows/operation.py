"""One operation at a gateway, until its outcome is known: send, ask, wait, and never guess.

The rules: what was surely not executed may be sent again with the same key; what may have been executed is asked about
first; when the gateway shows no such operation and its answer may be believed (`find_out`), sending again with the same
key is safe; when time runs out in doubt, the outcome stays UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.gateway import CloseCall, GatewayActivities, GatewayCall, RecoverCall
from clearway.domain.money import Money
from clearway.domain.payment import CapturedAmount
from clearway.gateways.contract import UNANSWERED, UNKNOWN, Executed, GatewayOutcome, Operation, OutcomeKind
from workflows import policies

SEND_AGAIN: Final = frozenset({OutcomeKind.RETRYABLE, OutcomeKind.NOT_FOUND})


def difference(outcome: GatewayOutcome, asked: Money) -> str | None:
    """Return how the gateway's amount differs from the requested one, if the gateway reports any."""
    if outcome.kind is not OutcomeKind.APPROVED or outcome.amount_minor is None:
        return None
    if (outcome.amount_minor, outcome.currency) == (asked.amount_minor, asked.currency):
        return None
    return f"the gateway reports {reported(outcome)}, and {asked} was requested"


def amount_missing(differs: str) -> str:
    """Return why a decision that books money needs an amount, and how to give it."""
    return f"{differs}: give the amount that moved, in minor units (`amount`; `--amount` on the command line)"


def captured_by(outcome: GatewayOutcome, capture_id: str, amount_minor: int) -> CapturedAmount:
    """Return a capture to record, with all that the gateway says of it: a refund is sent with that."""
    return CapturedAmount(capture_id, amount_minor, outcome.reference, dict(outcome.references), outcome.state)


def reported(outcome: GatewayOutcome) -> str:
    """Render the amount that a gateway reports; its currency may be unknown to us."""
    assert outcome.amount_minor is not None
    try:
        return str(Money(outcome.amount_minor, outcome.currency or ""))
    except ValueError:
        return f"{outcome.amount_minor} in minor units of {outcome.currency!r}"


class GatewayCaller:
    """Carries out operations at one configured gateway for one workflow. `note` adds a line to the workflow's timeline.

    personal: the encrypted customer data of an authorisation. ask_first: an earlier run may have sent the operation, so
    ask the gateway before sending.
    """

    def __init__(self, gateway_id: str, note: Callable[[str], None], personal: str | None = None) -> None:
        self._gateway_id = gateway_id
        self._note = note
        self._personal = personal

    async def authorise(
        self, operation: Operation, *, give_up_at: datetime, ask_first: bool = False, briefly: bool = False
    ) -> GatewayOutcome:
        """Authorise. May answer PENDING, NEEDS_ACTION or PREPARED; RETRYABLE: surely not executed, given up.

        briefly: another gateway can be tried, so give up sooner.
        """
        waits = policies.FAILOVER_WAITS_S if briefly else policies.RESEND_WAITS_S
        send = _Send(GatewayActivities.authorise, operation, self._call(operation), pending_ok=True, waits_s=waits)
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def capture(self, operation: Operation, *, give_up_at: datetime, ask_first: bool = False) -> GatewayOutcome:
        """Capture, and wait for its end."""
        send = _Send(GatewayActivities.capture, operation, self._call(operation))
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def void(self, operation: Operation, *, give_up_at: datetime, ask_first: bool = False) -> GatewayOutcome:
        """Void, and wait for its end."""
        send = _Send(GatewayActivities.void, operation, self._call(operation))
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def refund(self, operation: Operation, *, give_up_at: datetime, ask_first: bool = False) -> GatewayOutcome:
        """Refund. May answer PENDING; RETRYABLE: surely not executed, given up."""
        send = _Send(GatewayActivities.refund, operation, self._call(operation), pending_ok=True)
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def prepare_refund(self, operation: Operation, *, give_up_at: datetime) -> GatewayOutcome:
        """Read the baseline for later look-ups of a refund, with retries; UNKNOWN when the time is up."""
        waits = iter(policies.INQUIRY_WAITS_S)
        while True:
            outcome = await _call_gateway(
                GatewayActivities.prepare_refund,
                self._call(operation),
                f"read what is refunded before {operation.key}",
                policies.QUESTION_RETRY,
            )
            if outcome.kind is OutcomeKind.PREPARED or workflow.now() >= give_up_at:
                return outcome
            pause_s = max(next(waits, policies.INQUIRY_WAITS_S[-1]), outcome.retry_after_s or 0)
            await workflow.sleep(pause_s, summary=f"before reading again what is refunded before {operation.key}")

    def _call(self, operation: Operation) -> GatewayCall:
        """Return the call, without timestamps, so that repeats are equal."""
        sent = replace(operation, first_sent_at=None, last_sent_at=None)
        return GatewayCall(self._gateway_id, sent, self._personal_of(operation))

    def _personal_of(self, operation: Operation) -> str | None:
        return self._personal if operation.authorisation is not None else None

    async def abort(self, operation: Operation) -> GatewayOutcome:
        """Make the gateway cancel an authorisation of unknown outcome; UNKNOWN if it cannot."""
        return await _call_gateway(
            GatewayActivities.abort, self._call(operation), f"abort {operation.key}", policies.QUESTION_RETRY
        )

    async def close(self, operation: Operation, void: Operation) -> GatewayOutcome:
        """Close an attempt that took no money. APPROVED: it can no longer succeed. RETRYABLE: wait, then ask again."""
        call = CloseCall(self._gateway_id, operation, void, workflow.now(), self._personal_of(operation))
        return await _call_gateway(GatewayActivities.close, call, f"close {operation.key}", policies.QUESTION_RETRY)

    async def find_out(self, operation: Operation) -> GatewayOutcome:
        """Ask once for the outcome of an operation; UNKNOWN if there is no answer."""
        return await _call_gateway(
            GatewayActivities.recover,
            RecoverCall(self._gateway_id, operation, workflow.now(), self._personal_of(operation)),
            f"ask about {operation.key}",
            policies.QUESTION_RETRY,
        )

    async def find_lost(self, operation: Operation, *, give_up_at: datetime) -> GatewayOutcome:
        """Ask for an authorisation whose row a restored database may lack, until there is an answer.

        NOT_FOUND: there is none. RETRYABLE: it took no money, and the same key can be sent. UNKNOWN: the time is up.
        """
        sent = replace(operation, last_sent_at=workflow.now())
        waits = iter(policies.INQUIRY_WAITS_S)
        while True:
            call = RecoverCall(self._gateway_id, sent, workflow.now(), self._personal_of(sent), row_may_be_lost=True)
            summary = f"ask about {sent.key}, whose row may be lost"
            outcome = await _call_gateway(GatewayActivities.recover, call, summary, policies.QUESTION_RETRY)
            if outcome.kind is not OutcomeKind.UNKNOWN or workflow.now() >= give_up_at:
                return outcome
            pause_s = max(next(waits, policies.INQUIRY_WAITS_S[-1]), outcome.retry_after_s or 0)
            await workflow.sleep(pause_s, summary=f"before asking about {sent.key}")

    async def recover(self, operation: Operation, *, give_up_at: datetime) -> GatewayOutcome:
        """Ask until the gateway gives any answer; UNKNOWN when the time is up."""
        waits = iter(policies.INQUIRY_WAITS_S)
        outcome = await self.find_out(operation)
        while outcome.kind in UNANSWERED and workflow.now() < give_up_at:
            pause_s = max(next(waits, policies.INQUIRY_WAITS_S[-1]), outcome.retry_after_s or 0)
            await workflow.sleep(pause_s, summary=f"before asking about {operation.key}")
            outcome = await self.find_out(operation)
        return UNKNOWN if outcome.kind is OutcomeKind.RETRYABLE else outcome

    async def _carry_out(self, send: _Send, give_up_at: datetime, *, ask_first: bool) -> GatewayOutcome:
        doubted = in_doubt = False
        waits = iter(send.waits_s)
        asks = ask_first
        while True:
            outcome = UNKNOWN if asks else await send.in_turn(give_up_at)
            if in_doubt and outcome.kind is OutcomeKind.DECLINED and outcome.executed is Executed.NO:
                outcome = UNKNOWN  # this repeat was refused unseen; the first request may have been carried out
            if outcome.kind is OutcomeKind.UNKNOWN or (outcome.kind is OutcomeKind.PENDING and not send.pending_ok):
                doubted = doubted or outcome.kind is OutcomeKind.UNKNOWN
                outcome = await self._inquire_after(send, outcome, give_up_at, asks=asks)
            asks = False
            in_doubt = outcome.executed is Executed.MAYBE
            if outcome.kind not in SEND_AGAIN:
                return outcome
            doubted = doubted or outcome.executed is not Executed.NO
            # With an unknown outcome the same key is sent until the time is up: such a gateway replays its answer.
            wait_s = next(waits, None if outcome.executed is Executed.NO else policies.RESEND_WAITS_S[-1])
            if wait_s is None or outcome.limited or workflow.now() >= give_up_at:
                return UNKNOWN if doubted else outcome
            pause_s = max(wait_s, outcome.retry_after_s or 0)
            surely = "surely not executed" if outcome.executed is Executed.NO else "the same key tells what happened"
            self._note(f"{send.key}: {surely} ({outcome.kind}); sending again in {pause_s:g} s")
            await workflow.sleep(pause_s, summary=f"before sending {send.key} again")

    async def _inquire_after(
        self, send: _Send, outcome: GatewayOutcome, give_up_at: datetime, *, asks: bool
    ) -> GatewayOutcome:
        """Note why the gateway is asked, and ask it. asks: an earlier run may have sent the operation just now."""
        if not asks:
            self._note(f"{send.key}: the gateway's answer is {outcome.kind}; asking about it")
            return await self._inquire(send, give_up_at)
        self._note(f"{send.key}: an earlier run may have sent it; asking about it")
        send.was_sent()
        return await self._inquire(send, max(give_up_at, workflow.now() + policies.TAKEN_UP_INQUIRY))

    async def _inquire(self, send: _Send, give_up_at: datetime) -> GatewayOutcome:
        """Ask until the gateway knows the outcome or surely has no such operation; UNKNOWN when the time is up."""
        asked, wait_at_least_s = 0, 0.0
        waits = policies.INQUIRY_WAITS_S
        while workflow.now() < give_up_at:
            pause_s = max(waits[min(asked, len(waits) - 1)], wait_at_least_s)
            await workflow.sleep(pause_s, summary=f"before asking about {send.key}")
            asked += 1
            outcome = await self.find_out(send.operation)
            undecided = outcome.kind is OutcomeKind.PENDING and not send.pending_ok
            if outcome.kind is not OutcomeKind.UNKNOWN and not undecided:
                return outcome
            wait_at_least_s = outcome.retry_after_s or 0.0
        return UNKNOWN


class _Send:
    """How one operation is sent. pending_ok: the caller itself waits after PENDING.

    waits_s: before each retry of what was surely not executed; after the last it is given up.

    operation: with the times at which it was sent, for questions.
    """

    def __init__(
        self,
        method: Callable[..., Any],
        operation: Operation,
        call: GatewayCall,
        *,
        pending_ok: bool = False,
        waits_s: Sequence[float] = policies.RESEND_WAITS_S,
    ) -> None:
        self._method = method
        self._call = call
        self.operation = operation
        self.key = operation.key
        self.pending_ok = pending_ok
        self.waits_s = waits_s

    def was_sent(self) -> None:
        """Remember that it is, or may be, sent now."""
        now = workflow.now()
        self.operation = replace(self.operation, first_sent_at=self.operation.first_sent_at or now, last_sent_at=now)

    async def in_turn(self, give_up_at: datetime) -> GatewayOutcome:
        """Send it, after the waits that the gateway's limits ask for. Still limited: there is no time for another."""
        before = self.operation
        outcome = await self._once()
        while outcome.limited:
            self.operation = before
            wait_s = outcome.retry_after_s or 0.0
            if workflow.now() + timedelta(seconds=wait_s) >= give_up_at:
                break
            await workflow.sleep(wait_s, summary=f"a limit of the gateway: before sending {self.key}")
            outcome = await self._once()
        return outcome

    async def _once(self) -> GatewayOutcome:
        self.was_sent()
        return await _call_gateway(self._method, self._call, f"send {self.key}", policies.GATEWAY_CALL_RETRY)


async def _call_gateway(method: Callable[..., Any], call: Any, summary: str, retry: Any) -> GatewayOutcome:
    try:
        outcome: GatewayOutcome = await workflow.execute_activity_method(
            method,
            call,
            start_to_close_timeout=policies.GATEWAY_CALL_TIMEOUT,
            retry_policy=retry,
            summary=summary,
        )
    except ActivityError:
        # The worker was lost or the activity failed in an unforeseen way: the gateway may have acted.
        return UNKNOWN
    return outcome
