"""What the network and the gateway can do to a payment: it is charged once, or not at all, and the truth is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from clearway.durable.messages import CaptureInput, GatewayEvent, PaymentTimings, Resolution
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow

EXECUTED_WITHOUT_ANSWER = ["executed_then_timeout", "executed_then_dropped", "error_after_charge", "malformed"]
SURELY_NOT_EXECUTED = ["error_before", "rate_limited"]


def gateway_event(
    payment_id: str, kind: OutcomeKind, *, amount_minor: int = 50_000, event_id: str = "gw_1"
) -> GatewayEvent:
    """Make a gateway event about an authorisation."""
    outcome = GatewayOutcome(
        kind, references={"payment": "gw_ref"}, amount_minor=amount_minor, currency="INR", captured=True
    )
    return GatewayEvent(event_id, f"{payment_id}:authorise:1", outcome)


async def pays_once(durable: Durable) -> WorkflowHandle[Any, Any]:
    """Create a payment, which succeeds and is charged once; return its workflow."""
    payment = await durable.new_payment()
    _, handle = await durable.start(payment)

    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(payment.id) == 1
    return handle


@pytest.mark.parametrize("fault", EXECUTED_WITHOUT_ANSWER)
async def test_a_charge_without_an_answer_is_asked_about(durable: Durable, fault: str) -> None:
    """When the gateway charges and does not say so, we ask, find it, and never charge again."""
    await durable.faults({"operation": "authorise", "fault": fault, "times": 1, "delay_s": 1})
    await pays_once(durable)


@pytest.mark.parametrize("fault", [*SURELY_NOT_EXECUTED, "dropped_before"])
async def test_what_was_not_executed_is_sent_again(durable: Durable, fault: str) -> None:
    """When the gateway did nothing, the same request with the same key is sent again, and charges once."""
    await durable.faults({"operation": "authorise", "fault": fault, "times": 2})
    await pays_once(durable)


async def test_a_gateway_that_does_not_know_yet_is_asked_again(durable: Durable) -> None:
    """A look-up that says "not found" although the charge was made does not lead to a second charge."""
    await durable.faults(
        {"operation": "look_up", "fault": "not_found_yet", "times": 2},
        {"operation": "authorise", "fault": "executed_then_dropped", "times": 1},
    )
    await pays_once(durable)


async def test_a_gateway_that_denies_a_charge_for_long_still_charges_once(durable: Durable) -> None:
    """Even when the gateway denies the charge three times and it is sent again, the key keeps it one charge."""
    await durable.faults(
        {"operation": "look_up", "fault": "not_found_yet", "times": 3},
        {"operation": "authorise", "fault": "executed_then_dropped", "times": 1},
    )
    await pays_once(durable)


async def test_an_unanswered_question_does_not_make_us_ask_all_over_again(durable: Durable) -> None:
    """Three times "not found" are enough, though a question between them was not answered."""
    await durable.faults(
        {"operation": "authorise", "fault": "executed_then_dropped", "times": 1},
        {"operation": "look_up", "fault": "not_found_yet", "times": 2},
        {"operation": "look_up", "fault": "error_before", "times": 1},
        {"operation": "look_up", "fault": "not_found_yet", "times": 1},
    )
    handle = await pays_once(durable)
    moments = [event.event_time.ToDatetime() async for event in handle.fetch_history_events()]
    assert moments[-1] - moments[0] < timedelta(seconds=90)


async def test_a_gateway_that_is_down_fails_the_payment(durable: Durable) -> None:
    """When every attempt was surely not executed, the payment fails and says that nothing was taken."""
    await durable.faults({"operation": "authorise", "fault": "error_before"})
    payment = await durable.new_payment()
    _, handle = await durable.start(payment)

    assert (await durable.ended(handle)).status == "failed"
    assert (await durable.row(payment.id)).error_code == "gateway_unavailable"
    assert await durable.simulator.effects(payment.id) == []


async def test_doubt_is_never_turned_into_a_failure_by_time(durable: Durable) -> None:
    """When nobody can find out what happened, the payment waits for a person, and the gateway's word can end it."""
    await durable.faults(
        {"operation": "authorise", "fault": "executed_then_dropped", "times": 1},
        {"operation": "look_up", "fault": "error_before"},
    )
    payment = await durable.new_payment()
    _, handle = await durable.start(payment, PaymentTimings(deadline_s=600))

    await durable.skip_until_status(payment.id, "needs_review")
    assert await durable.simulator.charges(payment.id) == 1

    await handle.signal(PaymentWorkflow.gateway_event, gateway_event(payment.id, OutcomeKind.APPROVED))
    assert (await durable.ended(handle)).status == "success"
    assert await durable.books(payment.merchant_id) == {"payable": -50_000}


@pytest.mark.parametrize(("outcome", "books"), [("success", {"payable": -49_999}), ("failed", {})])
async def test_an_operator_resolves_a_review(durable: Durable, outcome: str, books: dict[str, int]) -> None:
    """An operator's decision ends a review, is booked, and names the operator; a senseless one changes nothing."""
    await durable.faults({"operation": "authorise", "fault": "wrong_amount", "times": 1})
    payment = await durable.new_payment()
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "needs_review")

    await handle.signal(PaymentWorkflow.resolve_review, Resolution("expired", "ana", "not a decision"))
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("nonsense", "ana", "not a status"))
    await handle.signal(PaymentWorkflow.resolve_review, {"outcome": "failed"})
    amount = 49_999 if outcome == "success" else None
    await handle.signal(PaymentWorkflow.resolve_review, Resolution(outcome, "ana", "asked the bank", amount=amount))

    assert (await durable.ended(handle)).status == outcome
    assert await durable.books(payment.merchant_id) == books
    assert (await durable.last_event(payment.id)).actor == "operator:ana"
    told = " ".join(entry.what for entry in await handle.query(PaymentWorkflow.timeline))
    assert "must be one of authorized, cancelled, failed, success" in told
    assert "it must look like" in told


async def test_a_gateway_event_settles_a_pending_payment_before_the_poll(durable: Durable) -> None:
    """A gateway's webhook moves the payment at once; the same event again changes nothing."""
    payment = await durable.new_payment(instrument="pending@razorpay")
    _, handle = await durable.start(payment)

    for _ in range(3):
        await handle.signal(PaymentWorkflow.gateway_event, gateway_event(payment.id, OutcomeKind.APPROVED))

    assert (await durable.ended(handle)).status == "success"
    assert await durable.event_types(payment.id) == ["payment.created", "payment.success"]


async def test_a_gateway_event_with_another_amount_needs_review(durable: Durable) -> None:
    """An approval over another amount than asked is not believed: the payment needs review."""
    payment = await durable.new_payment(instrument="pending@razorpay")
    _, handle = await durable.start(payment)

    await handle.signal(
        PaymentWorkflow.gateway_event, gateway_event(payment.id, OutcomeKind.APPROVED, amount_minor=49_999)
    )

    await durable.until_status(payment.id, "needs_review")
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("cancelled", "ana", "voided by hand"))
    assert (await durable.ended(handle)).status == "cancelled"


async def test_an_event_of_a_capture_of_another_amount_settles_nothing(durable: Durable) -> None:
    """A capture whose answer has a wrong amount stays under review, though the webhook has the same amount."""
    await durable.faults({"operation": "capture", "fault": "wrong_amount", "times": 1})
    payment = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(PaymentWorkflow.capture, CaptureInput("cap_0000000000000000000000000b", 136))

    event = gateway_event(payment.id, OutcomeKind.APPROVED, amount_minor=135)
    await handle.signal(PaymentWorkflow.gateway_event, replace(event, key=f"{payment.id}:capture:1"))
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("cancelled", "ana", "taken back by hand"))

    assert (await durable.ended(handle)).status == "cancelled"
    assert await durable.books(payment.merchant_id) == {}


async def test_a_late_event_never_moves_a_payment_back(durable: Durable) -> None:
    """An event that comes out of order after the authorisation changes nothing."""
    payment = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")

    await handle.signal(PaymentWorkflow.gateway_event, gateway_event(payment.id, OutcomeKind.PENDING))
    await handle.signal(PaymentWorkflow.gateway_event, gateway_event(payment.id, OutcomeKind.DECLINED, event_id="gw_2"))
    await handle.execute_update(PaymentWorkflow.capture, CaptureInput("cap_0000000000000000000000000a"))

    assert (await durable.ended(handle)).status == "success"


@pytest.mark.parametrize("fault", EXECUTED_WITHOUT_ANSWER)
async def test_a_capture_without_an_answer_is_asked_about(durable: Durable, fault: str) -> None:
    """A capture that was carried out and not confirmed is found out and booked once."""
    await durable.faults({"operation": "capture", "fault": fault, "times": 1, "delay_s": 1})
    payment = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")

    update = await handle.start_update(
        PaymentWorkflow.capture,
        CaptureInput("cap_0000000000000000000000000" + str(EXECUTED_WITHOUT_ANSWER.index(fault))),
        wait_for_stage=durable.ACCEPTED,
    )

    assert (await durable.ended(handle)).status == "success"
    assert (await update.result())["amount_captured"] == 50_000
    assert await durable.simulator.charges(payment.id) == 1
