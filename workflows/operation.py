"""One operation at a gateway, until its outcome is known: send, look up, wait, and never guess.

The rules: what was surely not executed may be sent again with the same key; what may have been executed is looked up
first; when the gateway says three times that it does not know the key, sending again with the same key is safe; when
time runs out in doubt, the outcome stays UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.gateway import AuthoriseCall, FollowUpCall, GatewayActivities, LookUpCall
from clearway.domain.money import Money
from clearway.durable.messages import GatewayEvent
from clearway.gateways.contract import FollowUpRequest, GatewayOutcome, OutcomeKind
from workflows import policies

UNDECIDED: Final = frozenset({OutcomeKind.UNKNOWN, OutcomeKind.RETRYABLE})
NOT_EXECUTED: Final = frozenset({OutcomeKind.RETRYABLE, OutcomeKind.NOT_FOUND})
UNKNOWN: Final = GatewayOutcome(OutcomeKind.UNKNOWN)


def outcome_of(event: GatewayEvent) -> GatewayOutcome:
    """Return the outcome that a gateway's event reports."""
    return GatewayOutcome(
        kind=OutcomeKind(event.kind),
        reference=event.reference,
        amount_minor=event.amount_minor,
        currency=event.currency,
        captured=event.captured,
        error_code=event.error_code,
        error_description=event.error_description,
        action_url=event.action_url,
    )


def difference(outcome: GatewayOutcome, asked: Money) -> str | None:
    """Say how the gateway's amount differs from what was asked, if it names one."""
    if outcome.kind is not OutcomeKind.APPROVED or outcome.amount_minor is None:
        return None
    if (outcome.amount_minor, outcome.currency) == (asked.amount_minor, asked.currency):
        return None
    return f"the gateway reports {reported(outcome)}, asked was {asked}"


def reported(outcome: GatewayOutcome) -> str:
    """Render the amount that a gateway names; its currency may be none that we know."""
    assert outcome.amount_minor is not None
    try:
        return str(Money(outcome.amount_minor, outcome.currency or ""))
    except ValueError:
        return f"{outcome.amount_minor} in minor units of {outcome.currency!r}"


class GatewayCaller:
    """Carries out operations at one gateway for one workflow. `note` adds a line to the workflow's timeline.

    ask_first: an earlier run may have sent the operation, so it is looked up before it is sent.
    """

    def __init__(self, gateway: str, note: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._note = note

    async def authorise(self, call: AuthoriseCall, *, give_up_at: datetime, ask_first: bool = False) -> GatewayOutcome:
        """Authorise. May answer PENDING or NEEDS_ACTION; RETRYABLE means surely not executed, given up."""
        send = _Send(GatewayActivities.authorise, call, call.key, pending_ok=True)
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def capture(
        self, request: FollowUpRequest, *, give_up_at: datetime, ask_first: bool = False
    ) -> GatewayOutcome:
        """Capture, and wait for its end."""
        send = _Send(GatewayActivities.capture, FollowUpCall(self._gateway, request), request.key)
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def void(self, request: FollowUpRequest, *, give_up_at: datetime, ask_first: bool = False) -> GatewayOutcome:
        """Void, and wait for its end."""
        send = _Send(GatewayActivities.void, FollowUpCall(self._gateway, request), request.key)
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def refund(
        self, request: FollowUpRequest, *, give_up_at: datetime, ask_first: bool = False
    ) -> GatewayOutcome:
        """Refund. May answer PENDING; RETRYABLE means surely not executed, given up."""
        send = _Send(GatewayActivities.refund, FollowUpCall(self._gateway, request), request.key, pending_ok=True)
        return await self._carry_out(send, give_up_at, ask_first=ask_first)

    async def look_up(self, key: str) -> GatewayOutcome:
        """Ask once what became of an operation; UNKNOWN when the gateway could not answer."""
        return await _call_gateway(
            GatewayActivities.look_up, LookUpCall(self._gateway, key), f"look up {key}", policies.LOOK_UP_RETRY
        )

    async def recover(self, key: str, *, give_up_at: datetime) -> GatewayOutcome:
        """Ask until the gateway answers, whatever the answer is; UNKNOWN when the time is up."""
        waits = iter(policies.INQUIRY_WAITS_S)
        outcome = await self.look_up(key)
        while outcome.kind in UNDECIDED and workflow.now() < give_up_at:
            await workflow.sleep(next(waits, policies.INQUIRY_WAITS_S[-1]), summary=f"before looking up {key}")
            outcome = await self.look_up(key)
        return outcome

    async def _carry_out(self, send: _Send, give_up_at: datetime, *, ask_first: bool) -> GatewayOutcome:
        doubted = False
        asks = ask_first
        for wait_s in (*policies.RESEND_WAITS_S, None):
            outcome = UNKNOWN if asks else await send.once()
            if outcome.kind is OutcomeKind.UNKNOWN or (outcome.kind is OutcomeKind.PENDING and not send.pending_ok):
                doubted = doubted or outcome.kind is OutcomeKind.UNKNOWN
                why = "an earlier run may have sent it" if asks else f"the gateway's answer is {outcome.kind}"
                self._note(f"{send.key}: {why}; looking it up")
                until = max(give_up_at, workflow.now() + policies.TAKEN_UP_INQUIRY) if asks else give_up_at
                outcome = await self._inquire(send, until)
            asks = False
            if outcome.kind not in NOT_EXECUTED:
                return outcome
            if wait_s is None or workflow.now() >= give_up_at:
                break
            pause_s = max(wait_s, outcome.retry_after_s or 0)
            self._note(f"{send.key}: surely not executed ({outcome.kind}); sending again in {pause_s:g} s")
            await workflow.sleep(pause_s, summary=f"before sending {send.key} again")
        return UNKNOWN if doubted else outcome

    async def _inquire(self, send: _Send, give_up_at: datetime) -> GatewayOutcome:
        """Look up until the gateway knows, or confirms that it knows nothing, or the time is up (UNKNOWN)."""
        times_not_found = 0
        asked = 0
        while workflow.now() < give_up_at:
            waits = policies.INQUIRY_WAITS_S
            await workflow.sleep(waits[min(asked, len(waits) - 1)], summary=f"before looking up {send.key}")
            asked += 1
            outcome = await self.look_up(send.key)
            if outcome.kind is OutcomeKind.NOT_FOUND:
                times_not_found += 1
                if times_not_found == policies.NOT_FOUND_CONFIRMATIONS:
                    return outcome
                continue
            if outcome.kind in UNDECIDED:
                continue  # the question was not answered, which says nothing about the operation
            if outcome.kind is OutcomeKind.PENDING and not send.pending_ok:
                times_not_found = 0
                continue
            return outcome
        return UNKNOWN


class _Send:
    """How one operation is sent. pending_ok: PENDING is an outcome that the caller can wait on by itself."""

    def __init__(self, method: Callable[..., Any], call: Any, key: str, *, pending_ok: bool = False) -> None:
        self._method = method
        self._call = call
        self.key = key
        self.pending_ok = pending_ok

    async def once(self) -> GatewayOutcome:
        """Send it."""
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
        # The worker was lost or the activity failed in an unforeseen way: nobody knows whether the gateway acted.
        return UNKNOWN
    return outcome
