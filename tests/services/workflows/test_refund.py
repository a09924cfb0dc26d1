"""The life of a refund, and that no number of refunds gives back more than was captured."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from clearway.domain.payment import NewPayment
from clearway.durable.messages import GatewayEvent, Resolution
from clearway.gateways.contract import GatewayOutcome, Operation, OutcomeKind
from clearway.gateways.simulator.client import SimulatorGateway
from tests.support.durable import Durable
from workflows.refund import RefundWorkflow


async def test_a_refund_is_processed(durable: Durable) -> None:
    """A refund is reserved as pending, paid out once at the gateway, and booked."""
    payment = await durable.paid()

    reserved, handle = await durable.refund(payment, 20_000)

    assert (reserved["status"], reserved["amount"]) == ("pending", 20_000)
    assert (await durable.ended(handle)).status == "processed"
    row = await durable.row(payment.id)
    assert (row.refunded_minor, row.refund_pending_minor) == (20_000, 0)
    assert await durable.given_back(payment.id) == 20_000
    assert await durable.books(payment.merchant_id) == {"payable": -30_000}
    assert (await durable.event_types(payment.id))[-2:] == ["refund.created", "refund.processed"]


async def test_a_refund_without_an_amount_gives_back_what_is_left(durable: Durable) -> None:
    """After a partial refund, one without an amount takes the rest; then nothing is left."""
    payment = await durable.paid()
    _, first = await durable.refund(payment, 12_345)
    await durable.ended(first)

    rest, second = await durable.refund(payment)

    assert rest["amount"] == 37_655
    await durable.ended(second)
    with pytest.raises(WorkflowUpdateFailedError):
        await durable.refund(payment, 1)


async def test_twenty_racing_refunds_never_exceed_the_capture(durable: Durable) -> None:
    """Twenty refunds of 4 000 race for 50 000: twelve are promised, eight are refused, 48 000 is given back."""
    payment = await durable.paid()

    answers = await asyncio.gather(*(durable.refund(payment, 4_000) for _ in range(20)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, WorkflowUpdateFailedError)]
    causes = [refusal.cause for refusal in refused]
    assert all(isinstance(cause, ApplicationError) and cause.type == "amount_not_refundable" for cause in causes)
    assert len(refused) == 8
    for answer in answers:
        if isinstance(answer, tuple):
            await durable.ended(answer[1])
    assert await durable.given_back(payment.id) == 48_000
    assert (await durable.row(payment.id)).refunded_minor == 48_000
    assert await durable.books(payment.merchant_id) == {"payable": -2_000}


@pytest.mark.parametrize("fault", ["executed_then_timeout", "error_after_charge", "malformed", "error_before"])
async def test_a_refund_without_an_answer_is_paid_out_once(durable: Durable, fault: str) -> None:
    """For every missing answer of the gateway, the money goes back exactly once."""
    payment = await durable.paid()
    await durable.faults({"operation": "refund", "fault": fault, "times": 1, "delay_s": 1})

    _, handle = await durable.refund(payment)

    assert (await durable.ended(handle)).status == "processed"
    assert await durable.given_back(payment.id) == 50_000


async def test_a_failed_refund_gives_the_money_back_to_the_merchant(durable: Durable) -> None:
    """A refund the bank refuses fails with a reason, and the amount can be refunded again."""
    payment = await durable.paid(instrument="refundfails@clearway")

    reserved, handle = await durable.refund(payment, 10_000)

    assert (await durable.ended(handle)).status == "failed"
    row = await durable.refund_row(reserved["id"])
    assert row.error_code == "refund_failed"
    assert (await durable.row(payment.id)).refund_pending_minor == 0
    assert await durable.books(payment.merchant_id) == {"payable": -50_000}


async def test_a_refund_in_doubt_keeps_its_amount_reserved(durable: Durable) -> None:
    """While nobody knows whether a refund was paid out, its amount cannot be refunded again; an operator decides."""
    payment = await durable.paid()
    await durable.faults(
        {"operation": "refund", "fault": "executed_then_dropped", "times": 1},
        {"operation": "look_up", "fault": "error_before"},
    )
    reserved, handle = await durable.refund(payment, deadline_s=600)
    await durable.skip_until_refund_status(reserved["id"], "needs_review")

    with pytest.raises(WorkflowUpdateFailedError):
        await durable.refund(payment, 1)
    await handle.signal(RefundWorkflow.resolve_review, Resolution("processed", "ana", "seen at the bank"))

    assert (await durable.ended(handle)).status == "processed"
    assert await durable.given_back(payment.id) == 50_000


async def test_a_refund_of_another_amount_says_what_to_do(durable: Durable) -> None:
    """Its Current Details name the gateway's reference and the command; a decision without an amount is refused."""
    payment = await durable.paid()
    await durable.faults({"operation": "refund", "fault": "wrong_amount", "times": 1})
    reserved, handle = await durable.refund(payment, 20_000)
    await durable.skip_until_refund_status(reserved["id"], "needs_review")

    reference = (await durable.refund_row(reserved["id"])).gateway_reference
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    await handle.signal(RefundWorkflow.resolve_review, Resolution("processed", "ana", "seen at the bank"))
    await handle.signal(RefundWorkflow.resolve_review, Resolution("processed", "ana", "seen", amount=19_999))

    assert reference is not None
    first = metadata.current_details.splitlines()[0]
    assert f"`clearway refunds resolve {reserved['id']} --outcome … --amount … --reason …`" in first
    assert f"gateway reference `{reference}`" in first
    assert (await durable.ended(handle)).status == "processed"
    noted = " ".join(entry.what for entry in await handle.query(RefundWorkflow.timeline))
    assert "INR 200.00 was requested: give the amount that moved" in noted


async def test_a_payment_that_took_nothing_cannot_be_refunded(durable: Durable) -> None:
    """A failed payment has nothing to give back."""
    payment = await durable.new_payment(instrument="failure@razorpay")
    _, handle = await durable.start(payment)
    await durable.ended(handle)

    with pytest.raises(WorkflowUpdateFailedError, match="update failed"):
        await durable.refund(payment, 1)


async def bank(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> tuple[NewPayment, list[int]]:
    """Make a payment at a gateway that knows no idempotency key; return it, and what it says before each refund."""
    payment, read = await durable.paid(), list[int]()

    async def prepare_refund(_self: SimulatorGateway, _: Operation) -> GatewayOutcome:
        read.append(await durable.given_back(payment.id))
        return GatewayOutcome(OutcomeKind.PREPARED, state=str(read[-1]))

    monkeypatch.setattr(SimulatorGateway, "prepare_refund", prepare_refund, raising=False)
    return payment, read


async def test_a_second_refund_at_a_bank_waits_for_the_first(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is sent when the first has ended: what the gateway says before it is what the first gave back."""
    payment, read = await bank(durable, monkeypatch)
    await durable.faults({"operation": "refund", "fault": "error_before", "times": 1, "match": {"amount": 10_000}})
    _, first = await durable.refund(payment, 10_000)
    await durable.simulator.until_met()
    _, second = await durable.refund(payment, 20_000)
    for handle in (second, first):
        assert (await durable.ended(handle)).status == "processed"
    assert read == [0, 10_000]
    assert await durable.given_back(payment.id) == 30_000


async def test_a_refund_that_waits_for_another_hears_the_gateway(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is in doubt for long. The gateway says that the second was paid out: it is recorded, and not sent."""
    payment, _ = await bank(durable, monkeypatch)
    await durable.faults(
        {"operation": "refund", "fault": "executed_then_dropped", "times": 1},
        {"operation": "look_up", "fault": "error_before"},
    )
    await durable.refund(payment, 10_000)
    await durable.simulator.until_met()
    reserved, second = await durable.refund(payment, 20_000)
    paid: dict[str, Any] = {"reference": "by_hand"}
    outcome = GatewayOutcome(OutcomeKind.APPROVED, references=paid, amount_minor=20_000, currency="INR")
    await second.signal(RefundWorkflow.gateway_event, GatewayEvent("gwe_1", f"{reserved['id']}:refund:1", outcome))
    assert (await durable.ended(second)).status == "processed"
    assert await durable.given_back(payment.id) == 10_000
