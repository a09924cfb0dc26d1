"""The life of a payment: each path and each timer, in Temporal's time-skipping environment."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from clearway.domain import ids
from clearway.domain.payment import NewPayment
from clearway.durable.messages import CancelInput, CaptureInput, GatewayEvent, PaymentTimings
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow

DAY = timedelta(days=1)


async def authorised(durable: Durable, **fields: Any) -> tuple[NewPayment, WorkflowHandle[Any, Any]]:
    """Bring a manual-capture payment to `authorized`."""
    payment = await durable.new_payment(capture_method="manual", **fields)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    return payment, handle


async def capture(
    handle: WorkflowHandle[Any, Any], amount_minor: int | None = None, *, final: bool = False
) -> dict[str, Any]:
    """Capture as the API does."""
    asked = CaptureInput(ids.new_id(ids.CAPTURE), amount_minor, final)
    return await handle.execute_update(PaymentWorkflow.capture, asked, id=asked.capture_id)


def refusal(raised: pytest.ExceptionInfo[WorkflowUpdateFailedError]) -> str | None:
    """Return the type of the refusal in which an update ended."""
    cause = raised.value.cause
    assert isinstance(cause, ApplicationError)
    return cause.type


async def test_an_approved_payment_is_a_success(durable: Durable) -> None:
    """A payment is recorded as pending, charged once, captured, and ends in success; its order is paid."""
    payment = await durable.new_payment()

    recorded, handle = await durable.start(payment)
    result = await durable.ended(handle)

    assert recorded["status"] == "pending"
    assert result.status == "success"
    row = await durable.row(payment.id)
    assert (row.status, row.captured_minor) == ("success", 50_000)
    assert await durable.event_types(payment.id) == ["payment.created", "payment.success"]
    assert await durable.simulator.charges(payment.id) == 1
    assert await durable.order_status(payment.order_id) == "paid"
    assert await durable.books(payment.merchant_id) == {"payable": -50_000}


async def test_a_declined_payment_fails_and_its_order_can_be_paid_again(durable: Durable) -> None:
    """A decline ends in failed with the unified code and a description, and frees the order."""
    payment = await durable.new_payment(instrument="lowfunds@clearway")
    _, handle = await durable.start(payment)

    assert (await durable.ended(handle)).status == "failed"
    row = await durable.row(payment.id)
    assert row.error_code == "insufficient_funds"
    assert row.error_description
    again = await durable.paid(merchant_id=payment.merchant_id, order_id=payment.order_id)
    assert await durable.order_status(again.order_id) == "paid"


async def test_an_order_is_paid_once(durable: Durable) -> None:
    """A payment of a paid order is refused: nothing is recorded, and the gateway gets no request."""
    first = await durable.paid()
    second = await durable.new_payment(first.merchant_id, order_id=first.order_id)

    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await durable.start(second)

    assert refusal(raised) == "order_taken"
    assert await durable.event_types(second.id) == []
    assert await durable.simulator.effects(second.id) == []


async def test_racing_payments_of_an_order_come_to_one(durable: Durable) -> None:
    """Of ten payments that race for one order exactly one is recorded and charged."""
    merchant_id = await durable.merchant()
    order_id = await durable.order(merchant_id)
    racing = [await durable.new_payment(merchant_id, order_id=order_id) for _ in range(10)]

    answers = await asyncio.gather(*(durable.start(payment) for payment in racing), return_exceptions=True)

    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    lost = [answer for answer in answers if isinstance(answer, WorkflowUpdateFailedError)]
    assert (len(won), len(lost)) == (1, 9)
    await durable.ended(won[0][1])
    assert sum([await durable.simulator.charges(payment.id) for payment in racing]) == 1


async def test_manual_capture_in_parts(durable: Durable) -> None:
    """An authorised payment is captured in parts, each with an event and a booking, until nothing is left."""
    payment, handle = await authorised(durable)
    assert await durable.simulator.charges(payment.id) == 0

    part = await capture(handle, 20_000)
    assert (part["status"], part["captured"], part["amount_captured"]) == ("authorized", True, 20_000)
    whole = await capture(handle)
    assert (whole["status"], whole["amount_captured"]) == ("success", 50_000)

    assert (await durable.ended(handle)).captured_minor == 50_000
    assert await durable.event_types(payment.id) == [
        "payment.created",
        "payment.authorized",
        "payment.captured",
        "payment.captured",
        "payment.success",
    ]
    assert await durable.simulator.charges(payment.id) == 2
    assert await durable.books(payment.merchant_id) == {"payable": -50_000}


async def test_a_capture_never_exceeds_what_is_authorised(durable: Durable) -> None:
    """A capture beyond what is left is refused before any request to the gateway, also when captures race."""
    payment, handle = await authorised(durable)

    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await capture(handle, 50_001)
    assert refusal(raised) == "not_capturable"

    racing = await asyncio.gather(*(capture(handle, 20_000) for _ in range(5)), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in racing) == 2
    assert (await durable.row(payment.id)).captured_minor == 40_000
    assert await durable.simulator.charges(payment.id) == 2
    await handle.execute_update(PaymentWorkflow.cancel, CancelInput())


async def test_the_same_capture_asked_twice_is_done_once(durable: Durable) -> None:
    """A capture is known by its id: a repetition gets the same answer and takes nothing more."""
    payment, handle = await authorised(durable)
    asked = CaptureInput(ids.new_id(ids.CAPTURE), 10_000, final=False)

    first = await handle.execute_update(PaymentWorkflow.capture, asked, id=asked.capture_id)
    second = await handle.execute_update(PaymentWorkflow.capture, asked, id=asked.capture_id)

    assert first == second
    assert await durable.simulator.charges(payment.id) == 1
    await handle.execute_update(PaymentWorkflow.cancel, CancelInput())


async def test_cancelling_releases_the_authorisation(durable: Durable) -> None:
    """A cancelled authorisation is voided at the gateway; nothing is ever taken."""
    payment, handle = await authorised(durable)

    cancelled = await handle.execute_update(PaymentWorkflow.cancel, CancelInput())

    assert cancelled["status"] == "cancelled"
    assert (await durable.ended(handle)).status == "cancelled"
    assert await durable.simulator.charges(payment.id) == 0
    assert len(await durable.simulator.effects(payment.id, "voided")) == 1


async def test_cancelling_after_a_partial_capture_keeps_what_was_taken(durable: Durable) -> None:
    """Releasing the rest of a partly captured payment makes it a success over what was captured."""
    payment, handle = await authorised(durable)
    await capture(handle, 30_000)

    ended = await handle.execute_update(PaymentWorkflow.cancel, CancelInput())

    assert (ended["status"], ended["amount_captured"]) == ("success", 30_000)
    assert await durable.books(payment.merchant_id) == {"payable": -30_000}


async def test_a_pending_payment_can_be_cancelled(durable: Durable) -> None:
    """A payment that the gateway has not decided is cancelled there first, then here."""
    payment = await durable.new_payment(instrument="pending@razorpay")
    _, handle = await durable.start(payment)

    cancelled = await handle.execute_update(PaymentWorkflow.cancel, CancelInput("the customer went away"))

    assert cancelled["status"] == "cancelled"
    assert await durable.simulator.charges(payment.id) == 0


async def test_an_authorisation_expires(durable: Durable) -> None:
    """An authorisation that nobody captures is released after its time, not before."""
    payment, handle = await authorised(durable)

    await durable.environment.sleep(6.9 * DAY)
    assert (await durable.row(payment.id)).status == "authorized"
    assert (await durable.ended(handle)).status == "expired"
    assert (await durable.row(payment.id)).error_code == "payment_expired"
    assert await durable.simulator.charges(payment.id) == 0


async def test_an_expiring_authorisation_keeps_what_was_captured(durable: Durable) -> None:
    """A partly captured payment ends in success over that part when its authorisation expires."""
    payment, handle = await authorised(durable)
    await capture(handle, 1_000)

    assert (await durable.ended(handle)).status == "success"
    assert (await durable.row(payment.id)).captured_minor == 1_000


async def test_a_pending_payment_is_polled_until_the_deadline(durable: Durable) -> None:
    """A payment that stays pending shows as processing after the first poll, and expires at its deadline."""
    payment = await durable.new_payment(instrument="pending@razorpay")
    _, handle = await durable.start(payment, PaymentTimings(poll_intervals_s=(10, 20), deadline_s=100))
    started = (await handle.describe()).start_time

    assert (await durable.ended(handle)).status == "expired"
    assert await durable.event_types(payment.id) == ["payment.created", "payment.processing", "payment.expired"]
    closed = (await handle.describe()).close_time
    assert closed is not None
    assert timedelta(seconds=100) <= closed - started < timedelta(seconds=140)
    assert await durable.simulator.charges(payment.id) == 0


async def test_a_poll_finds_what_no_webhook_reported(durable: Durable) -> None:
    """A payment that the gateway approves without a webhook is found by the next poll."""
    payment = await durable.new_payment(instrument="approve@clearway")
    recorded, handle = await durable.start(payment)
    await durable.until_status(payment.id, "requires_action")
    assert recorded["next_action"] is None

    await durable.customer_approves(payment.id)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.event_types(payment.id) == [
        "payment.created",
        "payment.requires_action",
        "payment.success",
    ]


async def test_a_customer_who_has_acted_is_not_sent_to_the_page_again(durable: Durable) -> None:
    """When the gateway starts to process, the payment is processing at once, and has no page to visit."""
    payment = await durable.new_payment(instrument="approve@clearway")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "requires_action")
    page = (await durable.row(payment.id)).action_url

    pending = GatewayOutcome(OutcomeKind.PENDING, references={"payment": "gw_ref"}, amount_minor=50_000, currency="INR")
    acted = GatewayEvent("gw_1", f"{payment.id}:authorise:1", pending)
    await handle.signal(PaymentWorkflow.gateway_event, acted)

    await durable.until_status(payment.id, "processing")
    assert (await durable.row(payment.id)).action_url is None
    await durable.simulator.http.post(f"{page}/complete")
    assert (await durable.ended(handle)).status == "success"


async def test_a_customer_who_never_acts_lets_the_payment_expire(durable: Durable) -> None:
    """A payment that waits for its customer ends at the deadline without a charge."""
    payment = await durable.new_payment(instrument="approve@clearway")
    _, handle = await durable.start(payment)

    assert (await durable.ended(handle)).status == "expired"
    assert await durable.simulator.charges(payment.id) == 0


async def test_recording_twice_makes_one_payment(durable: Durable) -> None:
    """Starting the same payment again answers with the same resource and charges nothing more."""
    payment = await durable.new_payment()

    (first, handle), (second, _) = await asyncio.gather(durable.start(payment), durable.start(payment))
    await durable.ended(handle)

    assert first == second
    assert await durable.simulator.charges(payment.id) == 1


async def test_the_timeline_has_every_step(durable: Durable) -> None:
    """The timeline query returns every step in order, in words."""
    payment = await durable.new_payment()
    _, handle = await durable.start(payment)
    await durable.ended(handle)

    told = [entry.what for entry in await handle.query(PaymentWorkflow.timeline)]

    assert told == ["recorded", "pending -> success: approved and captured by the gateway"]
