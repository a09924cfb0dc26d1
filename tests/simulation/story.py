"""Carrying out a plan: the gateway, the merchant, the customer and the clock, in the order the plan says.

News is true: it is what the gateway says of the payment at some moment, told at once, later, twice or in another
order. Only `false_news` tells another amount, or of an operation that is not the payment's.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateHandle
from temporalio.service import RPCError, RPCStatusCode

from clearway.domain import ids
from clearway.domain.payment import FINAL, NewPayment
from clearway.gateways.base import OutcomeKind
from tests.simulation.plans import Plan
from tests.support.durable import Durable
from workflows.messages import CancelInput, CaptureInput, News, PaymentTimings
from workflows.payment import PaymentWorkflow

TIMINGS: Final = PaymentTimings(deadline_s=900, authorisation_expiry_s=3_600)
REFUND_TIMINGS: Final[dict[str, Any]] = {"poll_intervals_s": (15, 300), "deadline_s": 3_600}
LAST_WAIT: Final = timedelta(hours=3)
"""Deadline, expiry of the authorisation, and half an hour of questions about the void, one after the other."""
TOLD: Final = frozenset({OutcomeKind.APPROVED, OutcomeKind.DECLINED, OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION})


class Story:
    """One payment and everything that happens to it."""

    def __init__(self, durable: Durable, plan: Plan) -> None:
        self._durable = durable
        self._plan = plan
        self._updates: list[WorkflowUpdateHandle[Any]] = []
        self._known: list[News] = []
        self.payment: NewPayment
        self._handle: WorkflowHandle[Any, Any]

    async def told(self) -> str:
        """Carry the plan out and wait for quiet; return the status in which the payment came to rest."""
        await self._durable.faults(*self._plan.faults)
        self.payment = await self._durable.new_payment(**self._plan.payment)
        _, self._handle = await self._durable.start(self.payment, TIMINGS)
        for step in self._plan.steps:
            await getattr(self, step.kind)(**step.arguments)
        if self._plan.lifted:
            await self._durable.faults()
        await self._durable.environment.sleep(LAST_WAIT)
        return await self._at_rest()

    async def _at_rest(self) -> str:
        """The last transactions are real work, for which skipped time does not wait."""
        async with asyncio.timeout(10):
            for update in self._updates:
                with contextlib.suppress(WorkflowUpdateFailedError):
                    await update.result()
            if (await self._durable.row(self.payment.id)).status in FINAL:
                await self._handle.result()
        return str((await self._durable.row(self.payment.id)).status)

    # The steps

    async def wait(self, seconds: int) -> None:
        """Let time pass."""
        await self._durable.environment.sleep(timedelta(seconds=seconds))

    async def capture(self, amount_minor: int | None) -> None:
        """Ask for a capture; the answer may take its time."""
        capture_id = ids.new_id(ids.CAPTURE)
        await self._ask(PaymentWorkflow.capture, CaptureInput(capture_id, amount_minor), capture_id)

    async def cancel(self) -> None:
        """Ask for a cancellation."""
        await self._ask(PaymentWorkflow.cancel, CancelInput(), ids.new_id("cxl"))

    async def _ask(self, update: Any, asked: Any, update_id: str) -> None:
        with _refusal_is_an_answer():
            accepted = self._durable.ACCEPTED
            self._updates.append(await self._handle.start_update(update, asked, id=update_id, wait_for_stage=accepted))

    async def refund(self, amount_minor: int | None) -> None:
        """Ask for a refund."""
        with _refusal_is_an_answer():
            await self._durable.refund(self.payment, amount_minor, **REFUND_TIMINGS)

    async def customer(self, button: str) -> None:
        """Let the customer press a button, where there is a page for it."""
        url = (await self._durable.row(self.payment.id)).action_url
        if url:
            await self._durable.simulator.http.post(f"{url}/{button}")

    async def learn(self) -> None:
        """Let the gateway write news of how things stand now, to be told later."""
        key = f"{self.payment.id}:authorise:1"
        outcome = await self._durable.simulator.gateway.look_up(key)
        if outcome.kind in TOLD:
            event_id = f"gw_{len(self._known)}"
            self._known.append(
                News(
                    event_id=event_id,
                    key=key,
                    kind=outcome.kind,
                    reference=outcome.reference,
                    amount_minor=outcome.amount_minor,
                    currency=outcome.currency,
                    captured=outcome.captured,
                    error_code=outcome.error_code,
                    action_url=outcome.action_url,
                )
            )

    async def news(self, which: int, times: int) -> None:
        """Tell one of the news there are, however old, so many times."""
        if not self._known:
            await self.learn()
        for _ in range(times if self._known else 0):
            await self._tell(self._known[which % len(self._known)])

    async def false_news(self, which: int, difference: int, *, another_key: bool) -> None:
        """Tell of another amount, or of a capture that nobody asked for."""
        if not self._known:
            await self.learn()
        if self._known:
            news = self._known[which % len(self._known)]
            key = f"{self.payment.id}:capture:99" if another_key else news.key
            await self._tell(replace(news, key=key, amount_minor=self.payment.amount_minor + difference))

    async def start_again(self) -> None:
        """Make the same payment again, as a client does that lost the answer."""
        with _refusal_is_an_answer():
            await self._durable.start(self.payment, TIMINGS)

    async def _tell(self, news: News) -> None:
        with _refusal_is_an_answer():
            await self._handle.signal(PaymentWorkflow.provider_news, news)


class _refusal_is_an_answer(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a statement
    """Let a refusal pass, and that the workflow has ended; nothing else."""

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> bool:
        ended = isinstance(error, RPCError) and error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.ALREADY_EXISTS}
        return ended or isinstance(error, WorkflowUpdateFailedError)
