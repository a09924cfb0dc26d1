"""Checks the parts that a payment needs, each with a short deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.operations.schemas import Readiness
from api.workers import queue_states
from clearway.services import Services

CHECK_TIMEOUT_S: Final = 3.0
OK: Final = "ok"

log = structlog.get_logger(__name__)


async def check(services: Services) -> Readiness:
    """Check all parts at the same time."""
    database, temporal = await asyncio.gather(_bounded(_database(services)), _bounded(_temporal(services)))
    checks = {"database": database.get("database", "does not answer"), "temporal": "does not answer"} | temporal
    ready = all(state == OK for state in checks.values()) and "workers" in checks
    return Readiness(status="ready" if ready else "not_ready", checks=checks)


async def _bounded(asked: Awaitable[dict[str, str]]) -> dict[str, str]:
    """Return a part's state, or nothing when it is down. The reason goes to the log only."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await asked
    except (OSError, RPCError, RuntimeError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("not_ready", error=type(error).__name__, reason=str(error)[:200])
        return {}


async def _database(services: Services) -> dict[str, str]:
    async with services.reader.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return {"database": OK}


async def _temporal(services: Services) -> dict[str, str]:
    queues = await queue_states(services.temporal)
    unpolled = [name for name, state in queues.items() if not state.polled]
    workers = f"no worker polls {', '.join(unpolled)}" if unpolled else OK
    return {"temporal": OK, "workers": workers}
