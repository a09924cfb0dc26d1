"""Carrying out one operation at a gateway, whatever the network does: send, ask, wait, and never guess.

The rules: what was surely not executed may be sent again with the same key; what may have been executed is asked about
first; when the gateway says three times that it knows nothing, sending again with the same key is safe; when time runs
out in doubt, the outcome stays UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.gateway import AuthoriseCall, FollowUpCall, GatewayActivities, LookUpCall
from clearway.gateways.contract import AuthoriseRequest, FollowUpRequest, GatewayOutcome, OutcomeKind
from workflows import policies

UNDECIDED = frozenset({OutcomeKind.UNKNOWN, OutcomeKind.RETRYABLE})
NOT_EXECUTED = frozenset({OutcomeKind.RETRYABLE, OutcomeKind.NOT_FOUND})


class GatewayCaller:
    """Calls one gateway for one workflow. `note` tells the workflow's timeline what happened."""

    def __init__(self, gateway: str, note: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._note = note

    async def authorise(self, request: AuthoriseRequest, *, give_up_at: datetime) -> GatewayOutcome:
        """Authorise. May answer PENDING or NEEDS_ACTION; RETRYABLE means surely not executed, given up."""
        call = AuthoriseCall(self._gateway, request)
        return await self._carry_out(GatewayActivities.authorise, call, request.key, give_up_at, pending_ok=True)

    async def capture(self, request: FollowUpRequest, *, give_up_at: datetime) -> GatewayOutcome:
        """Capture, and wait for the end of it."""
        call = FollowUpCall(self._gateway, request)
        return await self._carry_out(GatewayActivities.capture, call, request.key, give_up_at, pending_ok=False)

    async def void(self, request: FollowUpRequest, *, give_up_at: datetime) -> GatewayOutcome:
        """Void, and wait for the end of it."""
        call = FollowUpCall(self._gateway, request)
        return await self._carry_out(GatewayActivities.void, call, request.key, give_up_at, pending_ok=False)

    async def refund(self, request: FollowUpRequest, *, give_up_at: datetime) -> GatewayOutcome:
        """Refund. May answer PENDING; RETRYABLE means surely not executed, given up."""
        call = FollowUpCall(self._gateway, request)
        return await self._carry_out(GatewayActivities.refund, call, request.key, give_up_at, pending_ok=True)

    async def look_up(self, key: str) -> GatewayOutcome:
        """Ask once what became of an operation; UNKNOWN when the question could not be answered."""
        return await self._ask_gateway(
            GatewayActivities.look_up, LookUpCall(self._gateway, key), f"ask about {key}", policies.LOOK_UP_RETRY
        )

    async def _carry_out(
        self, method: Callable[..., Any], call: Any, key: str, give_up_at: datetime, *, pending_ok: bool
    ) -> GatewayOutcome:
        doubted = False
        for wait_s in (*policies.RESEND_WAITS_S, None):
            outcome = await self._ask_gateway(method, call, f"send {key}", policies.GATEWAY_CALL_RETRY)
            if outcome.kind is OutcomeKind.UNKNOWN or (outcome.kind is OutcomeKind.PENDING and not pending_ok):
                doubted = doubted or outcome.kind is OutcomeKind.UNKNOWN
                self._note(f"{key}: the gateway's answer is {outcome.kind}; asking")
                outcome = await self._inquire(key, give_up_at, pending_ok=pending_ok)
            if outcome.kind not in NOT_EXECUTED:
                return outcome
            if wait_s is None:
                break
            pause_s = max(wait_s, outcome.retry_after_s or 0)
            self._note(f"{key}: surely not executed ({outcome.kind}); sending again in {pause_s:g} s")
            await workflow.sleep(pause_s, summary=f"before sending {key} again")
        return GatewayOutcome(OutcomeKind.UNKNOWN) if doubted else outcome

    async def _inquire(self, key: str, give_up_at: datetime, *, pending_ok: bool) -> GatewayOutcome:
        """Ask until the gateway knows, or confirms that it knows nothing, or the time is up (UNKNOWN)."""
        times_not_found = 0
        asked = 0
        while workflow.now() < give_up_at:
            waits = policies.INQUIRY_WAITS_S
            await workflow.sleep(waits[min(asked, len(waits) - 1)], summary=f"before asking about {key}")
            asked += 1
            outcome = await self.look_up(key)
            if outcome.kind is OutcomeKind.NOT_FOUND:
                times_not_found += 1
                if times_not_found == policies.NOT_FOUND_CONFIRMATIONS:
                    return outcome
                continue
            if outcome.kind in UNDECIDED:
                # No answer to the question says nothing of the operation. Payments begun earlier count anew after one.
                if not workflow.patched("unanswered-look-ups-count-for-nothing"):
                    times_not_found = 0
                continue
            if outcome.kind is OutcomeKind.PENDING and not pending_ok:
                times_not_found = 0
                continue
            return outcome
        return GatewayOutcome(OutcomeKind.UNKNOWN)

    @staticmethod
    async def _ask_gateway(method: Callable[..., Any], call: Any, summary: str, retry: Any) -> GatewayOutcome:
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
            return GatewayOutcome(OutcomeKind.UNKNOWN)
        return outcome
