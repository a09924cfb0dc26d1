"""Waiting until nothing is under way any more: in the database, at the gateway, and in Temporal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError

from tests.fire.gauntlet.site import Site
from tests.fire.gauntlet.strikes import DRIVER_ERRORS

POLL_S: Final = 1.0
PROGRESS_EVERY: Final = 10
OPEN: Final = {
    "payments": "SELECT count(*) FROM payments WHERE status IN ('pending', 'requires_action', 'processing', "
    "'authorized', 'retrying')",
    "refunds": "SELECT count(*) FROM refunds WHERE status = 'pending'",
    "deliveries": "SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'",
    "reviewed": "SELECT (SELECT count(*) FROM payments WHERE status = 'needs_review') + "
    "(SELECT count(*) FROM refunds WHERE status = 'needs_review')",
}
"""Counts of what is still under way. `reviewed` waits for a person, and its workflows may run on."""
RUNNING: Final = "ExecutionStatus = 'Running' AND WorkflowType != 'MaintenanceWorkflow'"


async def wait_for_quiet(site: Site, engine: AsyncEngine, limit_s: float, say: Callable[[str], None]) -> bool:
    """Return True when nothing is under way, False when the limit came first. What can't be read is not quiet."""
    began = time.monotonic()
    looks = 0
    while time.monotonic() - began < limit_s:
        left = await _left(site, engine)
        if not left:
            return True
        if looks % PROGRESS_EVERY == 0:
            say(f"waiting for quiet: {', '.join(left)}")
        looks += 1
        await asyncio.sleep(POLL_S)
    return False


async def _left(site: Site, engine: AsyncEngine) -> list[str]:
    try:
        async with engine.connect() as connection:
            counts = {name: (await connection.execute(text(query))).scalar_one() for name, query in OPEN.items()}
        health = (await site.gateway.get("/health")).raise_for_status().json()
        running = (await site.stack.temporal.count_workflows(RUNNING)).count
    except (DBAPIError, *DRIVER_ERRORS, httpx.HTTPError, RPCError) as error:
        return [f"cannot be read ({type(error).__name__})"]
    counts["gateway operations"] = health["pending_decisions"] + health["undelivered_webhooks"]
    counts["workflows"] = max(0, running - counts.pop("reviewed"))
    return [f"{count} {name}" for name, count in counts.items() if count]
