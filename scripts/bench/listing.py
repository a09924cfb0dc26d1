"""How quickly pages of the dashboard come when there are millions of payments: lists, search, figures and exports.

The test merchant has a third of the payments, over half a year. Each question is asked over HTTP, one at a time, and in
turn with the others, so that a neighbour on the machine slows all of them alike. The bounds: p95 of a page under
100 ms, the first row of an export under 300 ms, and an export that takes no more memory at its end than at its start.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg
import httpx
import psutil

from clearway.db.seed import TEST_MERCHANT_ID
from clearway.domain.ids import PAYMENT, first_id
from scripts.bench import rows
from scripts.bench.figures import percentile
from scripts.bench.report import progress
from scripts.bench.stand import CREDENTIALS, PREFIX, BenchError, Stand

PAGE: Final = 50
SPAN: Final = timedelta(days=180)
RECENT_SHARE: Final = 0.1
"""Of all payments, those of which there are events, calls and logs as well."""
FILL_S_MAX: Final = 1_500.0
BYTES_A_PAYMENT: Final = 6_000
"""Disk, write-ahead log and sorting of indexes included; what is needed for a payment is about half."""
PAGE_MS_MAX: Final = 100.0
FIRST_ROW_MS_MAX: Final = 300.0
EXPORT_S_MAX: Final = 300.0
GROWTH_MIB_MAX: Final = 24.0
"""Of the process that exports: what its allocator keeps differs from one moment to the next."""
WARM_UP: Final = 2
MIB: Final = 1024 * 1024

DROPPED_INDEXES: Final = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE NOT indisunique AND indrelid::regclass::text = ANY($1)
"""
TABLES: Final = ("orders", "payments", "refunds", "webhook_deliveries")


async def big_lists(stand: Stand, count: int, asked: int) -> dict[str, Any]:
    """Fill the tables, then ask each question `asked` times."""
    free = shutil.disk_usage(stand.options.folder).free
    if free < count * BYTES_A_PAYMENT:
        raise BenchError(f"{count} payments need {count * BYTES_A_PAYMENT // MIB} MiB of disk; {free // MIB} are free")
    filled_in_s = await _fill(stand, count)
    questions = await _questions(stand)
    took = await ask_in_turn(stand, questions, asked)
    return {
        "rows": count,
        "filled_in_s": round(filled_in_s, 1),
        "asked": asked,
        "questions": {name: judged(each, PAGE_MS_MAX) for name, each in took.items()},
        "exports": {name: await _export(stand, query) for name, query in EXPORTS.items()},
    }


def judged(took_s: Sequence[float], most_ms: float) -> dict[str, Any]:
    """Return the median and p95 of a question in ms, and whether p95 is within its bound.

    An endless time stands for an answer that was no answer.
    """
    p50, p95 = (round(percentile(took_s, percent) * 1_000, 1) for percent in (50, 95))
    return {"p50_ms": p50, "p95_ms": p95, "within": p95 <= most_ms}


async def ask_in_turn(stand: Stand, questions: Mapping[str, str], asked: int) -> dict[str, list[float]]:
    """Ask all questions, then all again; what the first rounds need to warm up is not counted."""
    took: dict[str, list[float]] = {name: [] for name in questions}
    for number in range(asked + WARM_UP):
        for name, path in questions.items():
            began = time.perf_counter()
            answer = await stand.http.request("GET", path)
            seconds = time.perf_counter() - began
            if answer.status != HTTPStatus.OK:
                progress(f"  {name}: {answer.status} after {seconds:.1f} s: {answer.body[:200]!r}")
                seconds = math.inf
            if number >= WARM_UP:
                took[name].append(seconds)
    return took


async def _fill(stand: Stand, count: int) -> float:
    began = time.perf_counter()

    def in_time(done: int) -> None:
        if time.perf_counter() - began > FILL_S_MAX:
            raise BenchError(f"only {done} of {count} payments were there after {FILL_S_MAX:g} s")

    async with stand.database() as connection, _indexed_afterwards(connection):
        await rows.fill(
            connection,
            count,
            big_merchant_id=TEST_MERCHANT_ID,
            before_ms=int(time.time() * 1_000),
            spacing_ms=max(1, int(SPAN.total_seconds() * 1_000) // count),
            statements=rows.LISTED,
            recent=(int(count * RECENT_SHARE), rows.RECENT),
            after_batch=in_time,
        )
    async with stand.database() as connection:
        for table in TABLES:
            await connection.execute(f"ANALYZE {table}")  # of the values that indexes are about
        await connection.execute("CHECKPOINT")
    return time.perf_counter() - began


@asynccontextmanager
async def _indexed_afterwards(connection: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[None]:
    """Make the indexes of the tables when they are full: that takes a fraction of the time."""
    found = await connection.fetch(DROPPED_INDEXES, TABLES)
    for index in found:
        await connection.execute(f"DROP INDEX {index['name']}")
    yield
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for index in found:
        await connection.execute(index["definition"])


async def _questions(stand: Stand) -> dict[str, str]:
    """Return the paths to ask for, by name: each filter, and what together finds least after most reading."""
    now = datetime.now(UTC)
    month_ago, deep = now - timedelta(days=30), now - SPAN * 0.9
    async with stand.database() as connection:
        some = await connection.fetchrow(
            "SELECT id, order_id, customer ->> 'email' AS email, gateway_id, gateway_reference FROM payments"
            " WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1",
            *(TEST_MERCHANT_ID, first_id(PAYMENT, month_ago)),
        )
        last = await connection.fetchval(
            "SELECT id FROM payments WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1",
            *(TEST_MERCHANT_ID, first_id(PAYMENT, deep)),
        )
    if some is None or last is None:
        raise BenchError("the tables hold too few payments to ask about")
    lists = _payment_lists(some, last, now)
    return {
        **{name: _path("payments", {"limit": PAGE, **query}) for name, query in lists.items()},
        "orders": _path("orders", {"limit": PAGE, "status": "attempted"}),
        **{
            f"{route}: {name}": _path(route, {"limit": PAGE, **query})
            for route, queries in OTHER_LISTS.items()
            for name, query in queries.items()
        },
        "performance of gateways": _path("gateways/performance", {}),
        "performance of gateways, 7 days": _path(
            "gateways/performance", {"since": (now - timedelta(days=7)).isoformat()}
        ),
        "find a customer": _path("customers", {"email": some["email"]}),
        "find a regular customer": _path("customers", {"id": "c-0"}),
        "home": _path("statistics/overview", {}),
        "series, 7 days": _path("statistics/series", {"since": (now - timedelta(days=7)).isoformat()}),
        "series, 30 days": _path("statistics/series", {"since": month_ago.isoformat()}),
    }


def _payment_lists(some: asyncpg.Record, last: str, now: datetime) -> dict[str, dict[str, Any]]:
    """Return the queries of lists of payments. some: a payment to search for. last: the cursor of a page far back."""
    month_ago, deep = now - timedelta(days=30), now - SPAN * 0.9
    day = {"created_from": deep.isoformat(), "created_to": (deep + timedelta(days=1)).isoformat()}
    return {
        "list": {},
        "a page far back": {"cursor": last},
        "status": {"status": "failed"},
        "two statuses": {"status": ["failed", "expired"]},
        "a status that none has": {"status": "needs_review"},
        "method": {"method": "wallet"},
        "currency": {"currency": "EUR"},
        "amount": {"currency": "INR", "amount_min": 50_000, "amount_max": 50_100},
        "a wide amount": {"currency": "INR", "amount_min": 50_000},
        "gateway": {"gateway_id": some["gateway_id"]},
        "a gateway that none has": {"gateway_id": "gw_" + "0" * 26},
        "customer": {"customer": some["email"]},
        "a regular customer": {"customer": "c-0"},
        "order": {"order_id": some["order_id"]},
        "a day far back": day,
        "a day far back, by status": {**day, "status": "cancelled"},
        "a month, by method": {"created_from": month_ago.isoformat(), "method": "netbanking"},
        "method and currency that never meet": {"method": "upi", "currency": "EUR"},
        "status, method and currency": {"status": "cancelled", "method": "wallet", "currency": "INR"},
        "statuses, method, currency, days": {
            **day,
            "status": ["failed", "expired", "cancelled"],
            "method": "card",
            "currency": "USD",
        },
        "everything at once, nothing found": {
            "status": ["failed", "cancelled"],
            "method": "upi",
            "currency": "EUR",
            "amount_min": 10_000,
            "created_from": (now - SPAN).isoformat(),
            "gateway_id": some["gateway_id"],
        },
        "regular customer, status that none has": {"customer": "c-0", "status": "needs_review"},
        "search e-mail": {"search": some["email"]},
        "search reference": {"search": some["gateway_reference"]},
        "search id": {"search": some["id"]},
        "search nothing": {"search": "no-such-receipt"},
    }


OTHER_LISTS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "refunds": {
        "list": {},
        "status": {"status": "processed"},
        "a status that none has": {"status": "failed"},
        "currency and amount": {"currency": "EUR", "amount_min": 90_000},
        "a currency that none has": {"currency": "JPY"},
    },
    "webhooks": {
        "list": {},
        "status": {"status": "delivered"},
        "a status that none has": {"status": "failed"},
        "a type that none has": {"event": "refund.failed"},
        "status and type": {"status": "delivered", "event": "payment.success"},
    },
    "events": {"list": {}, "type": {"type": "payment.expired"}, "a type that none has": {"type": "refund.failed"}},
    "gateway_events": {"list": {}, "one disposition, which none has": {"disposition": "contradicts"}},
    "request_log": {
        "list": {},
        "failed, none are": {"failed": "true"},
        "an idempotency key that none has": {"idempotency_key": "none"},
        "a request": {"request_id": "req_none"},
    },
    "audit_log": {"list": {}, "an act that nobody did": {"action": "member.remove"}},
}


def _path(route: str, query: Mapping[str, Any]) -> str:
    return f"{PREFIX}/{route}?{urlencode(query, doseq=True)}"


EXPORTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "all payments": {},
    "failed payments": {"status": "failed"},
    "what is not there": {"method": "upi", "currency": "EUR"},
}


async def _export(stand: Stand, query: Mapping[str, Any]) -> dict[str, Any]:
    """Read an export for at most `EXPORT_S_MAX`: its first row, its rows a second, and the memory of the API."""
    process = psutil.Process(stand.stack.process("api").pid)
    url = stand.stack.api_urls()[0] + _path("exports/payments", query)
    began, first_s, found, sizes = time.perf_counter(), 0.0, 0, [process.memory_info().rss]
    async with (
        httpx.AsyncClient(headers=CREDENTIALS, timeout=60, trust_env=False) as client,
        client.stream("GET", url) as answer,
    ):
        if answer.status_code != HTTPStatus.OK:
            raise BenchError(f"GET {url}: {answer.status_code}")
        async for chunk in answer.aiter_bytes():
            found += chunk.count(b"\n")
            first_s = first_s or (time.perf_counter() - began if found > 1 else 0.0)
            if time.perf_counter() - began > 0.5 * len(sizes):
                sizes.append(process.memory_info().rss)
            if time.perf_counter() - began > EXPORT_S_MAX:
                break
    took_s = time.perf_counter() - began
    return export_figures(first_s or took_s, found - 1, took_s, sizes)


def export_figures(first_s: float, count: int, took_s: float, sizes: Sequence[int]) -> dict[str, Any]:
    """Return what an export cost. Memory counts from when the first pages were written."""
    settled = sizes[min(2, len(sizes) - 1)]
    growth = (max(sizes[2:], default=settled) - settled) / MIB
    return {
        "first_row_ms": round(first_s * 1_000, 1),
        "rows": count,
        "rows_per_s": round(count / took_s),
        "memory_mib": [round(size / MIB) for size in sizes[:: max(1, len(sizes) // 8)]],
        "growth_mib": round(growth, 1),
        "within": first_s * 1_000 <= FIRST_ROW_MS_MAX and growth <= GROWTH_MIB_MAX,
    }
