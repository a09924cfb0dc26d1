"""Carrying out a plan: gateway, merchant, customer, operator, endpoint and clock, in the order the plan says.

Gateway events are true: each says how an operation stood at some moment. They come at once, later, twice or in another
order. Only `false_gateway_event` names another amount, or an operation that is not the payment's. An operator's
decision is true as well, when it is a valid one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import update
from temporalio.client import (
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from temporalio.service import RPCError, RPCStatusCode

from clearway.db.tables import webhook_endpoints
from clearway.domain import ids
from clearway.domain.payment import FINAL, NewPayment
from clearway.durable.messages import CancelInput, CaptureInput, GatewayEvent, PaymentTimings, delivery_workflow_id
from clearway.gateways.contract import OutcomeKind
from tests.fire.simulation import operators
from tests.fire.simulation.endpoint import PATH, Endpoint
from tests.fire.simulation.plans import Plan, Step
from tests.services.gateways.asking import question_about
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow

TIMINGS: Final = PaymentTimings(deadline_s=900, authorisation_expiry_s=3_600)
REFUND_TIMINGS: Final[dict[str, Any]] = {"poll_intervals_s": (15, 300), "deadline_s": 3_600}
LAST_WAIT: Final = timedelta(hours=3)
"""Deadline, expiry of the authorisation, and half an hour of questions about the void, one after the other."""
SCHEDULE: Final = timedelta(minutes=3)
"""Longer than an endpoint's whole schedule; then nothing of it can still wait."""
PATIENCE_S: Final = 30.0
TEST_SERVER_FAILURES: Final = ("h2 protocol error", "Application error processing RPC", "Timeout expired")
TOLD: Final = frozenset({OutcomeKind.APPROVED, OutcomeKind.DECLINED, OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION})
WRONG: Final = ("wrong_amount", "wrongamount@clearway")


@dataclass(frozen=True)
class KnownEvent:
    """A gateway event, and the workflow that it is for."""

    handle: WorkflowHandle[Any, Any]
    event: GatewayEvent


class Story:
    """One order, its payments and their refunds, and everything that happens to them."""

    def __init__(self, durable: Durable, endpoint: Endpoint, plan: Plan) -> None:
        self._durable = durable
        self._endpoint = endpoint
        self._plan = plan
        self._updates: list[WorkflowUpdateHandle[Any]] = []
        self._known: list[KnownEvent] = []
        self._handle: WorkflowHandle[Any, Any]
        self._endpoint_id: str
        self._decided: dict[str, Any] | None = None
        self.began_at = datetime.now(UTC)
        self.payment: NewPayment
        self.refunds: dict[str, WorkflowHandle[Any, Any]] = {}

    async def told(self) -> None:
        """Carry the plan out and wait until the payment has come to rest."""
        await self._durable.faults(*self._plan.faults)
        self._endpoint.behave(str(self._plan.seed), self._plan.answers)
        merchant_id = await self._durable.merchant()
        self._endpoint_id = await self._durable.endpoint(merchant_id, f"{self._endpoint.url}{PATH}")
        self.payment = await self._durable.new_payment(merchant_id, **self._plan.payment)
        self._handle = await self._made()
        for step in self._plan.steps:
            await self._take(step)
        if self._plan.lifted:
            await self._durable.faults()
        await self._pass(LAST_WAIT)
        await self._come_to_rest()

    async def _made(self) -> WorkflowHandle[Any, Any]:
        """Make the payment, again if need be: a client repeats what was not answered."""
        try:
            _, handle = await self._durable.start(self.payment, TIMINGS)
        except RPCError as error:
            if not _is_of_the_test_server(error):
                raise
            _, handle = await self._durable.start(self.payment, TIMINGS)
        return handle

    async def histories(self) -> AsyncIterator[WorkflowHistory]:
        """Give the histories of the payment and its refunds."""
        for handle in (self._handle, *self.refunds.values()):
            yield await handle.fetch_history()

    async def _take(self, step: Step) -> None:
        await getattr(self, step.kind)(**step.arguments)

    async def _come_to_rest(self) -> None:
        """The last transactions are real work, for which skipped time does not wait."""
        async with asyncio.timeout(PATIENCE_S):
            for asked in self._updates:
                with contextlib.suppress(WorkflowUpdateFailedError):
                    await asked.result()
            if (await self._durable.row(self.payment.id)).status in FINAL:
                await self._handle.result()
        deadline = time.monotonic() + PATIENCE_S
        while await self._under_way() and time.monotonic() < deadline:
            await self._pass(SCHEDULE)
            await asyncio.sleep(0.05)

    async def _under_way(self) -> list[Any]:
        return [row for row in await self._durable.deliveries(self.payment.id) if row.status == "pending"]

    # The steps

    async def wait(self, seconds: int) -> None:
        """Let time pass."""
        await self._pass(timedelta(seconds=seconds))

    async def _pass(self, span: timedelta) -> None:
        """Let the clock jump; when the test server breaks off its answer, it has jumped all the same."""
        try:
            await self._durable.environment.sleep(span)
        except RPCError as error:
            if not _is_of_the_test_server(error):
                raise

    async def at_once(self, steps: tuple[Step, ...]) -> None:
        """Let several things happen at the same time."""
        await asyncio.gather(*(self._take(step) for step in steps))

    async def capture(self, amount_minor: int | None) -> None:
        """Ask for a capture; the answer may take its time."""
        capture_id = ids.new_id(ids.CAPTURE)
        asked = CaptureInput(capture_id, amount_minor, final=amount_minor is None)
        await self._ask(PaymentWorkflow.capture, asked, capture_id)

    async def cancel(self) -> None:
        """Ask for a cancellation."""
        await self._ask(PaymentWorkflow.cancel, CancelInput(), ids.new_id("cxl"))

    async def _ask(self, command: Any, asked: Any, update_id: str) -> None:
        with _refusal_is_an_answer():
            stage = self._durable.ACCEPTED
            self._updates.append(await self._handle.start_update(command, asked, id=update_id, wait_for_stage=stage))

    async def refund(self, amount_minor: int | None) -> None:
        """Ask for a refund."""
        with _refusal_is_an_answer():
            reserved, handle = await self._durable.refund(self.payment, amount_minor, **REFUND_TIMINGS)
            self.refunds[reserved["id"]] = handle

    async def customer(self, button: str) -> None:
        """Let the customer press a button, where there is a page for it."""
        url = (await self._durable.row(self.payment.id)).action_url
        if url:
            await self._durable.simulator.http.post(f"{url}/{button}")

    async def start_again(self) -> None:
        """Make the same payment again, as a client does that lost the answer."""
        with _refusal_is_an_answer():
            await self._durable.start(self.payment, TIMINGS)

    async def rival(self) -> None:
        """Make another payment of the same order: refused while one holds it."""
        fields = {**self._plan.payment, "order_id": self.payment.order_id, "instrument": "success"}
        rival = await self._durable.new_payment(self.payment.merchant_id, **{**fields, "method": "wallet"})
        with _refusal_is_an_answer():
            await self._durable.start(rival, TIMINGS)

    # What the gateway sends

    async def learn(self, about: int) -> None:
        """Let the gateway write an event of how an operation stands now, to be sent later."""
        operations = {f"{self.payment.id}:authorise:1": self._handle, f"{self.payment.id}:capture:1": self._handle}
        operations |= {f"{refund_id}:refund:1": handle for refund_id, handle in self.refunds.items()}
        key = sorted(operations)[about % len(operations)]
        outcome = await self._durable.simulator.gateway.recover(question_about(key))
        if outcome.kind in TOLD:
            event = GatewayEvent(f"gw_{len(self._known)}", key, outcome)
            self._known.append(KnownEvent(operations[key], event))

    async def gateway_event(self, which: int, times: int) -> None:
        """Send one of the events there are, however old, so many times."""
        if not self._known:
            await self.learn(which)
        for _ in range(times if self._known else 0):
            await self._send(self._known[which % len(self._known)])

    async def false_gateway_event(self, which: int, difference: int, *, another_key: bool) -> None:
        """Send an event of another amount, or of a capture that nobody requested."""
        if not self._known:
            await self.learn(which)
        if self._known:
            known = self._known[which % len(self._known)]
            key = f"{self.payment.id}:capture:99" if another_key else known.event.key
            outcome = replace(known.event.outcome, amount_minor=self.payment.amount_minor + difference)
            wrong = replace(known.event, key=key, outcome=outcome)
            await self._send(replace(known, event=wrong))

    async def _send(self, known: KnownEvent) -> None:
        with _refusal_is_an_answer():
            await known.handle.signal(PaymentWorkflow.gateway_event, known.event)

    # What operators decide

    async def decide(self, times: int) -> None:
        """Let an operator record the true result of the payment, if it is under review; they may click twice."""
        if not self._is_exact:
            return
        outcome = await operators.truth_about_payment(self._durable, self.payment.id)
        for _ in range(times if outcome else 0):
            self._decided = operators.decision(outcome)
            await self._resolve(self._handle, self._decided)

    async def decide_late(self) -> None:
        """Let a second operator say the same, who did not see that it was decided and that things went on."""
        under_review = (await self._durable.row(self.payment.id)).status == operators.UNDER_REVIEW
        if self._decided and not under_review:
            await self._resolve(self._handle, self._decided)

    async def decide_refunds(self, times: int) -> None:
        """Let an operator record the true result of every refund that is under review."""
        for refund_id, handle in list(self.refunds.items()) if self._is_exact else ():
            outcome = await operators.truth_about_refund(self._durable, refund_id)
            for _ in range(times if outcome else 0):
                await self._resolve(handle, operators.decision(outcome))

    async def decide_wrongly(self, outcome: str | None, *, is_complete: bool) -> None:
        """Let an operator type what is no decision."""
        for handle in (self._handle, *self.refunds.values()):
            await self._resolve(handle, operators.decision(outcome, is_complete=is_complete))

    async def _resolve(self, handle: WorkflowHandle[Any, Any], typed: dict[str, Any]) -> None:
        with _refusal_is_an_answer():
            await handle.signal("resolve_review", typed)

    @property
    def _is_exact(self) -> bool:
        """Where the gateway moves other amounts than asked, no decision is true: a person corrects the books."""
        used = [self._plan.payment["instrument"], *(fault["fault"] for fault in self._plan.faults)]
        return not set(used) & set(WRONG)

    # What becomes of webhooks

    async def hurry(self, which: int) -> None:
        """Let the merchant ask for one attempt more of a delivery that waits."""
        waiting = await self._under_way()
        if waiting:
            row = waiting[which % len(waiting)]
            handle = self._durable.client.get_workflow_handle(delivery_workflow_id(row.event_id, row.endpoint_id))
            with _refusal_is_an_answer():
                await handle.start_update(
                    WebhookDeliveryWorkflow.retry, ids.new_id("rtry"), wait_for_stage=WorkflowUpdateStage.ACCEPTED
                )

    async def close_endpoint(self) -> None:
        """Let the merchant take the endpoint away."""
        mine = update(webhook_endpoints).where(webhook_endpoints.c.id == self._endpoint_id)
        async with self._durable.engine.begin() as connection:
            await connection.execute(mine.values(deleted_at=datetime.now(UTC)))


def _is_of_the_test_server(error: RPCError) -> bool:
    """Tell whether the time-skipping server failed, as it does once in some hundred stories, more often under load."""
    return any(words in str(error) for words in TEST_SERVER_FAILURES)


class _refusal_is_an_answer(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a statement
    """Let a refusal pass, that the workflow has ended, and a failure of the test server; nothing else."""

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> bool:
        if isinstance(error, RPCError):
            ended = error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.ALREADY_EXISTS}
            return ended or _is_of_the_test_server(error)
        return isinstance(error, WorkflowUpdateFailedError)
