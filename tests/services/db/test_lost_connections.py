"""Connections that the server has closed: a restart of Postgres or an operator must not fail the next request."""

from __future__ import annotations

import asyncio

import asyncpg
from sqlalchemy import text

from clearway.db.engine import create_engine
from clearway.settings import Settings

OTHERS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'tests-lost %'"
SEEN_S = 0.2
"""Until the event loop has seen the sockets close."""


async def test_connections_closed_by_the_server_are_replaced(fresh_database_url: str) -> None:
    """After the server has closed every connection of the pool, each of the next statements gets one that works."""
    engine = create_engine(Settings(_env_file=None, database_url=fresh_database_url), application_name="tests-lost")

    async def one() -> int:
        async with engine.connect() as connection:
            found = await connection.execute(text("SELECT pg_backend_pid() FROM pg_sleep(0.05)"))
            return int(found.scalar_one())

    before = set(await asyncio.gather(*(one() for _ in range(3))))
    killer = await asyncpg.connect(fresh_database_url.replace("+asyncpg", ""))
    assert await killer.fetchval(OTHERS) == len(before)
    await killer.close()
    await asyncio.sleep(SEEN_S)

    after = set(await asyncio.gather(*(one() for _ in range(3))))

    assert not before & after
    await engine.dispose()
