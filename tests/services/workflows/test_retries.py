"""Retries of a payment whose attempt failed: by schedule, by hand, and their end."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from clearway.db.engine import each_for_itself
from clearway.db.payments import recording
from clearway.db.payments.rows import new_payment_of
from clearway.domain import ids
from clearway.domain.payment import Change, NewPayment, PaymentStatus, PersonalData
from clearway.domain.retry import RetryPolicy
from clearway.durable.messages import GatewayEvent, RetryInput
from clearway.durable.sealed import seal
from clearway.gateways.contract import Closes, GatewayOutcome, OutcomeKind
from clearway.gateways.simulator.client import SimulatorGateway
from tests.services.workflows.test_attempts import attempts
from tests.services.workflows.test_failover import another_gateway, closes
from tests.services.workflows.test_taking_up import Lost
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow

POLICY = RetryPolicy(scheduled=2, first_wait_s=3_600, within_s=7 * 86_400)
TIMER_STARTED = EventType.EVENT_TYPE_TIMER_STARTED
LOW_FUNDS = "lowfunds@clearway"
"""The simulator declines with insufficient_funds, which passes."""


async def retriable(durable: Durable, policy: RetryPolicy = POLICY, **fields: Any) -> NewPayment:
    """Describe a payment with retries."""
    merchant_id = await durable.merchant(endpoint=True)
    return await durable.new_payment(merchant_id, retries=asdict(policy), **({"instrument": LOW_FUNDS} | fields))


async def retry(handle: WorkflowHandle[Any, Any], **asked: Any) -> dict[str, Any]:
    """Retry as the API does."""
    wanted = RetryInput(**({"retry_id": f"rty_{handle.id[-26:]}"} | asked))
    answer: dict[str, Any] = await handle.execute_update(PaymentWorkflow.retry, wanted, id=wanted.retry_id)
    return answer


async def test_a_passing_decline_is_retried_by_schedule_and_then_fails(durable: Durable) -> None:
    """Each wait is longer, each attempt has its key, the merchant hears of each, and `failed` comes after the last."""
    payment = await retriable(durable)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    tried = await attempts(durable, payment.id)
    assert [(each.number, each.status, each.error_code) for each in tried] == [
        (number, "failed", "insufficient_funds") for number in (1, 2, 3)
    ]
    history = await handle.fetch_history()
    timers = [each.timer_started_event_attributes for each in history.events if each.event_type == TIMER_STARTED]
    assert [round(each.start_to_fire_timeout.ToSeconds() / 3_600) for each in timers][:2] == [1, 3]
    assert await durable.event_types(payment.id) == [
        "payment.created",
        *("payment.retrying", "payment.retried", "payment.retrying", "payment.retried"),
        *("payment.retrying", "payment.failed"),
    ]


async def test_a_decline_for_good_waits_for_the_merchant(durable: Durable) -> None:
    """What does not pass is not retried by schedule; another instrument of the merchant takes the money, once."""
    payment = await retriable(durable, instrument="wrongpin@clearway")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "retrying")
    assert (await durable.row(payment.id)).retry_at is None
    other = seal(durable.cipher, payment.id, PersonalData("success@razorpay", {"vpa": "success@razorpay"}))
    answer = await retry(handle, personal=other)
    assert answer["status"] == "pending"
    assert (await durable.ended(handle)).status == "success"
    row = await durable.row(payment.id)
    assert (row.instrument, row.personal) == ({"vpa": "success@razorpay"}, None)
    assert await durable.simulator.charges(payment.id) == 1


async def test_a_retry_goes_to_the_gateway_that_is_named(durable: Durable) -> None:
    """A merchant may retry elsewhere: the payment has the other gateway then, and the order stays taken."""
    payment = await retriable(durable)
    second = await another_gateway(durable, payment.merchant_id)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "retrying")
    other = await durable.new_payment(payment.merchant_id, order_id=payment.order_id)
    with pytest.raises(WorkflowUpdateFailedError):
        await durable.start(other)
    await retry(handle, at=second)
    await durable.until_status(payment.id, "retrying")
    assert [each.gateway_id for each in await attempts(durable, payment.id)] == [payment.gateway_id, second.gateway_id]


async def test_a_payment_without_retries_fails_at_once_and_cannot_be_retried(durable: Durable) -> None:
    """Retries are the merchant's choice, because the customer is not there: without them `failed` is final."""
    payment = await durable.new_payment(instrument=LOW_FUNDS)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    pending = await durable.new_payment(instrument="pending@razorpay", retries=asdict(POLICY))
    _, handle = await durable.start(pending)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await retry(handle)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "not_retryable"
    assert len(await attempts(durable, pending.id)) == 1


async def test_the_end_of_the_time_fails_the_payment(durable: Durable) -> None:
    """A payment that nobody retries fails at the end of its policy, with the code of its last attempt."""
    payment = await retriable(durable, RetryPolicy(0, 3_600, 7_200))
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    row = await durable.row(payment.id)
    assert (row.error_code, len(await attempts(durable, payment.id))) == ("insufficient_funds", 1)


async def test_no_scheduled_attempt_is_made_after_the_end_of_the_time(durable: Durable) -> None:
    """Nobody worked when the attempt was due, and the policy's time has passed since: the payment fails, unsent."""
    ago = timedelta(hours=3)
    payment_id = await durable.new_id(ids.PAYMENT, ago)
    left = Lost(durable, await retriable(durable, RetryPolicy(2, 3_600, 7_200), id=payment_id))
    left.ago = ago
    await left.recorded()
    await left.authorised_at_gateway()
    now = await durable.environment.get_current_time()
    change = Change(
        *("1", PaymentStatus.RETRYING, "declined"),
        retry_at=now - timedelta(hours=2),
        gateway_reference=left.reference,
        error_code="insufficient_funds",
        error_description="There was not enough money.",
    )
    async with each_for_itself(durable.engine).connect() as connection:
        await recording.apply(connection, left.new.id, change, now=now - timedelta(hours=3))
        new = new_payment_of(await recording.find(connection, left.new.id))

    handle = await durable.take_up(new)

    assert (await durable.ended(handle)).status == "failed"
    assert [each.number for each in await attempts(durable, new.id)] == [1]


async def test_a_payment_that_is_retrying_can_be_cancelled(durable: Durable) -> None:
    """A cancellation between two attempts needs no gateway: nothing is open there, and no attempt follows."""
    payment = await retriable(durable)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "retrying")
    await handle.execute_update("cancel", {"reason": "paid in cash"}, id=f"cxl_{payment.id}")
    assert (await durable.ended(handle)).status == "cancelled"
    assert len(await attempts(durable, payment.id)) == 1


async def test_an_open_door_leaves_no_retry(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the failed attempt may still be paid, no other is begun: the payment fails with it."""
    closes(monkeypatch, Closes.NEVER)
    payment = await retriable(durable)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    assert await durable.event_types(payment.id) == ["payment.created", "payment.failed"]


async def test_a_success_of_an_attempt_that_failed_is_reviewed(durable: Durable) -> None:
    """A gateway that takes a decline back is not believed without a person: no further attempt is made."""
    payment = await retriable(durable)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "retrying")
    taken = GatewayOutcome(OutcomeKind.APPROVED, amount_minor=50_000, currency="INR", captured=True)
    await handle.signal(PaymentWorkflow.gateway_event, GatewayEvent("gw_1", f"{payment.id}:authorise:1", taken))
    await durable.until_status(payment.id, "needs_review")


async def test_a_lost_run_is_taken_up_between_two_attempts(durable: Durable) -> None:
    """The row has the policy, the next moment and the retries made: the schedule goes on, and nothing is sent twice."""
    left = await Lost(durable, await retriable(durable)).recorded()
    await left.authorised_at_gateway()
    retry_at = await durable.environment.get_current_time() + timedelta(hours=2)
    change = Change("1", PaymentStatus.RETRYING, "declined", retry_at=retry_at, gateway_reference=left.reference)
    async with each_for_itself(durable.engine).connect() as connection:
        await recording.apply(connection, left.new.id, change, now=await durable.environment.get_current_time())
        new = new_payment_of(await recording.find(connection, left.new.id))

    handle = await durable.take_up(new)

    assert (await durable.ended(handle)).status == "failed"
    assert [each.number for each in await attempts(durable, new.id)] == [1, 2, 3]


async def test_a_retry_that_was_not_sent_is_sent_once(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway charges the second attempt and its answer is lost: it is asked, and charges once."""
    payment = await retriable(durable, instrument="wrongpin@clearway")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "retrying")
    other = seal(durable.cipher, payment.id, PersonalData("success@razorpay", {"vpa": "success@razorpay"}))
    await durable.faults({"operation": "authorise", "fault": "executed_then_dropped", "times": 1})
    await retry(handle, personal=other)
    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(payment.id) == 1
    assert SimulatorGateway.name == (await durable.row(payment.id)).gateway
