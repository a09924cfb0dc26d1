"""The life of one refund: reserved, sent to the gateway once, followed until the gateway says how it ended.

As in `workflows.payment`, the run is the only actor. The reserved amount stays reserved until the refund is processed
or surely failed, so doubt never lets the same money be refunded twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from activities.refund import RefundActivities, RefundChangeInput, RefundState
from clearway.domain.errors import DECLINE_CODES
from clearway.domain.payment import MoveRefusedError
from clearway.domain.refund import MOVES, RefundChange, RefundStatus, apply_refund_change
from clearway.durable.messages import News, RefundInput, RefundResult, Resolution, TimelineEntry, resolution_of
from clearway.durable.search_attributes import PAYMENT_STATUS
from clearway.gateways.contract import FollowUpRequest, GatewayOutcome, OutcomeKind
from workflows import policies
from workflows.gateway_calls import GatewayCaller
from workflows.inbox import Inbox
from workflows.news import outcome_of
from workflows.refusal import refusal_of, tell_refusal
from workflows.timeline import Timeline

OPEN = frozenset({RefundStatus.PENDING, RefundStatus.NEEDS_REVIEW})
RESOLVABLE = MOVES[RefundStatus.NEEDS_REVIEW]


@workflow.defn
class RefundWorkflow:
    """`refund/<refund_id>`: reserves, refunds, polls."""

    @workflow.init
    def __init__(self, started: RefundInput) -> None:
        self._poll_intervals_s = started.poll_intervals_s
        self._new = started.refund
        self._timeline = Timeline(f"refund {self._new.id} of payment {self._new.payment_id}")
        self._state: RefundState | None = None
        self._refusal: ApplicationError | None = None
        self._asked = False
        self._inbox = Inbox()
        self._polls = 0
        self._deadline = workflow.now() + timedelta(seconds=started.deadline_s)

    @workflow.run
    async def run(self, started: RefundInput) -> RefundResult:
        """Live until the refund is final."""
        if not await self._reserve():
            assert self._refusal is not None
            await tell_refusal(lambda: self._asked)
            return RefundResult(status="refused", refused=self._refusal.type)
        await self._send()
        while self._reserved.refund.status in OPEN:
            if self._reserved.refund.status is RefundStatus.PENDING:
                await self._await_decision()
            else:
                await self._await_resolution()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return RefundResult(status=self._reserved.refund.status)

    @workflow.update(name="reserve", description="Answers with the refund once it is reserved")
    async def reserved(self) -> dict[str, Any]:
        """Wait until the refund is reserved and answer with it, or refuse."""
        self._asked = True
        await workflow.wait_condition(lambda: self._state is not None or self._refusal is not None)
        if self._refusal is not None:
            raise self._refusal
        return self._reserved.resource

    @workflow.signal(description="A gateway's verified webhook about this refund")
    def provider_news(self, news: News) -> None:
        """Take note of what the gateway tells."""
        self._inbox.news.append(news)

    @workflow.signal(description="An operator's decision about a refund in needs_review")
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

    @property
    def _reserved(self) -> RefundState:
        assert self._state is not None, "reserved before anything else"
        return self._state

    @property
    def _key(self) -> str:
        return f"{self._new.id}:refund:1"

    async def _reserve(self) -> bool:
        try:
            self._state = await workflow.execute_local_activity_method(
                RefundActivities.reserve,
                self._new,
                start_to_close_timeout=policies.RECORD_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
                summary="reserve the refund",
            )
        except FailureError as error:
            self._refusal = refusal_of(error)
            self._timeline.note(f"refused: {self._refusal.message}")
            return False
        self._timeline.note(f"reserved {self._state.refund.money}")
        return True

    async def _send(self) -> None:
        refund = self._reserved.refund
        self._caller = GatewayCaller(refund.gateway, self._timeline.note)
        request = FollowUpRequest(
            key=self._key,
            payment_id=refund.payment_id,
            gateway_reference=self._reserved.payment_reference or "",
            amount_minor=refund.amount_minor,
            currency=refund.currency,
        )
        outcome = await self._caller.refund(request, give_up_at=self._deadline)
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

    async def _await_decision(self) -> None:
        intervals = self._poll_intervals_s
        poll_s = intervals[min(self._polls, len(intervals) - 1)]
        left_s = (self._deadline - workflow.now()).total_seconds()
        if await self._inbox.wait(min(poll_s, left_s), "until the next status poll"):
            if self._inbox.news:
                await self._hear(self._inbox.news.popleft())
            else:
                self._timeline.note(
                    f"resolution by {self._inbox.resolutions.popleft().operator} ignored: still pending"
                )
            return
        self._polls += 1
        await self._settle(await self._caller.look_up(self._key))
        if self._reserved.refund.status is RefundStatus.PENDING and workflow.now() >= self._deadline:
            await self._change(RefundStatus.NEEDS_REVIEW, "the gateway has not decided in time")

    async def _await_resolution(self) -> None:
        await self._inbox.wait_for_ever()
        if self._inbox.resolutions:
            await self._resolve(self._inbox.resolutions.popleft())
        else:
            await self._hear(self._inbox.news.popleft())

    async def _hear(self, news: News) -> None:
        if news.key != self._key:
            self._timeline.note(f"news {news.event_id} about {news.key} changes nothing")
            return
        self._timeline.note(f"gateway news {news.event_id}: {news.kind}")
        await self._settle(outcome_of(news))

    async def _settle(self, outcome: GatewayOutcome) -> None:
        """Move on by what the gateway says; what says nothing new changes nothing."""
        refund = self._reserved.refund
        if outcome.kind is OutcomeKind.APPROVED:
            told = (outcome.amount_minor, outcome.currency)
            if outcome.amount_minor is not None and told != (refund.amount_minor, refund.currency):
                await self._doubt(f"the gateway reports {told[1]} {told[0]} in minor units, asked was {refund.money}")
                return
            await self._change(
                RefundStatus.PROCESSED, "paid out by the gateway", actor="gateway", gateway_reference=outcome.reference
            )
        elif outcome.kind is OutcomeKind.DECLINED:
            code = outcome.error_code or "refund_failed"
            await self._change(
                RefundStatus.FAILED,
                f"refused: {code}",
                actor="gateway",
                gateway_reference=outcome.reference,
                error_code=code,
                error_description=outcome.error_description or DECLINE_CODES.get(code, DECLINE_CODES["refund_failed"]),
            )

    async def _doubt(self, reason: str) -> None:
        if self._reserved.refund.status is RefundStatus.PENDING:
            await self._change(RefundStatus.NEEDS_REVIEW, reason)
        else:
            self._timeline.note(reason)

    async def _resolve(self, resolution: Resolution) -> None:
        try:
            change = self._resolved(resolution)
            apply_refund_change(self._reserved.refund, change)
        except MoveRefusedError as error:
            self._timeline.note(f"resolution by {resolution.operator} refused: {error}")
            return
        await self._record_change(change)

    def _resolved(self, resolution: Resolution) -> RefundChange:
        if resolution.outcome not in RESOLVABLE:
            message = f"the outcome must be one of {', '.join(sorted(RESOLVABLE))}"
            raise MoveRefusedError(message)
        return RefundChange(
            step=self._next_step,
            to=RefundStatus(resolution.outcome),
            reason=f"decided by an operator: {resolution.reason}",
            actor=f"operator:{resolution.operator}",
            gateway_reference=resolution.gateway_reference,
        )

    async def _change(self, to: RefundStatus, reason: str, *, actor: str = "system", **fields: Any) -> None:
        if to is RefundStatus.NEEDS_REVIEW:
            self._inbox.begin_review(self._timeline.note)
        await self._record_change(RefundChange(step=self._next_step, to=to, reason=reason, actor=actor, **fields))

    async def _record_change(self, change: RefundChange) -> None:
        before = self._reserved.refund.status
        self._state = await workflow.execute_local_activity_method(
            RefundActivities.change,
            RefundChangeInput(self._new.id, change),
            start_to_close_timeout=policies.RECORD_TIMEOUT,
            retry_policy=policies.RECORD_RETRY,
            summary=f"record {change.to}",
        )
        self._timeline.note(f"{before} -> {change.to}: {change.reason}")
        workflow.upsert_search_attributes([PAYMENT_STATUS.value_set(change.to.value)])

    @property
    def _next_step(self) -> str:
        return str(self._reserved.refund.version + 1)
