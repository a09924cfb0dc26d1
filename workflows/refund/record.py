"""The recorded refund, seen from its workflow: the state after the last step, and how the next step is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from activities.refund import (
    BaselineInput,
    LoadedRefund,
    RefundActivities,
    RefundChangeInput,
    RefundState,
    ReserveInput,
)
from clearway.domain.attempt import AttemptKept
from clearway.domain.refund import NewRefund, Refund, RefundChange
from clearway.domain.refusals import REFUND_NOT_FOUND
from clearway.durable.search_attributes import PAYMENT_STATUS
from workflows.lasting import RecordMovedError, began_by_reset, recorded, refuse_behind
from workflows.refusal import refusal_of, refused_for_good
from workflows.timeline import Timeline


class RefundRecord:
    """The refund as recorded. Every step is one local activity, which is one statement in the database."""

    def __init__(self, new: NewRefund, timeline: Timeline) -> None:
        self._new = new
        self._timeline = timeline
        self._state: RefundState | None = None
        self.refusal: ApplicationError | None = None

    @property
    def settled(self) -> bool:
        """Whether it is reserved or refused."""
        return self._state is not None or self.refusal is not None

    @property
    def refund(self) -> Refund:
        """The refund after the last step."""
        return self._reserved.refund

    @property
    def resource(self) -> dict[str, Any]:
        """The refund after the last step, as merchants see it."""
        return self._reserved.resource

    @property
    def kept(self) -> AttemptKept:
        """The stored connector state of the refunded payment's attempt."""
        return self._reserved.kept

    @property
    def was_there(self) -> bool:
        """Whether the last step was recorded before this run took it."""
        return self._state is not None and self._state.again

    @property
    def next_step(self) -> str:
        """The name of the step that would be recorded next."""
        return str(self.refund.version + 1)

    async def reserve(self) -> bool:
        """Reserve the refund; False when it was refused, and then nothing is recorded."""
        # A run before a reset may have refused it: then the money may not go out now.
        what = ReserveInput(self._new, only_if_there=began_by_reset())
        try:
            self._state = await recorded(RefundActivities.reserve, what, "reserve the refund")
        except FailureError as error:
            self.refusal = refusal_of(error)
            self._timeline.note(f"refused: {self.refusal.message}")
            return False
        self._timeline.note(f"reserved {self.refund.money}")
        return True

    async def load(self) -> datetime:
        """Read the refund that an earlier run reserved; return when that was."""
        loaded: LoadedRefund = await recorded(RefundActivities.load, self._new.id, "load the refund")
        self._state = loaded.state
        self._timeline.note(f"taken up from its row: {self.refund.status}")
        return loaded.created_at

    async def check(self) -> None:
        """Compare the row with what this run knows. Raises RecordMovedError when they differ."""
        try:
            loaded: LoadedRefund = await recorded(RefundActivities.load, self._new.id, "compare the row")
        except FailureError as error:
            if refusal_of(error).type == REFUND_NOT_FOUND:
                raise RecordMovedError(str(error)) from error
            raise
        there = loaded.state.refund
        if (there.version, there.status) != (self.refund.version, self.refund.status):
            raise RecordMovedError(f"the row is {there.status} after {there.version} steps")
        self._timeline.note("the row was compared with this run: they agree")

    async def apply(self, change: RefundChange) -> None:
        """Record a change. Raises RecordingRefusedError, and RecordMovedError when the row is further than that."""
        before, step = self.refund.status, self.next_step
        given = RefundChangeInput(self._new.id, change)
        with refused_for_good(change):
            self._state = await recorded(RefundActivities.change, given, f"record {change.to}")
        refuse_behind(step, self.refund.version)
        self._timeline.note(f"{before} -> {change.to}: {change.reason}")
        workflow.upsert_search_attributes([PAYMENT_STATUS.value_set(change.to.value)])

    async def claim_baseline(self) -> bool:
        """Claim the right to send: one refund of a payment at a time. False while another is in progress."""
        baseline: str | None = await recorded(
            RefundActivities.claim_baseline, self._new.id, "be the only refund of the payment under way"
        )
        self._knows(baseline)
        return baseline is not None

    async def keep_baseline(self, baseline: str) -> None:
        """Record the baseline before the refund is sent."""
        given = BaselineInput(self._new.id, baseline)
        kept: str = await recorded(RefundActivities.keep_baseline, given, "record what is refunded so far")
        self._timeline.note(f"before it is sent, the gateway says: {kept}")
        self._knows(kept)

    def _knows(self, baseline: str | None) -> None:
        self._state = replace(self._reserved, refund=replace(self.refund, baseline=baseline))

    @property
    def _reserved(self) -> RefundState:
        assert self._state is not None, "reserved before anything else"
        return self._state
