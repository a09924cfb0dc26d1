"""Keep the schedules of health checks as the configurations say: at each change, and by maintenance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from clearway.db import across_merchants
from clearway.db.engine import each_for_itself
from clearway.durable import schedules
from clearway.durable.schedules import DISABLED, HealthSchedule

AT_ONCE: Final = 10
PATIENCE_S: Final = 3.0
"""How long a request waits for Temporal. Maintenance does what was not done."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What maintenance did."""

    created: int = 0
    changed: int = 0
    deleted: int = 0


async def follow(client: Client, gateway_id: str, every_s: float, *, enabled: bool | None) -> None:
    """Let the schedule follow a change of a configuration. enabled None: it is deleted."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            if enabled is None:
                await schedules.delete(client, gateway_id)
            elif enabled:
                await schedules.resume(client, gateway_id, every_s)
            else:
                await schedules.pause(client, gateway_id)
    except (RPCError, RuntimeError, TimeoutError) as error:
        log.warning("health_schedule_not_changed", gateway_id=gateway_id, error=type(error).__name__)


async def reconcile(client: Client, engine: AsyncEngine, every_s: float) -> Reconciled:
    """Create what is missing, pause and resume, set the interval, and delete what has no gateway."""
    async with each_for_itself(engine).connect() as connection:
        wanted = {config.id: config.enabled for config in await across_merchants.every_gateway(connection)}
    there = {each.gateway_id: each async for each in schedules.every(client)}
    missing = [gateway_id for gateway_id, enabled in wanted.items() if enabled and gateway_id not in there]
    strays = [gateway_id for gateway_id in there if gateway_id not in wanted]
    changes = [
        change
        for gateway_id, found in there.items()
        if gateway_id in wanted
        for change in _changes(client, found, every_s, enabled=wanted[gateway_id])
    ]
    await _each(schedules.create(client, gateway_id, every_s) for gateway_id in missing)
    await _each(changes)
    await _each(schedules.delete(client, gateway_id) for gateway_id in strays)
    return Reconciled(len(missing), len(changes), len(strays))


def _changes(client: Client, found: HealthSchedule, every_s: float, *, enabled: bool) -> Iterator[Awaitable[object]]:
    if not enabled and not found.paused:
        yield schedules.pause(client, found.gateway_id)
    if enabled and found.paused and found.note == DISABLED:
        yield schedules.resume(client, found.gateway_id, every_s)
    if found.every_s != every_s:
        yield schedules.change_interval(client, found.gateway_id, every_s)


async def _each(calls: Iterable[Awaitable[object]]) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(call: Awaitable[object]) -> None:
        async with room:
            await call

    await asyncio.gather(*(one(call) for call in calls))
