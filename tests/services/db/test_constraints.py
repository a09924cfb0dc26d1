"""What the database refuses by itself: each constraint and each guard, tested with plain SQL."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from clearway.db import audit
from clearway.db.tables import metadata
from clearway.domain import ids
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.gateway import first_gateway_id
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import MOVES, RefundStatus
from tests.support.shop import Shop, captured

APPEND_ONLY = (
    "ledger_accounts",
    "ledger_transactions",
    "ledger_entries",
    "captures",
    "events",
    "webhook_attempts",
    "audit_log",
)


async def _execute(shop: Shop, *statements: str, **values: object) -> None:
    async with shop.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement), values)


async def _refused(shop: Shop, because: str, *statements: str, **values: object) -> None:
    with pytest.raises(IntegrityError, match=because):
        await _execute(shop, *statements, **values)


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ("captured_minor = amount_minor + 1", "captured_within_amount"),
        ("captured_minor = -1", "only grow|captured_within_amount"),
        ("captured_minor = captured_minor - 1", "only grow"),
        ("refunded_minor = captured_minor + 1", "refunds_within_captured"),
        ("refund_pending_minor = captured_minor + 1", "refunds_within_captured"),
        ("refunded_minor = 20000, refund_pending_minor = 20001", "refunds_within_captured"),
        ("refunded_minor = -1", "refunds_not_negative"),
        ("refund_pending_minor = -1", "refunds_not_negative"),
        ("status = 'failed'", "ended_uncaptured"),
        ("status = 'cancelled'", "ended_uncaptured"),
        ("status = 'expired'", "ended_uncaptured"),
        ("status = 'paid'", "status_known"),
        ("method = 'cash'", "method_known"),
        ("capture_method = 'later'", "capture_method_known"),
        ("amount_minor = 90000", "never changes"),
        ("currency = 'USD'", "never changes"),
        ("merchant_id = 'mer_other'", "never changes"),
        ("order_id = 'order_other'", "never changes"),
    ],
)
async def test_payment_amounts_hold(shop: Shop, change: str, because: str) -> None:
    """No update takes more than was authorised, gives back more than was taken, or changes what a payment is for."""
    payment_id = await shop.recorded(capture_method="manual")
    await shop.move(payment_id, PaymentStatus.AUTHORIZED)
    await shop.move(payment_id, PaymentStatus.AUTHORIZED, capture=captured(40_000))

    await _refused(shop, because, f"UPDATE payments SET {change} WHERE id = :id", id=payment_id)  # noqa: S608


async def test_a_success_has_taken_money(shop: Shop) -> None:
    """A payment of which nothing is captured is no success."""
    payment_id = await shop.recorded()
    await _refused(shop, "success_is_captured", "UPDATE payments SET status = 'success' WHERE id = :id", id=payment_id)


@pytest.mark.parametrize("final", ["success", "failed", "cancelled", "expired"])
@pytest.mark.parametrize("to", list(PaymentStatus))
async def test_a_final_payment_stays(shop: Shop, final: str, to: PaymentStatus) -> None:
    """A payment that has ended has ended for good."""
    payment_id = await (shop.paid() if final == "success" else shop.recorded())
    if final != "success":
        await shop.move(payment_id, PaymentStatus(final))

    if to != final:
        await _refused(
            shop, f"is {final} for good", "UPDATE payments SET status = :to WHERE id = :id", id=payment_id, to=to.value
        )


@pytest.mark.parametrize("final", [RefundStatus.PROCESSED, RefundStatus.FAILED, RefundStatus.REVERSED])
@pytest.mark.parametrize("to", list(RefundStatus))
async def test_a_final_refund_stays(shop: Shop, final: RefundStatus, to: RefundStatus) -> None:
    """A refund that has ended has ended for good; only a processed one may be reversed."""
    refund_id = (await shop.reserve(await shop.paid(), 100)).refund.id
    if final is RefundStatus.REVERSED:
        await shop.settle(refund_id, RefundStatus.PROCESSED)
    await shop.settle(refund_id, final)

    if to not in {final, *MOVES[final]}:
        await _refused(
            shop, f"is {final} for good", "UPDATE refunds SET status = :to WHERE id = :id", id=refund_id, to=to.value
        )


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ("amount_minor = 1", "only when a review finds"),
        ("currency = 'USD'", "never changes"),
        ("payment_id = 'pay_other'", "never changes"),
        ("merchant_id = 'mer_other'", "never changes"),
        ("status = 'lost'", "status_known"),
    ],
)
async def test_what_a_refund_is_for_holds(shop: Shop, change: str, because: str) -> None:
    """A refund keeps its amount, its currency, its payment and its merchant."""
    refund_id = (await shop.reserve(await shop.paid(), 100)).refund.id
    await _refused(shop, because, f"UPDATE refunds SET {change} WHERE id = :id", id=refund_id)  # noqa: S608


@pytest.mark.parametrize(
    ("columns", "because"),
    [
        ({"amount_minor": 0}, "amount_positive"),
        ({"amount_minor": -100}, "amount_positive"),
        ({"currency": "rupees"}, "currency_form"),
        ({"currency": "inr"}, "currency_form"),
        ({"status": "open"}, "status_known"),
        ({"merchant_id": "mer_nobody"}, "fk_orders_merchant_id"),
    ],
)
async def test_an_order_is_sound(shop: Shop, columns: dict[str, object], because: str) -> None:
    """An order is of somebody, for a positive amount of a currency."""
    values = {"id": ids.new_id(ids.ORDER), "merchant_id": shop.merchant_id, "amount_minor": 1, "currency": "INR"}
    values |= {"status": "created"} | columns
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)

    await _refused(shop, because, f"INSERT INTO orders ({names}) VALUES ({marks})", **values)  # noqa: S608 - our names


INSERT_PAYMENT = """
    INSERT INTO payments (id, merchant_id, order_id, amount_minor, currency, method, capture_method, status,
                          gateway, gateway_id, instrument)
    VALUES (:id, :merchant, :order, :amount, :currency, 'upi', 'automatic', :status, 'simulator', :gateway, '{}')
"""


async def _insert_payment(shop: Shop, because: str, **columns: object) -> None:
    values = {"id": ids.new_id(ids.PAYMENT), "merchant": shop.merchant_id, "amount": 100, "currency": "INR"}
    values |= {"status": "pending", "gateway": first_gateway_id(shop.merchant_id)}
    await _refused(shop, because, INSERT_PAYMENT, **values | columns)


async def test_a_payment_is_of_its_order(shop: Shop) -> None:
    """A payment has the currency and the merchant of its order, and the order exists."""
    other = await Shop.open(shop.engine)
    order = await shop.order()

    await _insert_payment(shop, "fk_payments_order", order=order, currency="USD")
    await _insert_payment(shop, "fk_payments_order", order=await other.order())
    await _insert_payment(shop, "fk_payments_order", order="order_nowhere")
    await _insert_payment(shop, "amount_positive", order=order, amount=0)
    await _insert_payment(shop, "amount_positive", order=order, amount=-1)


@pytest.mark.parametrize("holds", ["pending", "requires_action", "processing", "authorized", "success", "needs_review"])
async def test_an_order_is_held_by_one_payment(shop: Shop, holds: str) -> None:
    """While a payment of an order is under way or successful, a second cannot be there."""
    new = await shop.new()
    await shop.record(new)
    if holds != "pending":
        capture = captured() if holds == "success" else None
        await shop.move(new.id, PaymentStatus(holds), capture=capture)

    await _insert_payment(shop, "uq_payments_order_taken", order=new.order_id)


@pytest.mark.parametrize("frees", ["failed", "cancelled", "expired"])
async def test_an_order_is_free_after_a_payment_that_took_nothing(shop: Shop, frees: str) -> None:
    """A failed, cancelled or expired payment lets the order be paid again; its own end stands."""
    first = await shop.new()
    await shop.record(first)
    await shop.move(first.id, PaymentStatus(frees))
    second = await shop.recorded(order_id=first.order_id)

    assert (await shop.row(first.id)).status == frees
    assert (await shop.row(second)).status == "pending"


@pytest.mark.parametrize("table", ["captures", "refunds"])
async def test_what_belongs_to_a_payment_has_its_currency_and_merchant(shop: Shop, table: str) -> None:
    """A capture or a refund in another currency, of another merchant, or of nothing, is refused."""
    payment_id = await shop.paid()
    other = await Shop.open(shop.engine)
    gateway_id = first_gateway_id(shop.merchant_id)
    more = {"captures": "", "refunds": ", status, gateway, gateway_id"}[table]
    values = {"captures": "", "refunds": f", 'pending', 'simulator', '{gateway_id}'"}[table]
    statement = (
        f"INSERT INTO {table} (id, merchant_id, payment_id, amount_minor, currency{more}) "  # noqa: S608 - our names
        f"VALUES ('x_{payment_id}', :merchant, '{payment_id}', :amount, :currency{values})"
    )
    for merchant, currency in ((shop.merchant_id, "USD"), (other.merchant_id, "INR")):
        await _refused(shop, f"fk_{table}_payment", statement, merchant=merchant, currency=currency, amount=1)
    for amount in (0, -1):
        await _refused(shop, "amount_positive", statement, merchant=shop.merchant_id, currency="INR", amount=amount)


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_the_past_is_not_rewritten(lone: Shop, table: str) -> None:
    """Books, captures, events and the audit log take no update, no delete and no truncation."""
    await lone.endpoint()
    await lone.paid()
    await _execute(
        lone,
        "INSERT INTO webhook_attempts (delivery_id, number, url, request_headers, duration_ms) "
        "SELECT id, 1, 'x', '{}', 1 FROM webhook_deliveries",
    )
    async with lone.engine.begin() as connection:
        await audit.record(connection, Actor(SYSTEM, None), "a.test", lone.merchant_id)
    first = {"ledger_accounts": "code", "ledger_entries": "account", "webhook_attempts": "url"}.get(table, "id")

    await _refused(lone, "append-only", f"UPDATE {table} SET {first} = {first}")  # noqa: S608 - our names
    await _refused(lone, "append-only", f"DELETE FROM {table}")  # noqa: S608 - our names
    await _refused(lone, "append-only", f"TRUNCATE {table} CASCADE")


async def test_only_what_is_sealed_in_the_past_can_be_replaced(lone: Shop) -> None:
    """A sealed column of an append-only table may be sealed again or emptied; no other column of the row may change."""
    await lone.endpoint()
    await lone.paid()
    await _execute(
        lone,
        "INSERT INTO webhook_attempts (delivery_id, number, url, request_headers, duration_ms, response_body) "
        "SELECT id, 1, 'x', '{}', 1, 'v1.a.b' FROM webhook_deliveries",
    )
    async with lone.engine.begin() as connection:
        await audit.record(connection, Actor(SYSTEM, None, address="v1.a.b"), "a.test", lone.merchant_id)
    for name in ("webhook_attempts", "audit_log"):
        for column in metadata.tables[name].columns:
            statement = f'UPDATE {name} SET "{column.name}" = NULL'  # noqa: S608 - our names
            if column.info.get("sealed"):
                await _execute(lone, statement)
            else:
                await _refused(lone, "append-only", statement)


TRANSACTION = "INSERT INTO ledger_transactions (id, kind, reference, payment_id) VALUES (:id, 'capture', :id, :payment)"
INR = "'gateway/simulator/receivable', 'INR'"


def _lines(*lines: tuple[str, int]) -> str:
    rows = ", ".join(f"(:id, {number}, {account}, {amount})" for number, (account, amount) in enumerate(lines))
    return f"INSERT INTO ledger_entries (transaction_id, line, account, currency, amount_minor) VALUES {rows}"  # noqa: S608


async def test_an_unbalanced_transaction_is_refused(shop: Shop) -> None:
    """Entries sum to zero in each currency, at once and after every later line."""
    payment_id = await shop.paid()
    usd = "'gateway/simulator/receivable', 'USD'"
    for account in (INR, usd):
        await _execute(shop, f"INSERT INTO ledger_accounts (code, currency) VALUES ({account}) ON CONFLICT DO NOTHING")  # noqa: S608
    named = {"id": ids.new_id(ids.LEDGER_TRANSACTION), "payment": payment_id}
    later = "INSERT INTO ledger_entries (transaction_id, line, account, currency, amount_minor) VALUES "

    await _refused(shop, "sum to zero", TRANSACTION, _lines((INR, 100)), **named)
    await _refused(shop, "sum to zero", TRANSACTION, _lines((INR, 100), (INR, -99)), **named)
    await _refused(shop, "sum to zero", TRANSACTION, _lines((INR, 100), (usd, -100)), **named)
    await _refused(shop, "amount_not_zero", TRANSACTION, _lines((INR, 0), (INR, 0)), **named)
    await _refused(shop, "account", TRANSACTION, _lines(("'nowhere', 'INR'", 1), (INR, -1)), **named)
    await _execute(shop, TRANSACTION, _lines((INR, 100), (INR, -100)), **named)
    await _refused(shop, "sum to zero", f"{later} (:id, 2, {INR}, 5)", id=named["id"])


async def test_a_movement_is_booked_once(shop: Shop) -> None:
    """A second transaction with the same reference is refused."""
    payment_id = await shop.paid()
    statement = (
        "INSERT INTO ledger_transactions (id, kind, reference, payment_id) VALUES (:id, 'x', :reference, :payment)"
    )
    reference = ids.new_id("reference")

    await _execute(shop, statement, id=ids.new_id("txn"), reference=reference, payment=payment_id)
    await _refused(
        shop,
        "uq_ledger_transactions_reference",
        statement,
        id=ids.new_id("txn"),
        reference=reference,
        payment=payment_id,
    )


async def test_a_step_has_one_event(shop: Shop) -> None:
    """One event of a type for a step, and one delivery of an event to an endpoint."""
    await shop.endpoint()
    payment_id = await shop.recorded()
    again = (
        "INSERT INTO events (id, merchant_id, type, subject_type, subject_id, step, body) "
        "SELECT id || 'x', merchant_id, type, subject_type, subject_id, step, body FROM events WHERE subject_id = :id"
    )
    twice = (
        "INSERT INTO webhook_deliveries (id, merchant_id, event_id, endpoint_id, event_type) "
        "SELECT id || 'x', merchant_id, event_id, endpoint_id, event_type FROM webhook_deliveries "
        "WHERE payment_id = :id"
    )

    await _refused(shop, "uq_events_2", again, id=payment_id)
    await _refused(shop, "uq_webhook_deliveries_event_id_endpoint_id", twice, id=payment_id)
