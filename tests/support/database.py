"""Databases for tests: made by the migrations once, then copied."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from clearway.db.roles import grant
from clearway.dev.postgres import APPLICATION_ROLE, EmbeddedPostgres

ROOT = Path(__file__).parents[2]
TEMPLATE = "clearway_template"


def alembic_config(url: str) -> Config:
    """Point Alembic at a database."""
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["database_url"] = url
    return config


class Databases:
    """Copies of a migrated template on one server."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._numbers = itertools.count(1)

    @classmethod
    async def migrated(cls, server: EmbeddedPostgres) -> Self:
        """Make the template by running every migration from empty."""
        databases = cls(server)
        await databases.empty(TEMPLATE)
        # Alembic's environment runs an event loop of its own.
        await asyncio.to_thread(command.upgrade, alembic_config(server.url_of(TEMPLATE)), "head")
        engine = create_async_engine(server.url_of(TEMPLATE))
        async with engine.begin() as connection:
            await grant(connection, APPLICATION_ROLE)
        await engine.dispose()
        return databases

    async def empty(self, name: str) -> str:
        """Create a database with nothing in it."""
        await self._execute(f'CREATE DATABASE "{name}"')
        return self._server.url_of(name)

    async def create(self, name: str, *, role: str = "postgres") -> str:
        """Copy the template; return its address, as the owner or as another role."""
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
        return self._server.url_of(name, role)

    def url_of(self, name: str) -> str:
        """Return the address of a database, as its owner."""
        return self._server.url_of(name)

    @asynccontextmanager
    async def temporary(self) -> AsyncIterator[str]:
        """Copy the template for a while."""
        name = f"temporary_{next(self._numbers)}"
        try:
            yield await self.create(name)
        finally:
            await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _execute(self, statement: str) -> None:
        engine = create_async_engine(self._server.url_of("postgres"), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()
