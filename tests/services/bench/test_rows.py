"""The generated rows are like real ones, so measurements on them hold for real rows."""

from __future__ import annotations

import time

import asyncpg
import orjson
import pytest

from clearway.db.engine import create_engine
from clearway.db.seed import TEST_MERCHANT, seed_merchant
from clearway.domain.ids import ALPHABET, is_id
from clearway.settings import Settings
from scripts.bench import rows
from scripts.bench.reading import compared

COUNT = 700
PREFIXES = {
    "orders": "order",
    "payments": "pay",
    "captures": "cap",
    "ledger_transactions": "txn",
    "events": "evt",
    "refunds": "rfnd",
    "webhook_deliveries": "dlv",
    "merchants": "mer",
    "webhook_endpoints": "whe",
}
KEYS = """
SELECT child.relname AS child, parent.relname AS parent,
       (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY keys (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns,
       (SELECT array_agg(attname::text ORDER BY place) FROM unnest(confkey) WITH ORDINALITY keys (number, place)
        JOIN pg_attribute ON attrelid = confrelid AND attnum = number) AS referenced
FROM pg_constraint JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace
"""


@pytest.fixture
async def filled(fresh_database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """Yield a connection to a database with generated payments, made in several batches."""
    own = settings.model_copy(update={"database_url": fresh_database_url})
    engine = create_engine(own, application_name="rows")
    async with engine.begin() as connection:
        await seed_merchant(connection, own, TEST_MERCHANT)
    await engine.dispose()
    monkeypatch.setattr(rows, "BATCH", 300)
    connection = await asyncpg.connect(fresh_database_url.replace("+asyncpg", ""))
    before_ms = int(time.time() * 1_000)
    await rows.fill(connection, COUNT, big_merchant_id=TEST_MERCHANT.merchant_id, before_ms=before_ms)
    yield connection
    await connection.close()


async def test_generated_rows_are_whole(filled: asyncpg.Connection) -> None:
    """Although they are inserted unchecked: every foreign key leads somewhere, and the books balance."""
    for key in await filled.fetch(KEYS):
        on = " AND ".join(f"c.{one} = p.{other}" for one, other in zip(key["columns"], key["referenced"], strict=True))
        given = " AND ".join(f"c.{one} IS NOT NULL" for one in key["columns"])
        child, parent, first = key["child"], key["parent"], key["referenced"][0]
        query = f"SELECT count(*) FROM {child} c LEFT JOIN {parent} p ON {on} WHERE {given} AND p.{first} IS NULL"  # noqa: S608
        assert await filled.fetchval(query) == 0, f"{child} -> {parent}"
    assert await filled.fetchval("SELECT count(*) FROM payments") == COUNT
    paid = await filled.fetchval("SELECT count(*) FROM payments WHERE status = 'success'")
    for table in ("captures", "ledger_transactions", "webhook_deliveries", "webhook_attempts"):
        assert await filled.fetchval(f"SELECT count(*) FROM {table}") == paid  # noqa: S608
    assert await filled.fetchval("SELECT sum(amount_minor) FROM ledger_entries") == 0
    assert await filled.fetchval("SELECT count(*) FROM events") == 2 * COUNT


def made_at_ms(identifier: str) -> int:
    """Read the Unix milliseconds that an identifier begins with."""
    number = 0
    for character in identifier.partition("_")[2]:
        number = number * 32 + ALPHABET.index(character)
    return number >> 80


async def test_generated_ids_are_of_our_form_and_order(filled: asyncpg.Connection) -> None:
    """Each is one that the API would accept, and they sort by the time of creation, as pages need."""
    for table, prefix in PREFIXES.items():
        query = f"SELECT id FROM {table} WHERE id <> $1"  # noqa: S608
        ids = await filled.fetch(query, TEST_MERCHANT.merchant_id)
        assert ids
        assert all(is_id(prefix, row["id"]) for row in ids), table
    by_time = await filled.fetch("SELECT id, created_at FROM payments ORDER BY created_at")
    assert [row["id"] for row in by_time] == sorted(row["id"] for row in by_time)
    for row in by_time:
        assert made_at_ms(row["id"]) == round(row["created_at"].timestamp() * 1_000)


async def test_generated_events_are_read_as_real_ones(filled: asyncpg.Connection) -> None:
    """A generated event is JSON about the payment that its row names; one merchant has a large share."""
    for row in await filled.fetch("SELECT id, payment_id, type, body FROM events LIMIT 50"):
        body = orjson.loads(row["body"])
        assert (body["id"], body["type"], body["data"]["id"]) == (row["id"], row["type"], row["payment_id"])
    share = await filled.fetchval("SELECT avg((merchant_id = $1)::int) FROM payments", TEST_MERCHANT.merchant_id)
    assert float(share) == pytest.approx(rows.BIG_SHARE, abs=0.05)


def test_what_slows_down_too_much_is_marked() -> None:
    """The bound is a ratio of medians."""
    found = compared({"list": 0.010, "read": 0.004}, {"list": 0.0131, "read": 0.005})
    assert found["list"] == {"empty_ms": 10.0, "full_ms": 13.1, "ratio": 1.31, "within": False}
    assert found["read"]["within"]
