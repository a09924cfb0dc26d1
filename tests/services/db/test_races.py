"""Many at once: what must happen once happens once, and no amount exceeds its limit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from clearway.db.orders import NewOrder, record_order
from clearway.db.payments.recording import OrderTakenError
from clearway.db.refunds import recording as refunds
from clearway.db.refunds.recording import AmountNotRefundableError
from clearway.domain import ids
from clearway.domain.payment import Change, MoveRefusedError, PaymentStatus
from clearway.domain.refund import RefundChange, RefundStatus
from clearway.domain.resources import OrderResource
from tests.services.db.conftest import CROWD
from tests.support.shop import AMOUNT_MINOR, Shop, captured

ROUNDS = 30


async def _race(*runners: Awaitable[Any]) -> list[Any]:
    """Run all at once; return what each came to, an error included."""
    return await asyncio.gather(*runners, return_exceptions=True)


def _kinds(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


async def test_racing_payments_of_one_order(crowded: Shop) -> None:
    """Of twenty payments of one order at once, one is recorded and the others are refused."""
    order_id = await crowded.order()
    payments = [await crowded.new(order_id=order_id) for _ in range(CROWD)]
    results = await _race(*(crowded.record(new) for new in payments))

    assert _kinds(results) == {"RecordedPayment": 1, OrderTakenError.__name__: CROWD - 1}


async def test_racing_requests_for_one_payment(crowded: Shop) -> None:
    """The same payment recorded twenty times at once is there once, and everybody gets the same answer.

    Many rounds: whom a late insert meets first, of the unique indexes, is a matter of microseconds.
    """
    await crowded.endpoint()
    for _ in range(ROUNDS):
        new = await crowded.new()
        results = await asyncio.gather(*(crowded.record(new) for _ in range(CROWD)))
        assert results == [results[0]] * CROWD
        assert await crowded.event_types(new.id) == ["payment.created"]

    assert await crowded.deliveries() == ROUNDS


async def test_racing_requests_for_one_order(crowded: Shop) -> None:
    """The same order recorded twenty times at once is there once, and everybody gets the same answer."""
    for _ in range(ROUNDS):
        order = NewOrder(ids.new_id(ids.ORDER), crowded.merchant_id, 1_000, "INR")
        results = await asyncio.gather(*(_record_order(crowded, order) for _ in range(CROWD)))
        assert results == [results[0]] * CROWD


async def _record_order(shop: Shop, order: NewOrder) -> OrderResource:
    async with shop.engine.begin() as connection:
        return await record_order(connection, order)


async def test_racing_refunds_never_give_back_too_much(crowded: Shop) -> None:
    """Of twenty refunds of a third each, exactly three are accepted; for the others nothing is left."""
    payment_id = await crowded.paid(AMOUNT_MINOR)
    results = await _race(*(crowded.reserve(payment_id, AMOUNT_MINOR // 3) for _ in range(CROWD)))
    row = await crowded.row(payment_id)

    assert _kinds(results) == {"RecordedRefund": 3, AmountNotRefundableError.__name__: CROWD - 3}
    assert row.refund_pending_minor == 3 * (AMOUNT_MINOR // 3)
    assert await crowded.books() == {
        "payable": -(AMOUNT_MINOR - row.refund_pending_minor),
        "refunds_in_transit": -row.refund_pending_minor,
    }


async def test_racing_refunds_of_everything(crowded: Shop) -> None:
    """Of twenty refunds of all that is left, one gets it."""
    payment_id = await crowded.paid()
    results = await _race(*(crowded.reserve(payment_id) for _ in range(CROWD)))

    assert _kinds(results) == {"RecordedRefund": 1, AmountNotRefundableError.__name__: CROWD - 1}


async def test_racing_captures_never_take_too_much(crowded: Shop) -> None:
    """Of twenty captures of a third each, three are booked."""
    payment_id = await crowded.recorded(capture_method="manual")
    await crowded.move(payment_id, PaymentStatus.AUTHORIZED)
    part = AMOUNT_MINOR // 3
    results = await _race(
        *(crowded.move(payment_id, PaymentStatus.AUTHORIZED, capture=captured(part)) for _ in range(CROWD))
    )

    assert _kinds(results) == {"RecordedPayment": 3, MoveRefusedError.__name__: CROWD - 3}
    assert (await crowded.row(payment_id)).captured_minor == 3 * part


async def test_racing_ends_of_one_payment(crowded: Shop) -> None:
    """When every final status comes at once, the first one stands and has the only event."""
    payment_id = await crowded.recorded()
    ends = [PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED] * 6
    results = await _race(
        *(crowded.move(payment_id, status) for status in ends),
        *(crowded.move(payment_id, PaymentStatus.SUCCESS, capture=captured()) for _ in range(2)),
    )
    status = (await crowded.row(payment_id)).status

    assert _kinds(results) == {"RecordedPayment": 1, MoveRefusedError.__name__: CROWD - 1}
    assert await crowded.event_types(payment_id) == ["payment.created", f"payment.{status}"]


async def test_one_step_taken_by_many(crowded: Shop) -> None:
    """The same step from twenty workers is taken once, and all twenty get what it came to."""
    payment_id = await crowded.recorded()
    change = Change("captured", PaymentStatus.SUCCESS, "a test", capture=captured())
    results = await asyncio.gather(*(crowded.apply(payment_id, change) for _ in range(CROWD)))

    assert results == [results[0]] * CROWD
    assert (await crowded.row(payment_id)).version == 1
    assert await crowded.books() == {"payable": -AMOUNT_MINOR, "refunds_in_transit": 0}


async def test_racing_ends_of_one_refund(crowded: Shop) -> None:
    """When both ends of a refund come at once, the first to arrive stands, in its row, its payment and the books."""
    for _ in range(ROUNDS):
        payment_id = await crowded.paid()
        refund_id = (await crowded.reserve(payment_id, 300)).refund.id
        ends = [RefundStatus.PROCESSED, RefundStatus.FAILED] * (CROWD // 2)
        results = await _race(*(crowded.settle(refund_id, end) for end in ends))
        row = await crowded.row(payment_id)
        types = await crowded.event_types(payment_id)

        assert _kinds(results) == {"RecordedRefund": 1, MoveRefusedError.__name__: CROWD - 1}
        assert (row.refunded_minor, row.refund_pending_minor) in {(300, 0), (0, 0)}
        assert types[-1] == ("refund.processed" if row.refunded_minor else "refund.failed")
        assert types.count("refund.processed") + types.count("refund.failed") == 1


async def test_one_step_of_a_refund_taken_by_many(crowded: Shop) -> None:
    """The same step from twenty workers is taken once, and all twenty get what it came to."""
    payment_id = await crowded.paid()
    refund_id = (await crowded.reserve(payment_id, 300)).refund.id
    steps = [crowded.settle(refund_id, RefundStatus.PROCESSED, "processed") for _ in range(CROWD)]
    results = await asyncio.gather(*steps)

    assert results == [results[0]] * CROWD
    assert (await crowded.row(payment_id)).refunded_minor == 300
    assert await crowded.books() == {"payable": -(AMOUNT_MINOR - 300), "refunds_in_transit": 0}


async def test_refunds_settle_while_others_are_reserved(crowded: Shop) -> None:
    """Reserving and settling at once neither deadlock nor lose an amount."""
    payment_id = await crowded.paid()
    first = [await crowded.reserve(payment_id, 1_000) for _ in range(CROWD // 2)]
    ends = [RefundStatus.PROCESSED, RefundStatus.FAILED] * (CROWD // 4)
    results = await _race(
        *(crowded.settle(reserved.refund.id, end) for reserved, end in zip(first, ends, strict=True)),
        *(crowded.reserve(payment_id, 1_000) for _ in range(CROWD // 2)),
    )
    row = await crowded.row(payment_id)

    assert _kinds(results) == {"RecordedRefund": CROWD}
    assert (row.refunded_minor, row.refund_pending_minor) == (5_000, 10_000)
    assert await crowded.books() == {"payable": -(AMOUNT_MINOR - 15_000), "refunds_in_transit": -10_000}


async def test_captures_and_refunds_of_one_payment(crowded: Shop) -> None:
    """Captures and refunds of one payment at once: each is worked out from what the others left, and none is lost."""
    payment_id = await crowded.recorded(capture_method="manual")
    await crowded.move(payment_id, PaymentStatus.AUTHORIZED, capture=captured(1_000))
    each = CROWD // 2
    results = await _race(
        *(crowded.move(payment_id, PaymentStatus.AUTHORIZED, capture=captured(100)) for _ in range(each)),
        *(crowded.reserve(payment_id, 10) for _ in range(each)),
    )
    row = await crowded.row(payment_id)

    assert _kinds(results) == {"RecordedPayment": each, "RecordedRefund": each}
    assert (row.captured_minor, row.refund_pending_minor, row.version) == (1_000 + 100 * each, 10 * each, 1 + each)
    assert await crowded.books() == {"payable": -(1_000 + 90 * each), "refunds_in_transit": -10 * each}


async def test_a_change_that_waited_reports_what_it_waited_for(crowded: Shop) -> None:
    """A success that meets a refund in progress waits for it, and its event has the refunded amount."""
    payment_id = await crowded.recorded(capture_method="manual")
    await crowded.move(payment_id, PaymentStatus.AUTHORIZED, capture=captured(1_000))
    refund_id = (await crowded.reserve(payment_id, 300)).refund.id
    processed = RefundChange("processed", RefundStatus.PROCESSED, "a test")
    async with crowded.engine.begin() as connection:
        await refunds.apply(connection, refund_id, processed, now=datetime.now(UTC))
        success = asyncio.create_task(crowded.move(payment_id, PaymentStatus.SUCCESS))
        await _until_somebody_waits(crowded)

    assert (await success).resource.amount_refunded == 300
    assert '"amount_refunded":300' in (await crowded.bodies())[-1]


async def _until_somebody_waits(shop: Shop) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'crowd %' AND wait_event_type = 'Lock'"
    )
    async with shop.engine.connect() as connection:
        while not (await connection.execute(waiting)).scalar_one():
            await connection.rollback()
            await asyncio.sleep(0.01)


async def test_first_use_of_accounts_by_many(crowded: Shop) -> None:
    """Twenty payments that open the same accounts at once do not wait for each other in a circle."""
    shops = [await Shop.open(crowded.engine) for _ in range(2)]
    ready = [(shop, await shop.recorded(amount_minor=100, currency="CHF")) for shop in shops for _ in range(CROWD // 2)]
    results = await _race(
        *(shop.move(payment_id, PaymentStatus.SUCCESS, capture=captured(100)) for shop, payment_id in ready)
    )

    assert _kinds(results) == {"RecordedPayment": CROWD}
    for shop in shops:
        assert await shop.books("CHF") == {"payable": -100 * (CROWD // 2), "refunds_in_transit": 0}
