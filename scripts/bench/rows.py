"""Fills the tables with payments that look as ours do, by set-based SQL: a million take minutes, not days.

Each payment has its order, two events, and, when it succeeded (most do), its capture, a balanced ledger transaction of
two entries, a delivery and its attempt. The test merchant, whom the bench measures as, is a big one with `BIG_SHARE` of
all; the rest belongs to many small ones. Everything is older than what is made while the bench runs. Identifiers have
the form of ours (`clearway.domain.ids`) and sort by the time of creation. No workflow exists for these payments.
"""

from __future__ import annotations

from typing import Final

import asyncpg

BATCH: Final = 50_000
MERCHANTS: Final = 500
BIG_SHARE: Final = 0.3
SPACING_MS: Final = 1_000
"""Between one payment and the next, so a million reach back some twelve days."""

ID_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION pg_temp.bench_ulid(at_ms bigint, salt text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', ((at_ms >> (45 - 5 * place)) & 31)::int + 1, 1), ''
                      ORDER BY place) || substr(md5(salt), 1, 16)
    FROM generate_series(0, 9) place
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
SELECT 'merchant/' || id || '/payable', 'INR' FROM merchants
UNION ALL SELECT 'gateway/simulator/receivable', 'INR'
ON CONFLICT DO NOTHING
"""

BATCH_TABLE: Final = """
CREATE TEMP TABLE bench_batch (n int, body text, later text, at timestamptz, merchant_id text, endpoint_id text,
                               amount bigint, status text) ON COMMIT DROP
"""
BATCH_ROWS: Final = """
INSERT INTO bench_batch
SELECT n, body, pg_temp.bench_ulid(at_ms + 300, 'later' || n) AS later, to_timestamp(at_ms / 1000.0) AS at,
       merchant_id, 'whe_' || substr(md5(merchant_id), 1, 26) AS endpoint_id, 10000 + n % 90000 AS amount,
       CASE WHEN n % 20 < 17 THEN 'success' WHEN n % 20 < 19 THEN 'failed' ELSE 'expired' END AS status
FROM (
    SELECT n, at_ms, pg_temp.bench_ulid(at_ms, n::text) AS body,
           CASE WHEN n % 100 < $5::int THEN $6
                ELSE 'mer_' || substr(md5('merchant' || (n % $7::int + 1)), 1, 26) END AS merchant_id
    FROM (
        SELECT n, $3::bigint - ($4::bigint - n) * $8::bigint AS at_ms FROM generate_series($1::int, $2::int) n
    ) moments
) named
"""

FILL: Final = (
    """
    INSERT INTO orders (id, merchant_id, amount_minor, currency, receipt, status, created_at, updated_at)
    SELECT 'order_' || body, merchant_id, amount, 'INR', 'receipt-' || n,
           CASE status WHEN 'success' THEN 'paid' ELSE 'attempted' END, at, at
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO payments (id, merchant_id, order_id, amount_minor, currency, method, capture_method, status,
                          captured_minor, gateway, gateway_id, gateway_reference, instrument, customer, error_code,
                          version, last_step, created_at, updated_at)
    SELECT 'pay_' || body, merchant_id, 'order_' || body, amount, 'INR', 'upi', 'automatic', status,
           CASE status WHEN 'success' THEN amount ELSE 0 END, 'simulator', 'gw_' || substr(merchant_id, 5),
           'sim_' || body,
           jsonb_build_object('vpa', 'customer' || n || '@bank'),
           jsonb_build_object('email', 'customer' || n || '@mail.example', 'name', 'Customer ' || n),
           CASE status WHEN 'failed' THEN 'payment_declined' END, 1, '1', at, at
    FROM bench_batch ORDER BY n
    """,
    """
    INSERT INTO captures (id, merchant_id, payment_id, amount_minor, currency, gateway_reference, created_at)
    SELECT 'cap_' || body, merchant_id, 'pay_' || body, amount, 'INR', 'sim_' || body, at
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
           ELSE 'merchant/' || merchant_id || '/payable' END, 'INR', CASE line WHEN 0 THEN amount ELSE -amount END
    FROM bench_batch, generate_series(0, 1) line WHERE status = 'success' ORDER BY n, line
    """,
    """
    INSERT INTO events (id, merchant_id, type, subject_type, subject_id, payment_id, step, from_status, to_status,
                        reason, actor, body, created_at)
    SELECT 'evt_' || event_body, merchant_id, type, 'payment', 'pay_' || body, 'pay_' || body, step, from_status,
           to_status, 'generated', 'gateway',
           json_build_object('id', 'evt_' || event_body, 'type', type, 'timestamp', at, 'data', json_build_object(
               'id', 'pay_' || body, 'object', 'payment', 'order_id', 'order_' || body, 'amount', amount,
               'currency', 'INR', 'status', to_status, 'method', 'upi', 'vpa', 'customer' || n || '@bank',
               'customer', json_build_object('email', 'customer' || n || '@mail.example'), 'notes', json_build_object(),
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
TABLES: Final = (
    *("orders", "payments", "captures", "ledger_transactions", "ledger_entries", "events"),
    *("webhook_deliveries", "webhook_attempts", "merchants", "webhook_endpoints"),
)


async def fill(
    connection: asyncpg.Connection[asyncpg.Record], count: int, *, big_merchant_id: str, before_ms: int
) -> None:
    """Insert `count` payments, the newest made at `before_ms` (Unix milliseconds), and leave the tables in order."""
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET work_mem = '128MB'")
    await connection.execute(ID_FUNCTION)
    async with connection.transaction():
        await connection.execute(MERCHANT_ROWS, MERCHANTS)
        await connection.execute(GATEWAY_ROWS)
        await connection.execute(ENDPOINT_ROWS, big_merchant_id)
        await connection.execute(BIG_ENDPOINT_ROW, big_merchant_id)
        await connection.execute(ACCOUNT_ROWS)
    for first in range(1, count + 1, BATCH):
        last = min(first + BATCH - 1, count)
        async with connection.transaction():
            # The rows are right by construction; checking each foreign key would double the time.
            await connection.execute("SET LOCAL session_replication_role = replica")
            percent = round(100 * BIG_SHARE)
            await connection.execute(BATCH_TABLE)
            await connection.execute(
                BATCH_ROWS, first, last, before_ms, count, percent, big_merchant_id, MERCHANTS, SPACING_MS
            )
            for statement in FILL:
                await connection.execute(statement)
    for table in TABLES:
        await connection.execute(f"VACUUM (ANALYZE) {table}")  # or autovacuum would do it while we measure
    await connection.execute("CHECKPOINT")
