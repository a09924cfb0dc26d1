"""The transactions of a command, and what drivers raise as a line that people can act on.

Commands open one short-lived connection; they hold nothing open while they talk to people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.cli.problems import CommandError
from clearway.cli.running import settings_in_use
from clearway.db.engine import create_engine

Result = TypeVar("Result")


def in_transaction(work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    """Do the work in one transaction and return what it returns. Raises CommandError when the database is away."""

    async def run(engine: AsyncEngine) -> Result:
        async with engine.begin() as connection:
            return await work(connection)

    return with_engine(run)


def with_engine(work: Callable[[AsyncEngine], Awaitable[Result]]) -> Result:
    """Do work that makes its own transactions. Raises CommandError when the database is away."""

    async def run() -> Result:
        engine = create_engine(settings_in_use(), application_name="clearway-cli")
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    with explained():
        return asyncio.run(run())


@contextmanager
def explained() -> Iterator[None]:
    """Turn what drivers raise into a line that names the database, without its password."""
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        url = make_url(settings_in_use().database_url).render_as_string(hide_password=True)
        reason = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
        message = f"The database {url} can't be used: {reason[0]}. Check DATABASE_URL, and `clearway migrate --check`."
        raise CommandError(message) from None
