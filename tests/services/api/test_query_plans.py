"""Every list query has its index: the plans of the statements the API really sends, on a table that is large enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db import customers, events, orders, statistics
from clearway.db.deliveries.reading import DeliveryFilter, list_deliveries, list_payment_deliveries
from clearway.db.engine import create_engine, each_for_itself
from clearway.db.pages import PageRequest
from clearway.db.payments.reading import PaymentFilter, list_payments
from clearway.db.refunds.reading import RefundFilter, list_refunds
from clearway.db.statistics import Interval, Period
from clearway.domain.errors import UnprocessableError
from clearway.domain.order import OrderStatus
from clearway.settings import Settings
from clearway.statistics import reading
from clearway.statistics.reading import SeriesRequest
from tests.services.api.conftest import changed
from tests.support.database import Databases

FILL = (
    "INSERT INTO accounts (id, name) SELECT 'acc_' || n, 'Shop' FROM generate_series(0, 19) n",
    """
    INSERT INTO merchants (id, account_id, mode, name)
    SELECT 'mer_' || n, 'acc_' || n, 'test', 'Shop' FROM generate_series(0, 19) n
    """,
    """
    INSERT INTO gateway_configs (id, merchant_id, kind, name)
    SELECT 'gw_' || n, 'mer_' || n, 'simulator', 'Simulator' FROM generate_series(0, 19) n
    """,
    """
    INSERT INTO orders (id, merchant_id, amount_minor, currency, receipt)
    SELECT 'order_' || lpad(n::text, 26, '0'), 'mer_' || n % 20, 1 + n, 'INR', 'R' || n
    FROM generate_series(1, 40000) n
    """,
    """
    INSERT INTO payments (id, merchant_id, order_id, amount_minor, currency, method, capture_method, status,
        captured_minor, gateway, gateway_id, gateway_reference, instrument, customer, created_at)
    SELECT 'pay_' || lpad(n::text, 26, '0'), 'mer_' || n % 20, 'order_' || lpad(n::text, 26, '0'), 1 + n,
        'INR', CASE WHEN n % 97 = 0 THEN 'wallet' ELSE 'upi' END, 'automatic',
        CASE WHEN n % 101 = 0 THEN 'needs_review' ELSE 'success' END, CASE WHEN n % 101 = 0 THEN 0 ELSE 1 + n END,
        'simulator', 'gw_' || n % 20, 'ref' || n, jsonb_build_object('vpa', 'v' || n || '@upi'),
        jsonb_build_object('email', 'c' || n || '@x.test', 'id', CASE n % 20 WHEN 2 THEN 'regular' ELSE 'id' || n END),
        now() - n * interval '1 minute'
    FROM generate_series(1, 40000) n
    """,
    """
    INSERT INTO refunds (id, merchant_id, payment_id, amount_minor, currency, status, gateway, gateway_id)
    SELECT 'rfnd_' || substr(id, 5), merchant_id, id, 1, currency,
        CASE WHEN amount_minor % 101 = 0 THEN 'failed' ELSE 'processed' END, 'simulator', gateway_id
    FROM payments
    """,
    """
    INSERT INTO events (id, merchant_id, type, subject_type, subject_id, payment_id, step, body)
    SELECT CASE amount_minor % 3 WHEN 0 THEN 'evt_'
            ELSE id_bound('evt', now() + amount_minor % 3 * interval '40 days') END || substr(id, 15), merchant_id,
        CASE WHEN amount_minor % 101 = 0 THEN 'payment.expired' ELSE 'payment.success' END, 'payment', id, id, '1', '{}'
    FROM payments
    """,
    """
    INSERT INTO webhook_endpoints (id, merchant_id, url, event_types, secret) VALUES ('whe_1', 'mer_1', 'x', '{}', 'x')
    """,
    """
    INSERT INTO webhook_deliveries (id, merchant_id, event_id, endpoint_id, event_type, payment_id, status)
    SELECT 'dlv_' || substr(payment_id, 5), merchant_id, id, 'whe_1', type, payment_id, 'delivered' FROM events
    """,
    "ANALYZE",
)
MERCHANT = "mer_1"
PAGE = PageRequest(50, "pay_" + "0" * 21 + "30000")
SOME_PAYMENT = "pay_" + "0" * 21 + "20021"


@pytest.fixture(scope="module")
async def filled(databases: Databases, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Fill a database of its own."""
    async with databases.temporary() as url:
        engine = create_engine(changed(settings, database_url=url), application_name="tests-plans")
        async with engine.begin() as connection:
            # VACUUM marks only pages whose rows surely are committed, so the commit must not come behind it.
            await connection.execute(text("SET LOCAL synchronous_commit = on"))
            for statement in FILL:
                await connection.execute(text(statement))
        async with each_for_itself(engine).connect() as connection:
            await connection.execute(text("VACUUM"))  # as autovacuum does: walks read indexes alone
        yield engine
        await engine.dispose()


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """Collect what is sent to the database."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:  # noqa: FBT001
        sent.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every node of a plan."""
    return [plan, *(node for child in plan.get("Plans", []) for node in scans(child))]


async def explain(engine: AsyncEngine, statement: str, parameters: Any) -> list[dict[str, Any]]:
    """Run a statement and return the nodes of its plan with what they read."""
    async with engine.connect() as connection:
        result = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        return scans(result.scalar_one()[0]["Plan"])


def payments_by(**wanted: Any) -> Any:
    """Return a list query of payments."""

    async def run(connection: AsyncConnection) -> None:
        await list_payments(connection, MERCHANT, replace(PaymentFilter(), **wanted), PAGE)

    return run


def refunds_by(**wanted: Any) -> Any:
    """Return a list query of refunds."""

    async def run(connection: AsyncConnection) -> None:
        await list_refunds(connection, MERCHANT, RefundFilter(**wanted), PageRequest(50))

    return run


QUERIES: dict[str, Any] = {
    "orders": lambda connection: orders.list_orders(connection, MERCHANT, PageRequest(50)),
    "orders by status": lambda connection: orders.list_orders(
        connection, MERCHANT, PageRequest(50), status=OrderStatus.PAID
    ),
    "payments": payments_by(),
    "payments by status": payments_by(statuses=["needs_review"]),
    "payments by method": payments_by(method="wallet"),
    "payments by statuses": payments_by(statuses=["needs_review", "failed"]),
    "payments by gateway": payments_by(gateway_id="gw_1"),
    "payments of a kind that is not there": payments_by(method="wallet", statuses=["expired"]),
    "payments by kind and amount": payments_by(method="upi", amount_min=2_000),
    "payments by an amount that one has": payments_by(amount_min=20_022, amount_max=20_022),
    "payments by customer": payments_by(customer="c20021@x.test"),
    "payments by customer id": payments_by(customer="id20021"),
    "payments by reference": payments_by(search="ref20021"),
    "payments by amount": payments_by(currency="INR", amount_min=500, amount_max=900),
    "payments by order": payments_by(order_id="order_" + "0" * 21 + "20021"),
    "payments by id": payments_by(search=SOME_PAYMENT),
    "payments by receipt": payments_by(search="R20021"),
    "payments by e-mail": payments_by(search="c20021@x.test"),
    "payments by vpa": payments_by(search="v20021@upi"),
    "a customer of one payment": lambda connection: customers.find(connection, MERCHANT, email="c20021@x.test"),
    "a customer of 2,000 payments": lambda connection: customers.find(connection, "mer_2", customer_id="regular"),
    "payments of a customer of 2,000": lambda connection: list_payments(
        connection, "mer_2", PaymentFilter(customer="regular"), PAGE
    ),
    "payments of a customer of 2,000, by a status that none has": lambda connection: list_payments(
        connection, "mer_2", PaymentFilter(customer="regular", statuses=["failed"]), PAGE
    ),
    "refunds": refunds_by(),
    "refunds by status": refunds_by(statuses=["failed"]),
    "refunds by statuses": refunds_by(statuses=["failed", "needs_review"]),
    "refunds of a payment": refunds_by(payment_id=SOME_PAYMENT),
    "refunds of an order": refunds_by(order_id="order_" + "0" * 21 + "20021"),
    "refunds by gateway": refunds_by(gateway_id="gw_1"),
    "refunds by gateway that is none": refunds_by(gateway_id="gw_none"),
    "events": lambda connection: events.list_events(connection, MERCHANT, PageRequest(50)),
    "events by type": lambda connection: events.list_events(
        connection, MERCHANT, PageRequest(50), event_type="payment.expired"
    ),
    "history of a payment": lambda connection: events.payment_history(connection, MERCHANT, SOME_PAYMENT),
    "deliveries by status and type": lambda connection: list_deliveries(
        connection, MERCHANT, DeliveryFilter(status="delivered", event_type="payment.expired"), PageRequest(50)
    ),
    "deliveries by a status that none has": lambda connection: list_deliveries(
        connection, MERCHANT, DeliveryFilter(status="failed"), PageRequest(50)
    ),
    "deliveries of a payment": lambda connection: list_payment_deliveries(
        connection, MERCHANT, SOME_PAYMENT, PageRequest(50)
    ),
}
ROWS_READ_MAX = 1_200
"""A page may read past other merchants' rows when that is cheap; a merchant here has 2 000 rows, the table 40 000."""


SCANNED_MAX = 20


async def read_of(engine: AsyncEngine, sent: list[tuple[str, Any]]) -> int:
    """Return the most rows that a scan of these statements reads."""
    nodes = [node for statement, parameters in sent for node in await explain(engine, statement, parameters)]
    return int(
        max(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in nodes
            if "Scan" in node["Node Type"]
        )
    )


async def test_a_series_reads_a_bounded_number_of_rows(filled: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A period with more payments than are added up is refused after reading one more, and nothing is added up."""
    monkeypatch.setattr(statistics, "SUMMED_MAX", 300)
    now = datetime.now(UTC)
    period = Period(MERCHANT, now - timedelta(days=28), now)
    with statements(filled) as sent, pytest.raises(UnprocessableError, match="more than 300 payments"):
        await reading.series(filled, SeriesRequest(period, Interval.DAY, None, "UTC", None))
    asked = [(statement, parameters) for statement, parameters in sent if statement.startswith("SELECT")]
    assert await read_of(filled, asked) == 301


@pytest.mark.parametrize("name", QUERIES)
async def test_a_list_reads_little_more_than_it_shows(filled: AsyncEngine, name: str) -> None:
    """No sequential scan, and no index scan that reads rows by the thousand to throw them away."""
    with statements(filled) as sent:
        async with filled.connect() as connection:
            await QUERIES[name](connection)
    for statement, parameters in sent:
        for node in await explain(filled, statement, parameters):
            read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            # A scan of few rows is free: of a month to come, or of gateways, which fit on a page.
            assert node["Node Type"] != "Seq Scan" or read <= SCANNED_MAX, (statement, node["Relation Name"])
            assert read <= ROWS_READ_MAX, (node["Node Type"], node.get("Index Name"), read, statement)
