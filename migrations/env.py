"""Runs the migrations as the owner of the tables (MIGRATIONS_DATABASE_URL).

`alembic check` compares the result with `clearway.db.tables`.
"""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from clearway.db.engine import create_engine
from clearway.db.tables import metadata
from clearway.settings import Settings

ADVISORY_LOCK = 0x636C6561  # two migrating processes take turns


OF_PARTITIONS = """
    SELECT relname FROM pg_class WHERE relispartition
    UNION ALL (
        SELECT conname FROM pg_constraint WHERE conparentid <> 0
        EXCEPT SELECT conname FROM pg_constraint WHERE conparentid = 0
    )
"""


def run(connection: Connection) -> None:
    """Migrate over one connection; processes that start at once wait for each other."""
    of_partitions = set(connection.exec_driver_sql(OF_PARTITIONS).scalars())

    def is_compared(name: str | None, _kind: str, _parents: object) -> bool:
        """Leave out partitions and the constraints copied to or from them: the database makes them of their table's."""
        return name not in of_partitions

    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        include_name=is_compared,
    )
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        context.run_migrations()


async def run_online() -> None:
    """Connect as the other processes do."""
    url = context.config.attributes.get("database_url")
    settings = Settings()
    owner_url = url or settings.migrations_database_url or settings.database_url
    settings = settings.model_copy(update={"database_url": owner_url})
    engine = create_engine(settings, application_name="clearway-migrate")
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(run_online())
