"""The health of a merchant's gateways, as stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import gateway_health, gateway_health_checks
from clearway.domain.gateway_health import Health, HealthStatus
from clearway.domain.ids import HEALTH_CHECK, first_id, new_id

WINDOWS: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. message: for people. latency_ms None: the gateway did not answer."""

    ok: bool
    message: str
    latency_ms: int | None


@dataclass(frozen=True, slots=True)
class Uptime:
    """How many checks of a window there were, and how many were good."""

    window: str
    checks: int
    good: int


def health_of(row: Row[Any]) -> Health:
    """Read a row of `gateway_health`."""
    return Health(
        status=HealthStatus(row.status),
        since=row.since,
        streak=row.streak,
        degraded_by=tuple(row.degraded_by),
        degraded_since=row.degraded_since,
        quiet=row.quiet,
    )


async def lock(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Row[Any]:
    """Return the state, inserted if missing, and lock it until this transaction ends."""
    missing = upsert(gateway_health).values(gateway_id=gateway_id, merchant_id=merchant_id).on_conflict_do_nothing()
    await connection.execute(missing)
    row: Row[Any] = (await connection.execute(_state(merchant_id, gateway_id).with_for_update())).one()
    return row


async def put(
    connection: AsyncConnection, row: Row[Any], health: Health, check: Check, *, changes: int, now: datetime
) -> None:
    """Write a check, and the state after it. changes: how many of its changes have an event."""
    state = asdict(health) | {"status": health.status.value, "degraded_by": list(health.degraded_by)}
    of_gateway = {"merchant_id": row.merchant_id, "gateway_id": row.gateway_id}
    await connection.execute(
        update(gateway_health)
        .where(gateway_health.c.gateway_id == row.gateway_id, gateway_health.c.merchant_id == row.merchant_id)
        .values(
            **state,
            message=check.message,
            latency_ms=check.latency_ms,
            checked_at=now,
            version=gateway_health.c.version + changes,
        )
    )
    await connection.execute(
        insert(gateway_health_checks).values(id=new_id(HEALTH_CHECK), **of_gateway, **asdict(check), created_at=now)
    )


async def find(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Row[Any] | None:
    """Return the state of a gateway; None: it was never checked."""
    return (await connection.execute(_state(merchant_id, gateway_id))).one_or_none()


async def statuses(connection: AsyncConnection, merchant_id: str) -> dict[str, HealthStatus]:
    """Return the status of each gateway of a merchant that was ever checked, by its id."""
    state = gateway_health.c
    rows = await connection.execute(select(state.gateway_id, state.status).where(state.merchant_id == merchant_id))
    return {row.gateway_id: HealthStatus(row.status) for row in rows}


async def uptimes(connection: AsyncConnection, merchant_id: str, gateway_id: str, now: datetime) -> list[Uptime]:
    """Return the uptime in each window that ends now."""
    check = gateway_health_checks.c
    counts = []
    for reach in WINDOWS.values():
        within = check.id >= first_id(HEALTH_CHECK, now - reach)
        counts += [func.count().filter(within), func.count().filter(within & check.ok)]
    query = select(*counts).where(
        check.merchant_id == merchant_id,
        check.gateway_id == gateway_id,
        check.id >= first_id(HEALTH_CHECK, now - max(WINDOWS.values())),
    )
    found = (await connection.execute(query)).one()
    return [Uptime(name, found[2 * place], found[2 * place + 1]) for place, name in enumerate(WINDOWS)]


async def list_checks(connection: AsyncConnection, merchant_id: str, gateway_id: str, page: PageRequest) -> Rows:
    """Return one page of the checks of a gateway, newest first."""
    query = select(gateway_health_checks).where(
        gateway_health_checks.c.merchant_id == merchant_id, gateway_health_checks.c.gateway_id == gateway_id
    )
    return await fetch_page(connection, query, gateway_health_checks.c.id, page)


def _state(merchant_id: str, gateway_id: str) -> Any:
    return select(gateway_health).where(
        gateway_health.c.gateway_id == gateway_id, gateway_health.c.merchant_id == merchant_id
    )
