"""What a payment reads, writes and sends, with nothing around it: no rule, no check, no signature, no log.

The floor with these is the least that a payment could cost with Temporal, PostgreSQL, FastAPI and httpx: as many round
trips as ours has, each by the barest means. A write is one row, where ours is up to nine; the gateway and the merchant
are the same quick receiver, on connections that are kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

import asyncpg
import httpx
import orjson
from sqlalchemy import make_url

from clearway.settings import Settings

CREATE: Final = "CREATE TABLE IF NOT EXISTS floor_rows (id text PRIMARY KEY, body jsonb NOT NULL)"
READ: Final = "SELECT id, body FROM floor_rows WHERE id = $1"
WRITE: Final = (
    "INSERT INTO floor_rows (id, body) VALUES ($1, $2::jsonb) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
)
RESOURCE: Final = {
    "order_id": "order_0000000000000000",
    "amount": 50_000,
    "currency": "INR",
    "status": "success",
    "method": "upi",
    "vpa": "success@razorpay",
    "captured": True,
    "notes": {},
    "created_at": "2026-01-01T00:00:00Z",
}
POOL: Final = 5


@dataclass(frozen=True)
class Io:
    """A process's ways to the database and to the outside."""

    pool: asyncpg.Pool[asyncpg.Record]
    http: httpx.AsyncClient
    receiver_url: str

    @classmethod
    @asynccontextmanager
    async def open(cls, receiver_url: str) -> AsyncIterator[Self]:
        """Connect; the connections end with the block."""
        dsn = make_url(Settings().database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        async with (
            asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL, reset=_leave_as_it_is) as pool,
            httpx.AsyncClient() as http,
        ):
            yield cls(pool, http, receiver_url)

    async def prepare(self) -> None:
        """Create the table."""
        await self.pool.execute(CREATE)

    async def read(self, row_id: str) -> Any:
        """Read one row, or none."""
        return await self.pool.fetchrow(READ, row_id)

    async def write(self, row_id: str) -> None:
        """Write one row."""
        await self.pool.execute(WRITE, row_id, orjson.dumps(RESOURCE).decode())

    async def send(self, row_id: str) -> None:
        """Send one JSON document, and read the answer."""
        body = {"id": row_id, "type": "payment.success", "data": {"id": row_id, **RESOURCE}}
        answer = await self.http.post(self.receiver_url, json=body)
        answer.raise_for_status()


async def _leave_as_it_is(_connection: Any) -> None:
    """Spare the round trip with which a pool cleans a connection: nothing here leaves anything behind."""
