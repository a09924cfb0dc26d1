"""The life of a payment: each path and each timer, in Temporal's time-skipping environment."""

from __future__ import annotations

from tests.support.durable import Durable


async def test_an_approved_payment_is_a_success(durable: Durable) -> None:
    """A payment is recorded as pending, charged once, captured, and ends in success."""
    payment = await durable.new_payment()

    recorded, handle = await durable.start(payment)
    result = await handle.result()

    assert recorded["status"] == "pending"
    assert result.status == "success"
    row = await durable.row(payment.id)
    assert (row.status, row.captured_minor) == ("success", 50_000)
    assert await durable.event_types(payment.id) == ["payment.created", "payment.success"]
    assert await durable.simulator.charges(payment.id) == 1
