"""The database is restored to an earlier moment while a workflow runs: the gateway's answer decides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from clearway.db.tables import captures, events, payment_commands, payments, webhook_deliveries
from clearway.domain.ids import CAPTURE, new_id
from clearway.domain.payment import NewPayment
from clearway.durable.messages import CHECK_RECORD, CaptureInput
from tests.support.durable import PATIENCE_S, Durable
from tests.support.forgetting import forget_payment
from workflows.payment import PaymentWorkflow


async def authorised(durable: Durable) -> tuple[NewPayment, WorkflowHandle[Any, Any]]:
    """Bring a payment of 500.00 to `authorized`; its run waits for a capture."""
    new = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(new)
    await durable.until_status(new.id, "authorized")
    return new, handle


async def forget(durable: Durable, new: NewPayment, *, only_steps: bool = False) -> None:
    """Restore the database to before the payment was made, or to when it was only recorded."""
    if not only_steps:
        await forget_payment(durable.settings.database_url, new.id)
        return
    async with durable.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(delete(captures).where(captures.c.payment_id == new.id))
        await connection.execute(delete(payment_commands).where(payment_commands.c.payment_id == new.id))
        await connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.payment_id == new.id))
        later = (events.c.payment_id == new.id) & (events.c.step != "created")
        await connection.execute(delete(events).where(later))
        before = {"status": "pending", "version": 0, "last_step": "created", "gateway_reference": None}
        await connection.execute(update(payments).where(payments.c.id == new.id).values(**before))


async def told(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """Return the timeline of a run."""
    return [entry.what for entry in await handle.query(PaymentWorkflow.timeline)]


async def row_when(durable: Durable, new: NewPayment, **values: object) -> None:
    """Wait until the payment's row is there and has these values."""
    query = payments.select().where(payments.c.id == new.id)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with durable.engine.connect() as connection:
                row = (await connection.execute(query)).first()
            if row is not None and values.items() <= row._mapping.items():
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("only_steps", [True, False], ids=["behind", "gone"])
async def test_a_capture_that_meets_a_restored_row_is_carried_out_once(
    durable: Durable,
    only_steps: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    """The run ends before it sends anything; a new one asks the gateway, and the repeated request captures."""
    new, handle = await authorised(durable)
    await forget(durable, new, only_steps=only_steps)
    asked = CaptureInput(new_id(CAPTURE), 50_000)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(PaymentWorkflow.capture, asked, id="first")
    assert getattr(refused.value.cause, "type", None) == "record_moved"
    await row_when(durable, new, status="authorized")
    newest = durable.client.get_workflow_handle_for(PaymentWorkflow.run, handle.id)
    await newest.execute_update(PaymentWorkflow.capture, asked, id="second")
    assert (await durable.row(new.id)).status == "success"
    captured = await durable.simulator.effects(new.id, "captured")
    assert [effect["amount"] for effect in captured] == [50_000]
    assert await durable.event_types(new.id) == [
        "payment.created",
        "payment.authorized",
        "payment.captured",
        "payment.success",
    ]


async def test_a_run_that_is_asked_to_check_brings_its_row_back(durable: Durable) -> None:
    """A row that was lost while its run waits is recorded again, at the status that the gateway knows."""
    new, handle = await authorised(durable)
    await forget(durable, new)
    await handle.signal(CHECK_RECORD)
    await row_when(durable, new, status="authorized")
    assert len(await durable.simulator.effects(new.id, "authorised")) == 1


async def test_a_run_that_agrees_with_its_row_goes_on(durable: Durable) -> None:
    """To check costs nothing when nothing was restored: the same run goes on."""
    new, handle = await authorised(durable)
    await handle.signal(CHECK_RECORD)
    async with asyncio.timeout(PATIENCE_S):
        while "the row was compared with this run: they agree" not in await told(handle):
            await asyncio.sleep(0.05)
    await handle.execute_update(PaymentWorkflow.capture, CaptureInput(new_id(CAPTURE), None), id="agrees")
    assert (await durable.row(new.id)).status == "success"


async def test_a_capture_the_database_forgot_is_booked_again(durable: Durable) -> None:
    """The gateway captured a part, and the database was restored to before it: the new run books that part."""
    new, handle = await authorised(durable)
    asked = CaptureInput(new_id(CAPTURE), 20_000, final=False)
    await handle.execute_update(PaymentWorkflow.capture, asked, id="forgotten")
    await forget(durable, new, only_steps=True)
    async with durable.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        back = {"captured_minor": 0}
        await connection.execute(update(payments).where(payments.c.id == new.id).values(**back))
        await connection.execute(
            text(
                "DELETE FROM ledger_entries WHERE transaction_id IN "
                "(SELECT id FROM ledger_transactions WHERE payment_id = :payment_id)"
            ),
            {"payment_id": new.id},
        )
        await connection.execute(
            text("DELETE FROM ledger_transactions WHERE payment_id = :payment_id"), {"payment_id": new.id}
        )
    await handle.signal(CHECK_RECORD)
    await row_when(durable, new, captured_minor=20_000)
    captured = await durable.simulator.effects(new.id, "captured")
    assert [effect["amount"] for effect in captured] == [20_000]
