"""The application's role: it can do the programs' work, and cannot change the schema or what is append-only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from clearway.db import across_merchants
from clearway.db.roles import APPEND_ONLY, DELETED_FROM, RoleMissingError, grant
from clearway.db.tables import metadata
from clearway.dev.postgres import APPLICATION_ROLE
from tests.support.database import Databases

OF_MERCHANTS: Final = [table for table in APPEND_ONLY if "merchant_id" in metadata.tables[table].c]
PARTITIONED: Final = [
    name for name, table in metadata.tables.items() if table.dialect_options["postgresql"]["partition_by"]
]
FORBIDDEN: Final = (
    "DROP TABLE ledger_entries",
    "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
    "ALTER TABLE payments DROP CONSTRAINT ck_payments_captured_within_amount",
    "DROP TRIGGER guard_payment ON payments",
    "CREATE TABLE mine (id text)",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "SELECT finish_partition('events', NULL)",
    "UPDATE alembic_version SET version_num = '0'",
    *(f"UPDATE {table} SET merchant_id = ''" for table in sorted(OF_MERCHANTS)),  # noqa: S608 - our names
    "UPDATE ledger_entries SET amount_minor = 1",
    *(f"DELETE FROM {table}" for table in sorted(set(metadata.tables) - DELETED_FROM)),  # noqa: S608 - our names
    *(f"TRUNCATE {table} CASCADE" for table in sorted(metadata.tables)),
)


@pytest.fixture(scope="module")
async def application(databases: Databases) -> AsyncIterator[AsyncEngine]:
    """Connect as the programs do."""
    engine = create_async_engine(await databases.create("roles", role=APPLICATION_ROLE))
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_application_may_not(application: AsyncEngine, statement: str) -> None:
    """No DDL, no change of what is append-only, no TRUNCATE: refused for want of rights, before any trigger."""
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        async with application.begin() as connection:
            await connection.execute(text(statement))


async def test_the_application_asks_for_partitions(application: AsyncEngine, databases: Databases) -> None:
    """Maintenance makes partitions through the function, though the role may create no table."""
    async with application.begin() as connection:
        states = await across_merchants.ensure_partitions(connection)
    assert [(state.made, state.missing) for state in states] == [(0, 0)] * len(PARTITIONED)

    owner = create_async_engine(databases.url_of("roles"))
    async with owner.begin() as connection:
        month = await connection.scalar(text("SELECT to_char(now() + interval '6 months', 'YYYY_MM')"))
        await connection.execute(text(f"ALTER TABLE audit_log DETACH PARTITION audit_log_{month}"))
        await connection.execute(text(f"DROP TABLE audit_log_{month}"))
    await owner.dispose()
    async with application.begin() as connection:
        states = await across_merchants.ensure_partitions(connection)
    assert sum(state.made for state in states) == 1


async def test_every_guarded_table_is_append_only_for_the_role_too(engine: AsyncEngine) -> None:
    """The tables whose triggers refuse a change are those that the role may not update."""
    query = text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'refuse_update' AND tgparentid = 0")
    async with engine.connect() as connection:
        assert set((await connection.execute(query)).scalars()) == APPEND_ONLY


async def test_a_missing_role_is_named_with_the_way_out(engine: AsyncEngine) -> None:
    """`clearway migrate` says which role to create, and grants nothing to the owner itself."""
    async with engine.begin() as connection:
        with pytest.raises(RoleMissingError, match="CREATE ROLE nobody_yet LOGIN"):
            await grant(connection, "nobody_yet")
        assert await grant(connection, "postgres") is False
