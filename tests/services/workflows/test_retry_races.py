"""Retries against everything else that may happen at the same time: no attempt is charged that nobody recorded."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from clearway.db.engine import each_for_itself
from clearway.db.payments import recording
from clearway.db.tables import reviews
from clearway.domain.actor import Actor
from clearway.domain.attempt import AttemptSeen, GatewayChoice
from clearway.domain.payment import Change, NewPayment, PaymentStatus, PersonalData, Retry
from clearway.domain.retry import RetryPolicy
from clearway.durable.messages import CancelInput, GatewayEvent, PaymentTimings
from clearway.durable.sealed import seal
from clearway.gateways.contract import UNKNOWN, GatewayOutcome, Operation, OutcomeKind, Trust
from clearway.gateways.simulator.client import SimulatorGateway
from tests.services.gateways.running import LONG_S
from tests.services.workflows.test_attempts import attempts
from tests.services.workflows.test_failover import DOWN, another_gateway, movable
from tests.services.workflows.test_retries import retriable, retry
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow

TAKEN = GatewayOutcome(OutcomeKind.APPROVED, amount_minor=50_000, currency="INR", captured=True)
OTHER = PersonalData("success@razorpay", {"vpa": "success@razorpay"})
SOON = RetryPolicy(scheduled=1, first_wait_s=3_600, within_s=86_400)


def sealed(durable: Durable, payment: NewPayment, vpa: str = "success@razorpay") -> str:
    """Seal another instrument of the payment."""
    return seal(durable.cipher, payment.id, PersonalData(vpa, {"vpa": vpa}))


async def retrying(durable: Durable, **fields: Any) -> tuple[NewPayment, WorkflowHandle[Any, Any]]:
    """Make a payment whose first attempt is declined and that waits for the next."""
    payment = await retriable(durable, SOON, **fields)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "retrying")
    return payment, handle


async def recorded_elsewhere(
    durable: Durable, payment: NewPayment, change: Change, personal: PersonalData | None = None
) -> None:
    """Record a step as a worker does that is killed before Temporal hears of it: when the next attempt is due."""
    retry_at = (await durable.row(payment.id)).retry_at
    now = await durable.environment.get_current_time()
    async with each_for_itself(durable.engine).connect() as connection:
        await recording.apply(connection, payment.id, change, personal=personal, now=retry_at or now)


async def contradictions(durable: Durable, payment_id: str) -> list[str]:
    """Return the kinds of a payment's open contradictions."""
    query = select(reviews.c.kind).where(reviews.c.subject_id == payment_id)
    async with durable.engine.connect() as connection:
        return list((await connection.execute(query)).scalars())


async def test_a_recorded_retry_counts_though_its_worker_was_killed(durable: Durable) -> None:
    """The timer fires after another worker recorded a retry elsewhere: that retry is sent, once, and only there."""
    payment, handle = await retrying(durable)
    second = await another_gateway(durable, payment.merchant_id)
    begun = Retry("rty_killed", 2, Actor("api_key:1", payment.merchant_id), sealed(durable, payment))
    change = Change("2", PaymentStatus.PENDING, "retried", attempt=AttemptSeen(1), next_attempt=second, retry=begun)
    await recorded_elsewhere(durable, payment, change, OTHER)

    assert (await durable.ended(handle)).status == "success"

    assert [(each.gateway_id, each.status) for each in await attempts(durable, payment.id)] == [
        (payment.gateway_id, "failed"),
        (second.gateway_id, "succeeded"),
    ]
    assert await durable.simulator.charges(payment.id) == 1


async def test_a_recorded_cancellation_counts_though_its_worker_was_killed(durable: Durable) -> None:
    """The timer fires after another worker recorded the cancellation: no attempt is made of a cancelled payment."""
    payment, handle = await retrying(durable, instrument="wrongpin@clearway")
    await recorded_elsewhere(durable, payment, Change("2", PaymentStatus.CANCELLED, "called off"))
    with pytest.raises(WorkflowUpdateFailedError):
        await retry(handle, personal=sealed(durable, payment))

    assert (await durable.ended(handle)).status == "cancelled"
    assert await durable.simulator.charges(payment.id) == 0
    assert len(await attempts(durable, payment.id)) == 1


async def test_a_run_that_is_behind_its_row_makes_no_step_of_its_own(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run before it was reset retried the payment; the reset run repeats the first step, and counts that retry."""
    payment, authorise = await retriable(durable, SOON), SimulatorGateway.authorise
    failure = {"error_code": "insufficient_funds", "error_description": "not enough"}
    at = GatewayChoice("simulator", payment.gateway_id)
    again = Retry(f"{payment.id}:retry:2", 2)
    taken = (
        Change("1", PaymentStatus.RETRYING, "declined", attempt=AttemptSeen(1), **failure),
        Change("2", PaymentStatus.PENDING, "retried", attempt=AttemptSeen(1), next_attempt=at, retry=again),
        Change("3", PaymentStatus.RETRYING, "declined", attempt=AttemptSeen(2), **failure),
    )

    async def overtaken(self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        outcome = await authorise(self, operation)
        if operation.number == 1:
            async with each_for_itself(durable.engine).connect() as connection:
                for change in taken:
                    now = await durable.environment.get_current_time()
                    await recording.apply(connection, payment.id, change, now=now)
        return outcome

    monkeypatch.setattr(SimulatorGateway, "authorise", overtaken)
    _, handle = await durable.start(payment)
    async with asyncio.timeout(60):
        while True:  # until the run has recorded the first decline as well
            try:
                await retry(handle, personal=sealed(durable, payment))
            except WorkflowUpdateFailedError:
                await asyncio.sleep(0.1)
            else:
                break

    assert (await durable.ended(handle)).status == "success"
    assert [each.status for each in await attempts(durable, payment.id)] == ["failed", "failed", "succeeded"]


async def test_a_late_success_beside_a_success_is_reviewed(durable: Durable) -> None:
    """The declined attempt succeeds after all while its retry is on its way: the second charge is not hidden."""
    payment, handle = await retrying(durable, instrument="wrongpin@clearway")
    await durable.faults({"operation": "authorise", "fault": "slow", "times": 1, "delay_s": LONG_S})
    await retry(handle, personal=sealed(durable, payment))
    await durable.simulator.until_met()
    await handle.signal(PaymentWorkflow.gateway_event, GatewayEvent("gw_1", f"{payment.id}:authorise:1", TAKEN))
    await durable.simulator.release()

    assert (await durable.ended(handle)).status == "success"

    assert await contradictions(durable, payment.id) == ["capture_not_recorded"]
    assert (await durable.event_types(payment.id))[-1] == "payment.contradicted"
    told = " ".join(entry.what for entry in await handle.query(PaymentWorkflow.timeline))
    assert "contradicts the row" in told


async def test_a_repeated_event_beside_a_success_is_no_contradiction(durable: Durable) -> None:
    """The gateway's own event of the attempt that succeeds waits unread at the end, and agrees."""
    payment, handle = await retrying(durable, instrument="wrongpin@clearway")
    await durable.faults({"operation": "authorise", "fault": "slow", "times": 1, "delay_s": LONG_S})
    await retry(handle, personal=sealed(durable, payment))
    await durable.simulator.until_met()
    await handle.signal(PaymentWorkflow.gateway_event, GatewayEvent("gw_1", f"{payment.id}:authorise:2", TAKEN))
    await durable.simulator.release()
    assert (await durable.ended(handle)).status == "success"
    assert await contradictions(durable, payment.id) == []


async def test_a_hint_about_an_attempt_before_is_asked_about(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that only hints has taken money by the first attempt: it is asked at that attempt, and reviewed."""
    payment, handle = await retrying(durable, instrument="wrongpin@clearway")
    first = (await attempts(durable, payment.id))[0]
    await retry(handle, personal=sealed(durable, payment, "pending@razorpay"))
    asked: list[Operation] = []

    async def recover(_self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        asked.append(operation)
        return replace(TAKEN, references=dict(operation.references))

    monkeypatch.setattr(SimulatorGateway, "recover", recover)
    hint = GatewayEvent("gw_1", f"{payment.id}:authorise:1", UNKNOWN, Trust.HINT)
    await handle.signal(PaymentWorkflow.gateway_event, hint)

    await durable.until_status(payment.id, "needs_review")
    assert [(each.key, dict(each.references)) for each in asked] == [
        (f"{payment.id}:authorise:1", first.gateway_references)
    ]


async def test_a_retry_and_a_cancellation_at_once_have_one_outcome(durable: Durable) -> None:
    """Whichever comes first counts, and the money agrees with the status."""
    payment, handle = await retrying(durable, instrument="wrongpin@clearway")
    cancelling = handle.execute_update(PaymentWorkflow.cancel, CancelInput("changed my mind"), id="cxl_race")
    answers = await asyncio.gather(retry(handle, personal=sealed(durable, payment)), cancelling, return_exceptions=True)
    status = (await durable.ended(handle)).status
    refused = [each for each in answers if isinstance(each, WorkflowUpdateFailedError)]
    assert len(refused) == 1
    assert await durable.simulator.charges(payment.id) == (1 if status == "success" else 0)
    assert status in {"success", "cancelled"}


async def test_a_cancellation_waits_for_the_attempt_at_the_gateway(durable: Durable) -> None:
    """The timer has fired and the attempt is at the gateway: its outcome is recorded, then the payment is cancelled."""
    payment, handle = await retrying(durable)
    await durable.faults({"operation": "authorise", "fault": "slow", "times": 1, "delay_s": LONG_S})
    await durable.environment.sleep(3_601)
    await durable.simulator.until_met()
    assert (await durable.row(payment.id)).status == "pending"
    cancelling = await handle.start_update(
        PaymentWorkflow.cancel, CancelInput("late"), id="cxl_late", wait_for_stage=durable.ACCEPTED
    )
    await durable.simulator.release()
    await cancelling.result()
    assert (await durable.ended(handle)).status == "cancelled"
    assert [each.status for each in await attempts(durable, payment.id)] == ["failed", "failed"]
    assert await durable.simulator.charges(payment.id) == 0


async def test_a_failover_that_another_run_recorded_is_asked_about(durable: Durable) -> None:
    """A run that is behind its row does not send the next attempt again: a new run asks the gateway first."""
    payment, second = await movable(durable)
    await durable.faults(DOWN)
    # The clock of these tests is years ahead, and the row's creation is by the real one.
    _, handle = await durable.start(payment, PaymentTimings(deadline_s=100 * 365 * 86_400))
    failed = Change(
        "1", PaymentStatus.PENDING, "failed over", attempt=AttemptSeen(1, error_code="x"), next_attempt=second
    )
    await recorded_elsewhere(durable, payment, failed)
    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(payment.id) == 1
    assert [each.gateway_id for each in await attempts(durable, payment.id)] == [payment.gateway_id, second.gateway_id]
