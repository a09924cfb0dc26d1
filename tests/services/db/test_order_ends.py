"""The end of an order in the database: it never has both an end and a payment in progress, however they race."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from clearway.db import across_merchants, order_ends
from clearway.db.order_ends import Ended, Why
from clearway.db.payments.recording import OrderClosedError
from clearway.db.tables import audit_log, events, orders, payments
from clearway.domain.actor import Actor
from clearway.domain.order import OrderStatus
from clearway.domain.payment import PaymentStatus
from tests.support.shop import Shop, captured

ROUNDS = 25
BY_ITSELF = Why("its end has come")


async def end(shop: Shop, order_id: str, to: OrderStatus = OrderStatus.EXPIRED, why: Why = BY_ITSELF) -> Ended:
    """End an order in a transaction of its own."""
    async with shop.engine.begin() as connection:
        return await order_ends.end(connection, shop.merchant_id, order_id, to, why, now=datetime.now(UTC))


async def order_row(shop: Shop, order_id: str) -> Any:
    """Return the row of an order."""
    async with shop.engine.connect() as connection:
        return (await connection.execute(select(orders).where(orders.c.id == order_id))).one()


async def test_an_end_is_recorded_with_its_event_and_deliveries(shop: Shop):
    """Status, event, delivery and audit row are written together; the event has no notes, which may be personal."""
    endpoint, order_id = await shop.endpoint(), await shop.order()
    async with shop.engine.begin() as connection:
        await connection.execute(update(orders).where(orders.c.id == order_id).values(notes={"name": "Ann"}))
    ended = await end(shop, order_id, OrderStatus.CANCELLED, Why("out of stock", Actor("key:key_1", shop.merchant_id)))
    assert ended.order.status is OrderStatus.CANCELLED
    assert [each.endpoint_id for each in ended.due] == [endpoint]
    async with shop.engine.connect() as connection:
        [event] = (await connection.execute(select(events).where(events.c.subject_id == order_id))).all()
        [audited] = (await connection.execute(select(audit_log).where(audit_log.c.subject_id == order_id))).all()
    assert (event.type, event.subject_type, event.from_status) == ("order.cancelled", "order", "created")
    data = orjson.loads(event.body)["data"]
    assert (data["status"], data["notes"]) == ("cancelled", {})
    assert "Ann" not in event.body
    assert (audited.action, audited.actor) == ("order.cancel", "key:key_1")


async def test_an_order_ends_once(shop: Shop):
    """A second end changes nothing and sends nothing."""
    order_id = await shop.order()
    await end(shop, order_id, OrderStatus.CANCELLED)
    again = await end(shop, order_id)
    assert again.again
    assert again.due == ()
    assert (await order_row(shop, order_id)).status == "cancelled"


@pytest.mark.parametrize("status", sorted(PaymentStatus))
async def test_an_order_does_not_end_while_a_payment_holds_it(shop: Shop, status: PaymentStatus):
    """Only an order whose payments have all ended without money can end."""
    payment_id = await shop.recorded()
    if status is PaymentStatus.SUCCESS:
        await shop.move(payment_id, status, capture=captured(50_000))
    elif status is not PaymentStatus.PENDING:
        await shop.move(payment_id, status)
    order_id = (await shop.row(payment_id)).order_id
    ended = await end(shop, order_id)
    free = status in {PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED}
    assert (ended.order.status is OrderStatus.EXPIRED) is free
    if not free and status is not PaymentStatus.SUCCESS:
        assert ended.held_by is not None
        assert (ended.held_by.payment_id, ended.held_by.status) == (payment_id, status)


@pytest.mark.parametrize("to", [OrderStatus.CANCELLED, OrderStatus.EXPIRED])
async def test_a_closed_order_takes_no_payment(shop: Shop, to: OrderStatus):
    """The database refuses the payment, and nothing of it is there."""
    order_id = await shop.order()
    await end(shop, order_id, to)
    new = await shop.new(order_id=order_id)
    with pytest.raises(OrderClosedError):
        await shop.record(new)
    async with shop.engine.connect() as connection:
        assert await connection.scalar(select(payments.c.id).where(payments.c.id == new.id)) is None
        assert await connection.scalar(select(events.c.id).where(events.c.subject_id == new.id)) is None


async def test_payments_and_an_end_race(crowded: Shop):
    """Whoever is first has the order: it has ended without a payment in progress, or has one and has not ended."""
    seen = set()
    for _ in range(ROUNDS):
        order_id = await crowded.order()
        news = [await crowded.new(order_id=order_id) for _ in range(4)]
        results = await asyncio.gather(
            *(crowded.record(new) for new in news[:2]),
            end(crowded, order_id),
            *(crowded.record(new) for new in news[2:]),
            return_exceptions=True,
        )
        row = await order_row(crowded, order_id)
        async with crowded.engine.connect() as connection:
            held = (
                await connection.execute(order_ends.HOLDER, {"order_id": order_id, "of_merchant": crowded.merchant_id})
            ).all()
        assert (row.status == "expired") is (not held), results
        seen.add(row.status)
    assert seen == {"attempted", "expired"}, "the race is one-sided: it proves nothing"


async def test_what_has_ended_stays_so(shop: Shop):
    """The database refuses to open a closed or paid order again."""
    order_id = await shop.order()
    await end(shop, order_id)
    with pytest.raises(IntegrityError, match="for good"):
        async with shop.engine.begin() as connection:
            await connection.execute(text("UPDATE orders SET status = 'created' WHERE id = :id"), {"id": order_id})


async def test_orders_that_are_over_are_found_in_pages(lone: Shop):
    """Open orders without a payment in progress whose end has come, the first end first; no others."""
    now = datetime.now(UTC)
    over = [await lone.order() for _ in range(5)]
    later, without_end, held = await lone.order(), await lone.order(), await lone.order()
    await lone.recorded(order_id=held)
    async with lone.engine.begin() as connection:
        for number, order_id in enumerate([*over, held]):
            ended = now - timedelta(minutes=10 - number)
            await connection.execute(update(orders).where(orders.c.id == order_id).values(expires_at=ended))
        await connection.execute(
            update(orders).where(orders.c.id == later).values(expires_at=now + timedelta(minutes=1))
        )
        first = await across_merchants.orders_over(connection, now, 3, None)
        second = await across_merchants.orders_over(connection, now, 3, first[-1])
    assert [row.id for row in [*first, *second]] == over
    assert without_end not in over
