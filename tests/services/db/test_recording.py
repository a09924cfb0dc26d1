"""Recording payments and refunds: all of a step or nothing, once, however often it is asked for."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from clearway.db.payments import recording as payments_db
from clearway.db.payments.recording import OrderTakenError, OrderUnknownError, PaymentUnknownError
from clearway.db.payments.rows import RecordMovedError
from clearway.db.refunds.recording import AmountNotRefundableError, RefundUnknownError
from clearway.db.tables import captures, ledger_transactions, merchants, orders, payments, webhook_endpoints
from clearway.db.writing import ContendedError, write_if
from clearway.domain import ids
from clearway.domain.payment import Change, MoveRefusedError, PaymentStatus
from clearway.domain.refund import RefundStatus
from tests.support.shop import AMOUNT_MINOR, Shop, captured

P = PaymentStatus
MOMENT = datetime(2026, 11, 1, 12, tzinfo=UTC)


async def _order_status(shop: Shop, order_id: str) -> str:
    async with shop.engine.connect() as connection:
        return str((await connection.execute(select(orders.c.status).where(orders.c.id == order_id))).scalar_one())


async def _count(shop: Shop, payment_id: str) -> tuple[int, int]:
    """Return how many captures and ledger transactions a payment has."""
    counted = []
    async with shop.engine.connect() as connection:
        for table in (captures, ledger_transactions):
            query = select(func.count()).select_from(table).where(table.c.payment_id == payment_id)
            counted.append((await connection.execute(query)).scalar_one())
    return counted[0], counted[1]


async def test_recording_writes_an_event_and_its_deliveries(shop: Shop) -> None:
    """A recorded payment is `pending`, its order attempted, its event written and its delivery due."""
    endpoint_id = await shop.endpoint()
    new = await shop.new()
    recorded = await shop.record(new)

    assert recorded.payment.status is P.PENDING
    assert recorded.resource.status == "pending"
    assert await _order_status(shop, new.order_id) == "attempted"
    assert await shop.event_types(new.id) == ["payment.created"]
    assert [(due.endpoint_id, due.event_type) for due in recorded.due] == [(endpoint_id, "payment.created")]


async def test_recording_twice_is_recognised(shop: Shop) -> None:
    """The same payment recorded again is answered as it stands, with the same deliveries, and nothing is written."""
    await shop.endpoint()
    new = await shop.new()
    first, second = await shop.record(new), await shop.record(new)

    assert second == first
    assert await shop.event_types(new.id) == ["payment.created"]
    assert await shop.deliveries() == 1


async def test_a_row_is_created_at_the_time_in_its_id(shop: Shop) -> None:
    """A payment or refund that a restore lost keeps its time when it is recorded again: lists find periods by ids."""
    new = await shop.new(id=ids.id_at(ids.PAYMENT, MOMENT, secrets.randbits(80)))
    assert (await shop.record(new)).resource.created_at == MOMENT
    reserved = await shop.reserve(await shop.paid(), 10_000, of=ids.id_at(ids.REFUND, MOMENT, secrets.randbits(80)))
    assert reserved.resource.created_at == MOMENT


async def test_a_step_taken_twice_is_recognised(shop: Shop) -> None:
    """The same step applied again changes nothing, books nothing and makes no event; its deliveries are due again."""
    await shop.endpoint()
    payment_id = await shop.recorded()
    change = Change("captured", P.SUCCESS, "a test", capture=captured())
    first, second = await shop.apply(payment_id, change), await shop.apply(payment_id, change)

    assert second == first
    assert (await shop.row(payment_id)).version == 1
    assert await _count(shop, payment_id) == (1, 1)
    assert await shop.event_types(payment_id) == ["payment.created", "payment.success"]
    assert await shop.deliveries() == 2


async def test_a_step_that_lies_behind_is_recognised(shop: Shop) -> None:
    """A run that was reset takes its steps again and gets the payment as it stands; with another step, it is behind."""
    payment_id = await shop.recorded(capture_method="manual")
    first = Change("1", P.AUTHORIZED, "a test")
    await shop.apply(payment_id, first)
    await shop.apply(payment_id, Change("2", P.AUTHORIZED, "a test", capture=captured(100)))
    again = await shop.apply(payment_id, first)
    with pytest.raises(RecordMovedError, match="made it authorized"):
        await shop.apply(payment_id, Change("1", P.EXPIRED, "another course of things"))

    assert (again.payment.captured_minor, again.payment.version) == (100, 2)
    assert await shop.event_types(payment_id) == ["payment.created", "payment.authorized", "payment.captured"]


async def test_a_refused_move_writes_nothing(shop: Shop) -> None:
    """What the state machine refuses leaves row, books and events as they were."""
    payment_id = await shop.paid()
    before = await shop.row(payment_id)
    for change in (
        Change("late", P.FAILED, "late event", error_code="card_declined"),
        Change("again", P.SUCCESS, "captured again", capture=captured(1)),
    ):
        with pytest.raises(MoveRefusedError):
            await shop.apply(payment_id, change)

    assert await shop.row(payment_id) == before
    assert await _count(shop, payment_id) == (1, 1)
    assert await shop.event_types(payment_id) == ["payment.created", "payment.success"]


async def test_a_capture_that_fails_half_way_writes_nothing(shop: Shop) -> None:
    """A step is one transaction: when its capture cannot be written, nothing of it is."""
    taken = captured(100)
    other = await shop.recorded(capture_method="manual")
    await shop.move(other, P.AUTHORIZED)
    await shop.move(other, P.AUTHORIZED, capture=taken)
    payment_id = await shop.recorded()
    with pytest.raises(Exception, match=r"pk_captures|uq_ledger_transactions_reference"):
        await shop.move(payment_id, P.SUCCESS, capture=taken)

    assert (await shop.row(payment_id)).status == "pending"
    assert await shop.event_types(payment_id) == ["payment.created"]


async def test_an_order_in_use_is_refused(shop: Shop) -> None:
    """A second payment of an order is refused by name while the first is under way, and taken after it failed."""
    first = await shop.new()
    await shop.record(first)
    second = await shop.new(order_id=first.order_id)
    with pytest.raises(OrderTakenError):
        await shop.record(second)
    await shop.move(first.id, P.FAILED, error_code="card_declined")

    assert (await shop.record(second)).payment.status is P.PENDING


async def test_an_order_of_somebody_else_is_unknown(shop: Shop) -> None:
    """An order of another merchant, in another currency or of nobody is the same as none."""
    other = await Shop.open(shop.engine)
    for fields in (
        {"order_id": await other.order()},
        {"order_id": await shop.order(), "currency": "USD"},
        {"order_id": "order_nowhere"},
    ):
        with pytest.raises(OrderUnknownError):
            await shop.record(await shop.new(**fields))


async def test_what_is_unknown_is_said_to_be(shop: Shop) -> None:
    """A change of a payment or refund that was never recorded is an error, not a silent nothing."""
    with pytest.raises(PaymentUnknownError):
        await shop.move("pay_nowhere", P.FAILED)
    with pytest.raises(RefundUnknownError):
        await shop.settle("rfnd_nowhere", RefundStatus.FAILED)
    with pytest.raises(PaymentUnknownError):
        await (await Shop.open(shop.engine)).reserve(await shop.paid(), 1)


async def test_an_order_is_paid_by_a_success_only(shop: Shop) -> None:
    """Partial captures leave an order attempted; the success pays it."""
    new = await shop.new(capture_method="manual")
    await shop.record(new)
    await shop.move(new.id, P.AUTHORIZED)
    await shop.move(new.id, P.AUTHORIZED, capture=captured(20_000))
    assert await _order_status(shop, new.order_id) == "attempted"
    await shop.move(new.id, P.SUCCESS, capture=captured(30_000))

    assert await _order_status(shop, new.order_id) == "paid"
    assert await shop.books() == {"payable": -AMOUNT_MINOR, "refunds_in_transit": 0}


async def test_only_endpoints_that_want_an_event_get_it(shop: Shop) -> None:
    """A delivery is owed to the enabled endpoints of this merchant whose filter has the event."""
    wants_all, wants_success, disabled = [await shop.endpoint() for _ in range(3)]
    other = await Shop.open(shop.engine)
    await other.endpoint()
    async with shop.engine.begin() as connection:
        endpoint = update(webhook_endpoints)
        await connection.execute(
            endpoint.where(webhook_endpoints.c.id == wants_success).values(event_types=["payment.success"])
        )
        await connection.execute(endpoint.where(webhook_endpoints.c.id == disabled).values(status="disabled"))
    new = await shop.new()
    recorded = await shop.record(new)
    paid = await shop.move(new.id, P.SUCCESS, capture=captured())

    assert {due.endpoint_id for due in recorded.due} == {wants_all}
    assert {due.endpoint_id for due in paid.due} == {wants_all, wants_success}


async def test_a_refund_is_reserved_and_settled(shop: Shop) -> None:
    """A reserved refund is promised, a processed one given back, a failed one the merchant's again."""
    payment_id = await shop.paid()
    kept, lost = await shop.reserve(payment_id, 10_000), await shop.reserve(payment_id, 5_000)
    assert await shop.books() == {"payable": -35_000, "refunds_in_transit": -15_000}
    await shop.settle(kept.refund.id, RefundStatus.PROCESSED)
    await shop.settle(lost.refund.id, RefundStatus.FAILED)
    row = await shop.row(payment_id)

    assert (row.refunded_minor, row.refund_pending_minor) == (10_000, 0)
    assert await shop.books() == {"payable": -40_000, "refunds_in_transit": 0}


async def test_a_refund_recorded_twice_is_recognised(shop: Shop) -> None:
    """The same refund reserved or settled again changes nothing."""
    await shop.endpoint()
    payment_id = await shop.paid()
    refund_id = ids.new_id(ids.REFUND)
    reserved = [await shop.reserve(payment_id, 10_000, of=refund_id) for _ in range(2)]
    settled = [await shop.settle(refund_id, RefundStatus.PROCESSED, step="processed") for _ in range(2)]
    row = await shop.row(payment_id)

    assert reserved[0].refund == reserved[1].refund
    assert reserved[0].due == reserved[1].due
    assert settled[0].refund == settled[1].refund
    assert settled[0].due == settled[1].due
    assert (row.refunded_minor, row.refund_pending_minor) == (10_000, 0)
    assert (await shop.event_types(payment_id))[2:] == ["refund.created", "refund.processed"]


@pytest.mark.parametrize("amount_minor", [0, -1, AMOUNT_MINOR + 1, 2**40])
async def test_too_much_or_nothing_is_not_refunded(shop: Shop, amount_minor: int) -> None:
    """A refund of nothing, less, or more than was captured is refused, and says what is left."""
    payment_id = await shop.paid()
    with pytest.raises((AmountNotRefundableError, ValueError)):
        await shop.reserve(payment_id, amount_minor)

    assert (await shop.row(payment_id)).refund_pending_minor == 0


async def test_all_that_is_left_is_refunded_by_default(shop: Shop) -> None:
    """A refund without an amount takes what is left; after it there is nothing left."""
    payment_id = await shop.paid()
    await shop.reserve(payment_id, 12_345)
    rest = await shop.reserve(payment_id)

    assert rest.refund.amount_minor == AMOUNT_MINOR - 12_345
    with pytest.raises(AmountNotRefundableError, match="is left to refund"):
        await shop.reserve(payment_id)


async def test_a_payment_that_took_nothing_gives_nothing_back(shop: Shop) -> None:
    """Before any capture there is nothing to refund, and the refusal says so."""
    payment_id = await shop.recorded()
    with pytest.raises(AmountNotRefundableError, match="has no captured amount"):
        await shop.reserve(payment_id)


async def test_an_amount_is_stored_as_it_came(shop: Shop) -> None:
    """The largest amount there may be goes in and comes out unchanged."""
    largest = 999_999_999_999
    payment_id = await shop.paid(largest)
    async with shop.engine.connect() as connection:
        total = await connection.scalar(select(func.sum(payments.c.captured_minor)).where(payments.c.id == payment_id))
        owner = await connection.scalar(select(merchants.c.name).where(merchants.c.id == shop.merchant_id))

    assert (total, owner) == (largest, "Shop")
    assert await shop.books() == {"payable": -largest, "refunds_in_transit": 0}


async def test_a_payment_that_never_stands_still_is_left_as_it_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that finds the row moved each time gives up, for its workflow to repeat it; nothing is written."""
    payment_id = await shop.recorded()
    before = await shop.row(payment_id)

    async def moved(*_: Any) -> bool:
        return False

    monkeypatch.setattr(payments_db, "write_if", moved)
    with pytest.raises(ContendedError, match=payment_id):
        await shop.move(payment_id, PaymentStatus.FAILED)
    assert await shop.row(payment_id) == before


async def test_what_moved_and_moved_back_is_noticed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund ends and another of that amount is promised between a step's read and its write: it begins again."""
    payment_id = await shop.recorded(capture_method="manual")
    await shop.move(payment_id, P.AUTHORIZED, capture=captured(1_000))
    refund_id = (await shop.reserve(payment_id, 300)).refund.id

    async def late(*given: Any) -> bool:
        monkeypatch.setattr(payments_db, "write_if", write_if)
        await shop.settle(refund_id, RefundStatus.PROCESSED)
        await shop.reserve(payment_id, 300)
        return await write_if(*given)

    monkeypatch.setattr(payments_db, "write_if", late)
    assert (await shop.move(payment_id, P.SUCCESS)).resource.amount_refunded == 300
