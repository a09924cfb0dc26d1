"""Captures and cancellations are answered by their own end; final captures; limits; and going on in a new run."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import select
from temporalio import workflow
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from clearway.db.tables import events, payment_commands
from clearway.domain import ids
from clearway.domain.actor import Actor
from clearway.domain.limits import CAPTURES_PER_PAYMENT_MAX
from clearway.domain.payment import NewPayment
from clearway.domain.refund import NewRefund
from clearway.domain.retry import RetryPolicy
from clearway.durable.messages import (
    QUEUE_PAYMENTS,
    CancelInput,
    CaptureInput,
    GatewayEvent,
    PaymentInput,
    Resolution,
    RetryInput,
    payment_workflow_id,
)
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from tests.support.durable import PATIENCE_S, Durable
from workflows.payment import PaymentWorkflow

Handle = WorkflowHandle[Any, Any]


async def authorised(durable: Durable, **fields: Any) -> tuple[NewPayment, Handle]:
    """Bring a manual-capture payment to `authorized`."""
    payment = await durable.new_payment(capture_method="manual", **fields)
    await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    return payment, durable.client.get_workflow_handle(payment_workflow_id(payment.id))


async def capture(handle: Handle, amount_minor: int | None = None, *, final: bool = False) -> dict[str, Any]:
    """Capture as the API does."""
    asked = CaptureInput(ids.new_id(ids.CAPTURE), amount_minor, final)
    return await handle.execute_update(PaymentWorkflow.capture, asked, id=asked.capture_id)


async def refused(ask: Any) -> ApplicationError:
    """Return the refusal in which an update ends."""
    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await ask
    assert isinstance(raised.value.cause, ApplicationError)
    return raised.value.cause


async def details(handle: Handle) -> str:
    """Return what the Temporal UI shows as Current Details."""
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


async def commands_of(durable: Durable, payment_id: str) -> dict[str, str]:
    """Return the status of each command of a payment."""
    query = select(payment_commands.c.id, payment_commands.c.status).where(payment_commands.c.payment_id == payment_id)
    async with durable.engine.connect() as connection:
        return {row.id: row.status for row in await connection.execute(query)}


MEMBER = "user:usr_01jd3xq2w8v5n7k4t6y9c1b0za"


@pytest.mark.parametrize(("asked_by", "shown"), [(MEMBER, MEMBER), ("key:key_test_1", "merchant")])
async def test_the_history_names_the_member_who_asked(durable: Durable, asked_by: str, shown: str) -> None:
    """What a member asks for has their id as its actor, and what a key asks for has `merchant`."""
    merchant_id = await durable.merchant()
    actor = Actor(asked_by, merchant_id)
    payment, handle = await authorised(durable, merchant_id=merchant_id, asked_by=actor)
    some = CaptureInput(ids.new_id(ids.CAPTURE), 20_000, final=False, asked_by=actor)
    await handle.execute_update(PaymentWorkflow.capture, some, id=some.capture_id)
    rest = CancelInput("the rest is not needed", asked_by=actor)
    await handle.execute_update(PaymentWorkflow.cancel, rest, id=ids.new_id("cxl"))
    await durable.refund(payment, 10_000, asked_by=actor)
    by = dict(await actors_of(durable, payment.id))
    of_merchant = ("payment.created", "payment.captured", "payment.success", "refund.created")
    assert [by[each] for each in of_merchant] == [shown] * 4
    assert by["payment.authorized"] == "gateway"


async def test_the_history_names_the_member_who_retried(durable: Durable) -> None:
    """A retry that a member asks for has their id as its actor."""
    payment = await durable.new_payment(retries=asdict(RetryPolicy(0, 3_600, 86_400)), instrument="lowfunds@clearway")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "retrying")
    again = RetryInput(ids.new_id("rty"), asked_by=Actor(MEMBER, payment.merchant_id))
    await handle.execute_update(PaymentWorkflow.retry, again, id=again.retry_id)
    assert ("payment.retried", MEMBER) in await actors_of(durable, payment.id)


async def actors_of(durable: Durable, payment_id: str) -> list[tuple[str, str]]:
    """Return the type and the actor of each step of a payment."""
    query = select(events.c.type, events.c.actor).where(events.c.payment_id == payment_id).order_by(events.c.id)
    async with durable.engine.connect() as connection:
        return [(row.type, row.actor) for row in await connection.execute(query)]


async def test_a_final_capture_releases_the_rest(durable: Durable) -> None:
    """The captured part is booked, the rest is voided at the gateway, the payment ends and its order is paid."""
    payment, handle = await authorised(durable)

    answer = await capture(handle, 20_000, final=True)

    assert (answer["status"], answer["amount_captured"]) == ("success", 20_000)
    assert [each["amount"] for each in await durable.simulator.effects(payment.id, "voided")] == [30_000]
    assert await durable.order_status(payment.order_id) == "paid"
    assert await durable.books(payment.merchant_id) == {"payable": -20_000}
    assert (await durable.event_types(payment.id))[-2:] == ["payment.captured", "payment.success"]


async def test_each_command_of_a_race_is_answered_by_its_own_end(durable: Durable) -> None:
    """Capture, cancel, capture at once: the second capture is a success only if it took its amount."""
    for _ in range(6):
        payment, handle = await authorised(durable, amount_minor=1_000)
        asks = (
            capture(handle, 400),
            handle.execute_update(PaymentWorkflow.cancel, CancelInput()),
            capture(handle, 400),
        )
        answers = await asyncio.gather(*asks, return_exceptions=True)

        taken = sum(not isinstance(answer, BaseException) for answer in (answers[0], answers[2]))
        row = await durable.row(payment.id)
        assert row.captured_minor == 400 * taken
        assert await durable.simulator.charges(payment.id) == taken


async def test_no_more_than_fifty_captures(durable: Durable) -> None:
    """The fifty-first capture is refused with the limit, and the gateway is not called."""
    payment, handle = await authorised(durable)
    for _ in range(CAPTURES_PER_PAYMENT_MAX):
        await capture(handle, 1)

    refusal = await refused(capture(handle, 1))

    assert refusal.type == "not_capturable"
    assert "has had 50 captures, the most that are allowed" in refusal.message
    assert await durable.simulator.charges(payment.id) == CAPTURES_PER_PAYMENT_MAX
    await handle.execute_update(PaymentWorkflow.cancel, CancelInput())


async def test_a_capture_of_another_amount_says_so(durable: Durable) -> None:
    """The gateway took less than was asked: the answer names both amounts, and the books say what moved."""
    payment, handle = await authorised(durable)
    await durable.faults({"operation": "capture", "fault": "wrong_amount", "times": 1})

    refusal = await refused(capture(handle, 20_000))
    waiting = await refused(capture(handle, 1))

    assert refusal.type == "outcome_unknown"
    assert "captured INR 199.99, and INR 200.00 was asked for" in refusal.message
    assert waiting.type == "not_capturable"
    assert (await durable.last_event(payment.id)).reason == (
        "a capture: the gateway reports INR 199.99, and INR 200.00 was requested"
    )
    assert (await details(handle)).startswith("**Now:** needs_review since ")
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "ana", "seen", amount=19_999))
    await durable.until_status(payment.id, "authorized")
    assert await durable.books(payment.merchant_id) == {"payable": -19_999}
    assert list((await commands_of(durable, payment.id)).values()) == ["done"]
    ended = await handle.execute_update(PaymentWorkflow.cancel, CancelInput())
    assert (ended["status"], ended["amount_captured"]) == ("success", 19_999)


async def test_a_decision_about_the_last_capture_releases_the_rest(durable: Durable) -> None:
    """A final capture that an operator confirms ends the payment as any other: nothing stays held at the gateway."""
    payment, handle = await authorised(durable)
    await durable.faults({"operation": "capture", "fault": "wrong_amount", "times": 1})
    assert (await refused(capture(handle, 20_000, final=True))).type == "outcome_unknown"
    decision = Resolution("success", "ana", "seen", amount=19_999)
    decided = await handle.execute_update(PaymentWorkflow.resolve, decision)
    assert (decided["status"], decided["amount_captured"]) == ("success", 19_999)
    assert [each["amount"] for each in await durable.simulator.effects(payment.id, "voided")] == [30_001]
    assert list((await commands_of(durable, payment.id)).values()) == ["done", "done"]


async def test_an_operator_says_what_an_automatic_payment_took(durable: Durable) -> None:
    """A success over another amount than asked must name it, and ends as a success over that amount."""
    await durable.faults({"operation": "authorise", "fault": "wrong_amount", "times": 1})
    payment = await durable.new_payment()
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "needs_review")

    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "ana", "seen"))
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("failed", "ana", "seen", amount=1))
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "ana", "seen", amount=49_999))

    assert (await durable.ended(handle)).captured_minor == 49_999
    told = " ".join(entry.what for entry in await handle.query(PaymentWorkflow.timeline))
    assert "give the amount that moved, in minor units (`amount`; `--amount` on the command line)" in told
    assert "leave the amount out, or choose success" in told
    assert await durable.books(payment.merchant_id) == {"payable": -49_999}


async def test_current_details_open_with_what_is_awaited(durable: Durable) -> None:
    """The first line has the status, what the payment waits for and until when; the newest entry follows."""
    payment, handle = await authorised(durable)
    await capture(handle, 1_000)

    first, *rest = (await details(handle)).splitlines()

    assert first.startswith("**Now:** authorized since ")
    assert "INR 10.00 of INR 500.00 captured; awaits a capture or a cancellation until " in first
    assert f"gateway reference `{(await durable.row(payment.id)).gateway_reference}`" in first
    entries = [line for line in rest if line.startswith("- ")]
    assert entries[0].endswith("authorized -> authorized: captured INR 10.00")
    assert entries[-1].endswith("recorded")
    await handle.execute_update(PaymentWorkflow.cancel, CancelInput())


async def test_a_long_history_goes_on_in_a_new_run(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near Temporal's limits the run hands over: commands are answered, later ones reach the next run."""
    payment, handle = await authorised(durable)
    first_run = (await handle.describe()).run_id
    _first_runs_are_long(monkeypatch)

    await capture(handle, 10_000)
    await capture(handle, 15_000)
    ended = await capture(handle, final=True)

    assert (ended["status"], ended["amount_captured"]) == ("success", 50_000)
    described = await durable.client.get_workflow_handle(handle.id, run_id=first_run).describe()
    assert described.status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    assert await durable.simulator.charges(payment.id) == 3


async def test_what_was_not_acted_on_is_handed_over(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that a long run has not handled is in the next run's inbox."""
    _first_runs_are_long(monkeypatch)
    payment = await durable.new_payment(instrument="pending@razorpay")
    outcome = GatewayOutcome(
        OutcomeKind.APPROVED, references={"payment": "gw"}, amount_minor=50_000, currency="INR", captured=True
    )
    approved = GatewayEvent("gw_1", f"{payment.id}:authorise:1", outcome)
    workflow_id = payment_workflow_id(payment.id)

    await durable.client.start_workflow(
        PaymentWorkflow.run,
        PaymentInput(payment),
        id=workflow_id,
        task_queue=QUEUE_PAYMENTS,
        start_signal="gateway_event",
        start_signal_args=[approved],
    )

    handle = durable.client.get_workflow_handle_for(PaymentWorkflow.run, workflow_id)
    assert (await durable.ended(handle)).status == "success"


def _first_runs_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    suggested = lambda info: info.continued_run_id is None  # noqa: E731 - patched over a method
    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", suggested)


async def test_a_processed_refund_that_comes_back_is_reversed(durable: Durable) -> None:
    """The gateway pays out and takes back: the refund is reversed, the books too, and the amount can be refunded."""
    payment = await durable.paid(instrument="refundreversed@clearway")
    reserved, handle = await durable.refund(payment, 10_000)
    assert (await durable.ended(handle)).status == "processed"
    async with asyncio.timeout(PATIENCE_S):
        while not await durable.simulator.effects(payment.id, "refund_reversed"):
            await asyncio.sleep(0.05)

    again = await durable.take_up_refund(NewRefund(reserved["id"], payment.merchant_id, payment.id, 10_000))

    assert (await durable.ended(again)).status == "reversed"
    row = await durable.row(payment.id)
    assert (row.refunded_minor, row.refund_pending_minor) == (0, 0)
    assert await durable.books(payment.merchant_id) == {"payable": -50_000}
    assert (await durable.event_types(payment.id))[-1] == "refund.reversed"
    assert (await durable.refund_row(reserved["id"])).error_code == "refund_failed"
