"""Runs the migrations against DATABASE_URL; `alembic check` compares the result with `clearway.db.tables`."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from clearway.db.engine import create_engine
from clearway.db.tables import metadata
from clearway.settings import Settings

ADVISORY_LOCK = 0x636C6561  # two migrating processes take turns


def run(connection: Connection) -> None:
    """Migrate over one connection; processes that start at once wait for each other."""
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=True)
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        context.run_migrations()


async def run_online() -> None:
    """Connect as the other processes do."""
    url = context.config.attributes.get("database_url")
    settings = Settings(database_url=url) if url else Settings()
    engine = create_engine(settings, application_name="clearway-migrate")
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(run_online())
