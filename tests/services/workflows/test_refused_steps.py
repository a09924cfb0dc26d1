"""A step that the database refuses for good: it is not repeated without end, and an operator can settle it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from clearway.domain import ids
from clearway.durable.messages import CaptureInput, Resolution
from tests.support.durable import Durable
from workflows.payment import PaymentWorkflow
from workflows.refund import RefundWorkflow

REFUSE = """
CREATE FUNCTION refuse_for_a_test() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused for a test' USING ERRCODE = 'check_violation', DETAIL = NEW::text; END $$
"""


@asynccontextmanager
async def refusing(durable: Durable, table: str, condition: str) -> AsyncIterator[None]:
    """Have Postgres refuse every update of a table after which the condition holds; it repeats the row, as it does."""
    trigger = f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) "
    async with durable.engine.begin() as connection:
        await connection.execute(text(REFUSE))
        await connection.execute(text(trigger + "EXECUTE FUNCTION refuse_for_a_test()"))
    try:
        yield
    finally:
        async with durable.engine.begin() as connection:
            await connection.execute(text("DROP FUNCTION refuse_for_a_test() CASCADE"))


async def test_an_approval_that_cannot_be_recorded_is_reviewed_and_resolved(durable: Durable) -> None:
    """The payment is charged once, waits for a person, and an operator's decision books it when the cause is mended."""
    payment = await durable.new_payment()
    async with refusing(durable, "payments", f"NEW.id = '{payment.id}' AND NEW.status = 'success'"):
        _, handle = await durable.start(payment)
        await durable.until_status(payment.id, "needs_review")
    reason = (await durable.last_event(payment.id)).reason
    assert "could not be recorded" in reason
    assert "SQLSTATE 23514" in reason
    assert await durable.books(payment.merchant_id) == {}
    decision = Resolution("success", "eve", "seen at the gateway \x00", "sim_pay_1")
    await handle.signal(PaymentWorkflow.resolve_review, decision)
    assert (await durable.ended(handle)).status == "success"
    history = (await handle.fetch_history()).to_json()
    assert "the database refused" in history
    assert "success@razorpay" not in history
    assert await durable.books(payment.merchant_id) == {"payable": -50_000}
    assert await durable.simulator.charges(payment.id) == 1
    assert await durable.event_types(payment.id) == ["payment.created", "payment.needs_review", "payment.success"]


async def test_a_decision_that_cannot_be_recorded_leaves_the_review_open(durable: Durable) -> None:
    """An operator's decision that the database refuses changes nothing, and the next one counts."""
    payment = await durable.new_payment()
    async with refusing(durable, "payments", f"NEW.id = '{payment.id}' AND NEW.status IN ('success', 'failed')"):
        _, handle = await durable.start(payment)
        await durable.until_status(payment.id, "needs_review")
        await handle.signal(PaymentWorkflow.resolve_review, Resolution("failed", "eve", "not found"))
        for _ in range(300):
            told = [entry.what for entry in await handle.query(PaymentWorkflow.timeline)]
            if sum("never will be" in line for line in told) == 2:
                break
    assert (await durable.row(payment.id)).status == "needs_review"
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "eve", "found after all"))
    assert (await durable.ended(handle)).status == "success"


@pytest.mark.parametrize(
    ("final", "status", "voided"), [(True, "success", [30_000]), (False, "authorized", [])], ids=["last", "in part"]
)
async def test_a_capture_that_cannot_be_recorded_is_answered_as_unknown(
    durable: Durable, *, final: bool, status: str, voided: list[int]
) -> None:
    """It is not answered as refused. A decision books it, and releases the rest only if it was to be the last one."""
    payment = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    capture_id = ids.new_id(ids.CAPTURE)
    async with refusing(durable, "payments", f"NEW.id = '{payment.id}' AND NEW.captured_minor > 0"):
        with pytest.raises(WorkflowUpdateFailedError) as raised:
            await handle.execute_update(PaymentWorkflow.capture, CaptureInput(capture_id, 20_000, final), id=capture_id)
        await durable.until_status(payment.id, "needs_review")
    assert isinstance(raised.value.cause, ApplicationError)
    assert raised.value.cause.type == "outcome_unknown"
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "eve", "captured at the gateway"))
    await durable.until_status(payment.id, status)
    assert (await durable.row(payment.id)).captured_minor == 20_000
    assert [each["amount"] for each in await durable.simulator.effects(payment.id, "voided")] == voided
    assert await durable.simulator.charges(payment.id) == 1


async def test_a_review_that_cannot_be_recorded_is_tried_again(durable: Durable) -> None:
    """While the database refuses even the review, the payment waits quietly; then it is recorded."""
    payment = await durable.new_payment()
    async with refusing(durable, "payments", f"NEW.id = '{payment.id}'"):
        _, handle = await durable.start(payment)
        await durable.environment.sleep(1_800)
        assert (await durable.row(payment.id)).status == "pending"
        assert (await handle.describe()).history_length < 100
    await durable.skip_until_status(payment.id, "needs_review")
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "eve", "seen at the gateway"))
    assert (await durable.ended(handle)).status == "success"


async def test_a_refund_that_cannot_be_recorded_is_reviewed_and_resolved(durable: Durable) -> None:
    """The refund is paid out once, its amount stays reserved, and an operator's decision books it."""
    payment = await durable.paid()
    condition = f"NEW.payment_id = '{payment.id}' AND NEW.status = 'processed'"
    async with refusing(durable, "refunds", condition):
        reserved, handle = await durable.refund(payment, 10_000)
        await durable.skip_until_refund_status(reserved["id"], "needs_review")
    await handle.signal(RefundWorkflow.resolve_review, Resolution("processed", "eve", "seen in the settlement file"))
    assert (await durable.ended(handle)).status == "processed"
    assert await durable.given_back(payment.id) == 10_000
    assert (await durable.row(payment.id)).refunded_minor == 10_000


async def test_a_decision_by_update_is_answered_with_what_it_led_to(durable: Durable) -> None:
    """A decision that does not fit is refused with the reason; one that fits answers with the payment as it is then."""
    payment = await durable.new_payment()
    async with refusing(durable, "payments", f"NEW.id = '{payment.id}' AND NEW.status = 'success'"):
        _, handle = await durable.start(payment)
        await durable.until_status(payment.id, "needs_review")
        for outcome, why in (("pending", "must be one of"), ("success", "SQLSTATE 23514")):
            with pytest.raises(WorkflowUpdateFailedError) as raised:
                await handle.execute_update(PaymentWorkflow.resolve, Resolution(outcome, "eve", "a guess"))
            assert why in str(raised.value.cause)
    decision = Resolution("success", "eve", "seen at the gateway", "sim_pay_1")
    resolved = await handle.execute_update(PaymentWorkflow.resolve, decision)
    assert (resolved["status"], resolved["amount_captured"]) == ("success", 50_000)
    assert (await durable.ended(handle)).status == "success"


async def test_only_what_is_under_review_is_resolved(durable: Durable) -> None:
    """A decision about a payment that is not under review is refused at once, and leaves no trace."""
    payment = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await handle.execute_update(PaymentWorkflow.resolve, Resolution("failed", "eve", "a guess"))
    assert "Only what is in needs_review" in str(raised.value.cause)
