"""What is recorded of a payment, seen from its workflow: the state after the last step, and how the next is taken."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from activities.payment import ChangeInput, PaymentActivities, PaymentState
from clearway.domain.ids import CAPTURE
from clearway.domain.payment import Change, NewPayment, Payment, PaymentStatus
from clearway.durable.search_attributes import GATEWAY, PAYMENT_STATUS
from workflows import policies
from workflows.refusal import refusal_of
from workflows.timeline import Timeline


class PaymentRecord:
    """The recorded payment. Every step is one local activity, which is one database transaction."""

    def __init__(self, new: NewPayment, timeline: Timeline) -> None:
        self._new = new
        self._timeline = timeline
        self._state: PaymentState | None = None
        self.refusal: ApplicationError | None = None

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
        """Where the payment stands; pending while it is being recorded."""
        return self._state.payment.status if self._state else PaymentStatus.PENDING

    @property
    def resource(self) -> dict[str, Any]:
        """The payment after the last step, as merchants see it."""
        assert self._state is not None, "recorded before anything else"
        return self._state.resource

    @property
    def own_capture_id(self) -> str:
        """The id of a capture that nobody asked for by name: made from the payment's, so a replay finds the same."""
        return f"{CAPTURE}_{self._new.id.partition('_')[2]}"

    @property
    def next_step(self) -> str:
        """The name of the step that would be recorded next."""
        return str(self.payment.version + 1)

    async def create(self) -> bool:
        """Record the payment; False when it was refused, and then nothing is recorded."""
        try:
            self._state = await workflow.execute_local_activity_method(
                PaymentActivities.record,
                self._new,
                start_to_close_timeout=policies.RECORD_TIMEOUT,
                retry_policy=policies.RECORD_RETRY,
                summary="record the payment",
            )
        except FailureError as error:
            self.refusal = refusal_of(error)
            self._timeline.note(f"refused: {self.refusal.message}")
            return False
        self._timeline.note("recorded")
        return True

    async def change(self, to: PaymentStatus, reason: str, *, actor: str = "system", **fields: Any) -> None:
        """Record a change; the further fields are those of `Change`."""
        await self.apply(Change(step=self.next_step, to=to, reason=reason, actor=actor, **fields))

    async def apply(self, change: Change) -> None:
        """Record a change that is made already."""
        before = self.payment.status
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
