"""Rows that a restored database lost, brought back from the gateway's books and the histories that Temporal keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from clearway.domain.payment import CaptureMethod, NewPayment
from clearway.domain.refund import NewRefund
from clearway.durable.sealed import unseal
from clearway.gateways.contract import Authorisation
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.recovery.books import Missing, Unrecorded, compare
from clearway.recovery.rebuilding import Rebuilt
from clearway.recovery.taking_up import Recovery
from tests.services.gateways.asking import question_about
from tests.support.durable import ENDPOINT_SECRET, PATIENCE_S, Durable
from tests.support.forgetting import forget_payment

LATER = timedelta(minutes=5)


async def forget(durable: Durable, new: NewPayment, *, order: bool = True) -> None:
    """Restore the database to before the payment, and to before its order."""
    await forget_payment(durable.settings.database_url, new.id, new.order_id if order else None)


@pytest.fixture
def recovery(durable: Durable) -> Recovery:
    """Return what takes up and rebuilds."""
    return Recovery(durable.engine, durable.client, durable.settings)


async def listed(durable: Durable, recovery: Recovery, payment_id: str, *, dry_run: bool = False) -> list[Unrecorded]:
    """Compare the books, and return what is listed of one payment."""
    now = datetime.now(UTC)
    gateways = {"simulator": durable.simulator.gateway}
    compared = await compare(recovery, gateways, now - LATER, now + LATER, dry_run=dry_run)
    return [one for one in compared.unrecorded if one.payment_id == payment_id]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():
            await asyncio.sleep(0.05)


async def scalar(durable: Durable, query: str, **values: Any) -> Any:
    """Return the only value of a query, None without a row."""
    async with durable.engine.connect() as connection:
        return await connection.scalar(text(query), values)


async def payment_status(durable: Durable, new: NewPayment) -> str | None:
    """Return the status in the payment's row; None without one."""
    return await scalar(durable, "SELECT status FROM payments WHERE id = :id", id=new.id)


async def test_a_payment_is_recorded_again_with_its_order(durable: Durable, recovery: Recovery) -> None:
    """A success whose rows are lost comes back as one, its order paid in its amount, and nothing is charged again."""
    new = await durable.paid()
    await forget(durable, new)
    (found,) = await listed(durable, recovery, new.id)
    assert (found.missing, found.rebuilt) == (Missing.ROW, Rebuilt.RECORDED_AGAIN)
    await until(lambda: is_at(durable, new, "success"))
    order = "SELECT amount_minor || currency || status FROM orders WHERE id = :id AND merchant_id = :merchant"
    assert await scalar(durable, order, id=new.order_id, merchant=new.merchant_id) == "50000INRpaid"
    assert await durable.simulator.charges(new.id) == 1
    assert await durable.books(new.merchant_id) == {"payable": -50_000}
    assert await listed(durable, recovery, new.id) == []


async def is_at(durable: Durable, new: NewPayment, status: str) -> bool:
    """Whether the payment's row has this status."""
    return await payment_status(durable, new) == status


async def test_a_payment_whose_order_is_paid_by_another_stays_listed(durable: Durable, recovery: Recovery) -> None:
    """The order was paid a second time after the restore: both charges are not booked on it, a person decides."""
    new = await durable.paid()
    await forget(durable, new, order=False)
    await durable.paid(merchant_id=new.merchant_id, order_id=new.order_id)
    for _ in range(2):
        (found,) = await listed(durable, recovery, new.id)
        assert (found.missing, found.rebuilt) == (Missing.ROW, Rebuilt.REFUSED)
    assert await payment_status(durable, new) is None


@pytest.mark.parametrize("asked", [20_000, None], ids=["a part", "what is left"])
async def test_a_refund_follows_its_payment(durable: Durable, recovery: Recovery, asked: int | None) -> None:
    """A refund that was lost with its payment waits for the payment's row, is recorded then, and not paid out twice."""
    new = await durable.paid()
    reserved, handle = await durable.refund(new, asked)
    assert (await durable.ended(handle)).status == "processed"
    await forget(durable, new)
    first = {one.key.partition(":")[0]: one.rebuilt for one in await listed(durable, recovery, new.id)}
    assert first[new.id] is Rebuilt.RECORDED_AGAIN
    assert first[reserved["id"]] in {Rebuilt.LATER, Rebuilt.RECORDED_AGAIN}
    await until(lambda: is_at(durable, new, "success"))

    async def refunded() -> bool:
        await listed(durable, recovery, new.id)
        return await scalar(durable, "SELECT status FROM refunds WHERE id = :id", id=reserved["id"]) == "processed"

    await until(refunded)
    assert await durable.given_back(new.id) == (asked or 50_000)
    assert (await durable.row(new.id)).refunded_minor == (asked or 50_000)
    assert await listed(durable, recovery, new.id) == []


async def test_a_refund_that_was_refused_while_its_payment_was_away_is_tried_again(
    durable: Durable, recovery: Recovery
) -> None:
    """A refund that was refused without its payment's row is recorded once the row is back."""
    new = await durable.paid()
    reserved, handle = await durable.refund(new, 20_000)
    await durable.ended(handle)
    await forget(durable, new)
    lost = await durable.take_up_refund(refund_of(reserved, new))
    assert (await durable.ended(lost)).status == "refused"
    await listed(durable, recovery, new.id)
    await until(lambda: is_at(durable, new, "success"))
    rebuilt = {one.key.partition(":")[0]: one.rebuilt for one in await listed(durable, recovery, new.id)}
    assert rebuilt == {reserved["id"]: Rebuilt.RECORDED_AGAIN}


def refund_of(reserved: dict[str, Any], new: NewPayment) -> NewRefund:
    """Return what the refund was asked with."""
    return NewRefund(reserved["id"], new.merchant_id, new.id, reserved["amount"])


async def test_a_charge_that_nothing_here_knows_is_listed(durable: Durable, recovery: Recovery) -> None:
    """A charge without a row and without a history stays on the list, with its amount."""
    new = await durable.new_payment()
    instrument = unseal(durable.cipher, new.id, new.personal).instrument
    asked = Authorisation(new.method, CaptureMethod(new.capture_method), instrument)
    operation = replace(question_about(f"{new.id}:authorise:1", new.amount_minor), authorisation=asked)
    await durable.simulator.gateway.authorise(operation)
    (found,) = await listed(durable, recovery, new.id)
    assert (found.missing, found.rebuilt, found.amount_minor) == (Missing.ROW, Rebuilt.IMPOSSIBLE, 50_000)


async def test_a_row_that_is_behind_is_compared_by_its_run(durable: Durable, recovery: Recovery) -> None:
    """The run that waits with an authorised payment meets a row that is pending: it brings the row back."""
    new = await durable.new_payment(capture_method="manual")
    await durable.start(new)
    await durable.until_status(new.id, "authorized")
    async with durable.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(
            text("DELETE FROM events WHERE payment_id = :id AND step <> 'created'"), {"id": new.id}
        )
        back = "UPDATE payments SET status = 'pending', version = 0, last_step = 'created' WHERE id = :id"
        await connection.execute(text(back), {"id": new.id})
    (found,) = await listed(durable, recovery, new.id)
    assert (found.missing, found.rebuilt) == (Missing.BOOKING, Rebuilt.CHECKING)
    await until(lambda: is_at(durable, new, "authorized"))
    assert await durable.simulator.charges(new.id) == 0


async def test_a_dry_run_lists_and_does_nothing(durable: Durable, recovery: Recovery) -> None:
    """What would be rebuilt is named, and stays lost."""
    new = await durable.paid()
    await forget(durable, new)
    (found,) = await listed(durable, recovery, new.id, dry_run=True)
    assert (found.missing, found.rebuilt) == (Missing.ROW, None)
    assert await payment_status(durable, new) is None


async def test_young_operations_and_gateways_without_books_are_named_or_left(
    durable: Durable, recovery: Recovery
) -> None:
    """A young operation is left out, because it may still be recorded; a gateway without a list is named."""
    new = await durable.paid()
    await forget(durable, new)
    now = datetime.now(UTC)
    gateways: dict[str, Any] = {"simulator": durable.simulator.gateway, "other": object()}
    compared = await compare(recovery, gateways, now - LATER, now - LATER)
    assert [one for one in compared.unrecorded if one.payment_id == new.id] == []
    assert (compared.unlisted, compared.unread) == (["other"], {})


async def test_a_gateway_that_does_not_answer_does_not_stop_the_others(durable: Durable, recovery: Recovery) -> None:
    """Its list is named as unread with the reason; what other gateways list is compared and recorded again."""
    new = await durable.paid()
    await forget(durable, new)
    now = datetime.now(UTC)
    away = SimulatorGateway("http://127.0.0.1:9", ENDPOINT_SECRET, timeout_s=2)
    compared = await compare(recovery, {"away": away, "simulator": durable.simulator.gateway}, now - LATER, now + LATER)
    await away.aclose()
    assert "did not answer" in compared.unread["away"]
    assert [one.rebuilt for one in compared.unrecorded if one.payment_id == new.id] == [Rebuilt.RECORDED_AGAIN]
