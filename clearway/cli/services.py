"""Application services for commands: the connections of one command, opened and closed around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from clearway.cli.durable import connected
from clearway.cli.running import settings_in_use
from clearway.cli.transaction import explained
from clearway.db.engine import create_engine
from clearway.gateway_configs.opening import open_connections
from clearway.services import Services

Result = TypeVar("Result")


def with_services(work: Callable[[Services], Awaitable[Result]]) -> Result:
    """Do the work and return its result. Raises CommandError when Temporal or the database can't be reached."""

    async def run() -> Result:
        async with opened() as services:
            return await work(services)

    with explained():
        return asyncio.run(run())


@asynccontextmanager
async def opened() -> AsyncIterator[Services]:
    """Open the connections. Raises TemporalAwayError."""
    settings = settings_in_use()
    engine = create_engine(settings, application_name="clearway-cli")
    gateways = open_connections(settings, engine)
    try:
        async with connected() as temporal:
            yield Services(settings, engine, temporal, gateways)
    finally:
        await gateways.aclose()
        await engine.dispose()
