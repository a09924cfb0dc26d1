"""Fills the tables with payments that look as ours do, by set-based SQL: a million take minutes, not days.

Each payment has its order, two events, and, when it succeeded (most do), its capture, a balanced ledger transaction of
two entries, a delivery and its attempt; a few have a refund. Currencies, methods and statuses are mixed. The test
merchant, whom the bench measures as, is a big one with `BIG_SHARE` of all; the rest belongs to many small ones.
Everything is older than what is made while the bench runs. Ids have the form of `clearway.domain.ids`
and sort by the time of creation. No workflow exists for these payments, so none is open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import asyncpg

from clearway.domain.ids import ALPHABET

BATCH: Final = 50_000
MERCHANTS: Final = 500
BIG_SHARE: Final = 0.3
SPACING_MS: Final = 1_000
"""Between one payment and the next, so a million reach back some twelve days."""

_DIGITS: Final = " || ".join(f"substr('{ALPHABET}', ((at_ms >> {45 - 5 * n}) & 31)::int + 1, 1)" for n in range(10))
ID_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION pg_temp.bench_ulid(at_ms bigint, salt text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT {_DIGITS} || substr(md5(salt), 1, 16)
$$
"""
"""48 bits of milliseconds in ten characters of base 32; hexadecimal digits are digits of that alphabet too."""

MERCHANT_ROWS: Final = """
WITH opened AS (
    INSERT INTO accounts (id, name)
    SELECT 'acc_' || substr(md5('merchant' || n), 1, 26), 'Merchant ' || n FROM generate_series(1, $1::int) n
    ON CONFLICT DO NOTHING
)
INSERT INTO merchants (id, account_id, mode, name)
SELECT 'mer_' || substr(md5('merchant' || n), 1, 26), 'acc_' || substr(md5('merchant' || n), 1, 26), 'test',
       'Merchant ' || n
FROM generate_series(1, $1::int) n
ON CONFLICT DO NOTHING
"""
GATEWAY_ROWS: Final = """
INSERT INTO gateway_configs (id, merchant_id, kind, name)
SELECT 'gw_' || substr(id, 5), id, 'simulator', 'Simulator' FROM merchants WHERE mode = 'test'
ON CONFLICT DO NOTHING
"""
ENDPOINT_ROWS: Final = """
INSERT INTO webhook_endpoints (id, merchant_id, url, event_types, secret)
SELECT 'whe_' || substr(md5(id), 1, 26), id, 'https://shop.example/webhooks', '{payment.success}', 'none'
FROM merchants WHERE id <> $1 AND mode = 'test'
ON CONFLICT DO NOTHING
"""
BIG_ENDPOINT_ROW: Final = """
INSERT INTO webhook_endpoints (id, merchant_id, url, event_types, secret, status, deleted_at)
VALUES ('whe_' || substr(md5($1), 1, 26), $1, 'https://shop.example/webhooks', '{payment.success}', 'none', 'disabled',
        now())
ON CONFLICT DO NOTHING
"""
"""Deleted, so that what the bench makes goes to the bench's receiver alone."""

ACCOUNT_ROWS: Final = """
INSERT INTO ledger_accounts (code, currency)
SELECT code, currency FROM (
    SELECT 'merchant/' || id || '/payable' AS code FROM merchants UNION ALL SELECT 'gateway/simulator/receivable'
) accounts, unnest(ARRAY['INR', 'USD', 'EUR']) currency
ON CONFLICT DO NOTHING
"""

BATCH_TABLE: Final = """
CREATE TEMP TABLE bench_batch (n int, body text, later text, at timestamptz, merchant_id text, endpoint_id text,
                               amount bigint, status text, currency text, method text, customer int, refunded bigint)
                               ON COMMIT DROP
"""
BATCH_ROWS: Final = """
INSERT INTO bench_batch
SELECT n, body, pg_temp.bench_ulid(at_ms + 300, 'later' || n) AS later, to_timestamp(at_ms / 1000.0) AS at,
       merchant_id, 'whe_' || substr(md5(merchant_id), 1, 26) AS endpoint_id, amount, status, currency,
       CASE WHEN currency <> 'INR' OR get_byte(chance, 3) < 70 THEN 'card' WHEN get_byte(chance, 3) < 230 THEN 'upi'
            WHEN get_byte(chance, 3) < 246 THEN 'netbanking' ELSE 'wallet' END AS method,
       CASE WHEN get_byte(chance, 4) < 2 THEN 0 ELSE n % 250000 END AS customer,
       CASE WHEN status = 'success' AND get_byte(chance, 5) < 20 THEN amount ELSE 0 END AS refunded
FROM (
    SELECT n, at_ms, chance, pg_temp.bench_ulid(at_ms, n::text) AS body,
           CASE WHEN get_byte(chance, 0) < 2.56 * $5::int THEN $6
                ELSE 'mer_' || substr(md5('merchant' || (n % $7::int + 1)), 1, 26) END AS merchant_id,
           10000 + ('x' || substr(md5('amount' || n), 1, 7))::bit(28)::int % 90000 AS amount,
           CASE WHEN get_byte(chance, 1) < 210 THEN 'success' WHEN get_byte(chance, 1) < 240 THEN 'failed'
                WHEN get_byte(chance, 1) < 250 THEN 'expired' ELSE 'cancelled' END AS status,
           CASE WHEN get_byte(chance, 2) < 220 THEN 'INR' WHEN get_byte(chance, 2) < 243 THEN 'USD' ELSE 'EUR' END
               AS currency
    FROM (
        SELECT n, $3::bigint - ($4::bigint - n) * $8::bigint AS at_ms, decode(md5(n::text), 'hex') AS chance
        FROM generate_series($1::int, $2::int) n
    ) moments
) named
"""
"""The bytes of a hash decide, so that every run makes the same rows and no two columns go together by accident. UPI is
in INR only, as it is in life: a planner who takes method and currency for independent is wrong about them."""

FILL: Final = (
    """
    INSERT INTO orders (id, merchant_id, amount_minor, currency, receipt, status, created_at, updated_at)
    SELECT 'order_' || body, merchant_id, amount, currency, 'receipt-' || n,
           CASE status WHEN 'success' THEN 'paid' ELSE 'attempted' END, at, at
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO payments (id, merchant_id, order_id, amount_minor, currency, method, capture_method, status,
                          captured_minor, refunded_minor, gateway, gateway_id, gateway_reference, instrument, customer,
                          error_code, version, last_step, created_at, updated_at)
    SELECT 'pay_' || body, merchant_id, 'order_' || body, amount, currency, method, 'automatic', status,
           CASE status WHEN 'success' THEN amount ELSE 0 END, refunded, 'simulator', 'gw_' || substr(merchant_id, 5),
           'sim_' || body,
           CASE method WHEN 'upi' THEN jsonb_build_object('vpa', 'customer' || customer || '@bank')
               WHEN 'netbanking' THEN '{"bank": {"code": "HDFC"}}' WHEN 'wallet' THEN '{"wallet": {"code": "paytm"}}'
               ELSE '{"card": {"brand": "visa", "last4": "4242", "expiry_month": 12, "expiry_year": 2030}}' END,
           jsonb_build_object('id', 'c-' || customer, 'email', 'customer' || customer || '@mail.example',
                              'name', 'Customer ' || customer),
           CASE status WHEN 'failed' THEN 'payment_declined' END, 1, '1', at, at
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO captures (id, merchant_id, payment_id, amount_minor, currency, gateway_reference, created_at)
    SELECT 'cap_' || body, merchant_id, 'pay_' || body, amount, currency, 'sim_' || body, at
    FROM bench_batch WHERE status = 'success' ORDER BY n
    """,
    """
    INSERT INTO ledger_transactions (id, kind, reference, payment_id, created_at)
    SELECT 'txn_' || body, 'capture', 'capture/cap_' || body, 'pay_' || body, at
    FROM bench_batch WHERE status = 'success' ORDER BY n
    """,
    """
    INSERT INTO ledger_entries (transaction_id, line, account, currency, amount_minor)
    SELECT 'txn_' || body, line, CASE line WHEN 0 THEN 'gateway/simulator/receivable'
           ELSE 'merchant/' || merchant_id || '/payable' END, currency, CASE line WHEN 0 THEN amount ELSE -amount END
    FROM bench_batch, generate_series(0, 1) line WHERE status = 'success' ORDER BY n, line
    """,
    """
    INSERT INTO refunds (id, merchant_id, payment_id, amount_minor, currency, status, gateway, gateway_id,
                         gateway_reference, version, last_step, created_at, updated_at)
    SELECT 'rfnd_' || later, merchant_id, 'pay_' || body, refunded, currency, 'processed', 'simulator',
           'gw_' || substr(merchant_id, 5), 'sim_r' || body, 1, '1', at, at
    FROM bench_batch WHERE refunded > 0 ORDER BY n
    """,
    """
    INSERT INTO events (id, merchant_id, type, subject_type, subject_id, payment_id, step, from_status, to_status,
                        reason, actor, body, created_at)
    SELECT 'evt_' || event_body, merchant_id, type, 'payment', 'pay_' || body, 'pay_' || body, step, from_status,
           to_status, 'generated', 'gateway',
           json_build_object('id', 'evt_' || event_body, 'type', type, 'timestamp', at, 'data', json_build_object(
               'id', 'pay_' || body, 'object', 'payment', 'order_id', 'order_' || body, 'amount', amount,
               'currency', currency, 'status', to_status, 'method', method,
               'customer', json_build_object('email', 'customer' || customer || '@mail.example'),
               'notes', json_build_object(),
               'gateway', 'simulator', 'gateway_id', 'gw_' || substr(merchant_id, 5),
               'created_at', at, 'updated_at', at))::text, at
    FROM bench_batch, LATERAL (VALUES
        (body, 'payment.created', 'created', NULL, 'pending'),
        (later, 'payment.' || status, '1', 'pending', status)) steps (event_body, type, step, from_status, to_status)
    ORDER BY n, event_body
    """,
    """
    INSERT INTO webhook_deliveries (id, merchant_id, event_id, endpoint_id, event_type, payment_id, status,
                                    attempt_count, last_response_status, created_at, updated_at)
    SELECT 'dlv_' || later, merchant_id, 'evt_' || later, endpoint_id, 'payment.success', 'pay_' || body, 'delivered',
           1, 200, at, at
    FROM bench_batch WHERE status = 'success' ORDER BY n
    """,
    """
    INSERT INTO webhook_attempts (delivery_id, number, url, request_headers, response_status, response_headers,
                                  duration_ms, created_at)
    SELECT 'dlv_' || later, 1, 'https://shop.example/webhooks', '{"content-type": "application/json"}'::jsonb, 200,
           '{"content-length": "2"}'::jsonb, 40, at
    FROM bench_batch WHERE status = 'success' ORDER BY n
    """,
)
BESIDE: Final = (
    """
    INSERT INTO payment_attempts (id, payment_id, merchant_id, number, gateway, gateway_id, status, executed,
                                  error_code, started_at, ended_at)
    SELECT 'pay_' || body || ':authorise:1', 'pay_' || body, merchant_id, 1, 'simulator',
           'gw_' || substr(merchant_id, 5),
           CASE status WHEN 'success' THEN 'succeeded' ELSE 'failed' END,
           CASE status WHEN 'success' THEN 'yes' ELSE 'no' END,
           CASE status WHEN 'failed' THEN 'payment_declined' END, at, at
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO gateway_calls (id, merchant_id, gateway_id, operation, payment_id, operation_key, attempt, amount_minor,
                               currency, method, started_at, latency_ms, outcome, executed)
    SELECT 'gwc_' || body, merchant_id, 'gw_' || substr(merchant_id, 5), 'authorise', 'pay_' || body,
           'pay_' || body || ':authorise:1', 1, amount, currency, method, at, 80 + n % 300, 'approved', 'yes'
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO gateway_events (id, gateway, gateway_id, merchant_id, verdict, disposition, event_id, operation_key,
                                subject_id, method, headers, sealed_body, complete, received_at)
    SELECT 'gwe_' || body, 'simulator', 'gw_' || substr(merchant_id, 5), merchant_id, 'verified', 'signalled',
           'sim_evt_' || body, 'pay_' || body || ':authorise:1', 'pay_' || body, 'POST', '{}', '', true, at
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO request_log (id, merchant_id, method, route, subject_id, status, actor, request_id, idempotency_key,
                             started_at, duration_ms)
    SELECT 'rql_' || body, merchant_id, 'POST', '/api/v1/payments', NULL, 201,
           'key:key_test_' || substr(merchant_id, 5), 'req_' || body, 'key-' || n, at, 20 + n % 50
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO audit_log (id, merchant_id, actor, action, subject_type, subject_id, detail, request_id, created_at)
    SELECT 'aud_' || body, merchant_id, 'key:key_test_' || substr(merchant_id, 5), 'export.create', 'merchant',
           merchant_id, '{}', 'req_' || body, at
    FROM bench_batch ORDER BY n
    """,
)
"""What logs and the performance of gateways are about; the events are in `FILL`."""
LISTED: Final = tuple(
    statement for statement in FILL if re.search(r"INTO (orders|payments|refunds|webhook_deliveries) ", statement)
)
"""What lists and statistics read: a third of the rows, and of the time."""
RECENT: Final = (*(statement for statement in FILL if "INTO events " in statement), *BESIDE)
"""What lists read that have no long past, or that cost as much however long it is."""
TABLES: Final = (
    *("orders", "payments", "captures", "refunds", "ledger_transactions", "ledger_entries", "events"),
    *("webhook_deliveries", "webhook_attempts", "merchants", "webhook_endpoints"),
    *("payment_attempts", "gateway_calls", "gateway_events", "request_log", "audit_log"),
)


async def fill(
    connection: asyncpg.Connection[asyncpg.Record],
    count: int,
    *,
    big_merchant_id: str,
    before_ms: int,
    spacing_ms: int = SPACING_MS,
    statements: Sequence[str] = FILL,
    recent: tuple[int, Sequence[str]] = (0, ()),
    after_batch: Callable[[int], None] = lambda _: None,
) -> None:
    """Insert `count` payments, the newest made at `before_ms` (Unix milliseconds), and leave the tables in order.

    spacing_ms: between one payment and the next. recent: what else of how many of the newest. after_batch: gets how
    many are there, and may raise to end it.
    """
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET work_mem = '128MB'")
    await connection.execute(ID_FUNCTION)
    async with connection.transaction():
        await connection.execute(MERCHANT_ROWS, MERCHANTS)
        await connection.execute(GATEWAY_ROWS)
        await connection.execute(ENDPOINT_ROWS, big_merchant_id)
        await connection.execute(BIG_ENDPOINT_ROW, big_merchant_id)
        await connection.execute(ACCOUNT_ROWS)
    percent = round(100 * BIG_SHARE)
    for first in range(1, count + 1, BATCH):
        last = min(first + BATCH - 1, count)
        async with connection.transaction():
            # The rows are right by construction; checking each foreign key would double the time.
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(BATCH_TABLE)
            await connection.execute(
                BATCH_ROWS, first, last, before_ms, count, percent, big_merchant_id, MERCHANTS, spacing_ms
            )
            for statement in (*statements, *(recent[1] if last > count - recent[0] else ())):
                await connection.execute(statement)
        after_batch(last)
    for table in TABLES:
        await connection.execute(f"VACUUM (ANALYZE) {table}")  # or autovacuum would do it while we measure
    await connection.execute("CHECKPOINT")
