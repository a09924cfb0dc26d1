"""Check a gateway, keep the result, and record an event when its health changes. No money moves.

A good check also closes a circuit breaker that no payment tries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.breakers import commands as breakers
from clearway.db import gateway_health
from clearway.db.engine import each_for_itself
from clearway.db.events import DueDelivery, Happening, record_events
from clearway.db.gateway_health import Check, health_of
from clearway.db.performance import Scope
from clearway.domain.events import EventType
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_health import Alerts, Health, HealthStatus, Measured, checked, judged, passed
from clearway.domain.resources import HealthResource
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.checking import Report, check
from clearway.gateways.connections import GatewayBrokenError, GatewayConnections, GatewayMissingError
from clearway.monitoring import performance

BROKEN: Final = "Its credentials or settings can't be used: {}. Enter them again."


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of health, for people. type: of its event."""

    type: EventType
    gateway_id: str
    gateway_name: str
    merchant_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that is recorded. changes: those that have an event. due: the deliveries of these events."""

    status: HealthStatus
    ok: bool
    changes: Sequence[Changed] = ()
    due: Sequence[DueDelivery] = ()


async def check_gateway(
    engine: AsyncEngine,
    connections: GatewayConnections,
    gateway_id: str,
    now: datetime,
    alert: Callable[[AsyncConnection, Sequence[Changed]], Awaitable[None]],
) -> Checked | None:
    """Check a gateway and record the result. None: it is disabled or deleted, and nothing was done.

    alert: records what people are to know of the changes, in the same transaction.
    """
    try:
        connection = await connections.get(gateway_id)
    except GatewayMissingError:
        return None
    except GatewayBrokenError as error:
        config, report = await connections.read_config(gateway_id), Report(ok=False, message=BROKEN.format(error))
    else:
        config = connection.config
        if not config.enabled:
            return None
        report = await check(connection.gateway, CATALOGUE[config.kind].title)
    measured = await _measured(engine, config, now)
    async with engine.begin() as database:
        checked = await record(database, config, report, measured, now)
        await alert(database, checked.changes)
        return checked


async def record(
    connection: AsyncConnection, config: GatewayConfig, report: Report, measured: Measured, now: datetime
) -> Checked:
    """Write a check, the state after it, the events of its changes, and the breakers that a good one closes."""
    row = await gateway_health.lock(connection, config.merchant_id, config.id)
    before = health_of(row)
    after = judged(checked(before, ok=report.ok, now=now), passed(alerts_of(config), measured), now)
    types = _changes(before, after)
    found = Check(report.ok, report.message, report.latency_ms)
    await gateway_health.put(connection, row, after, found, changes=len(types), now=now)
    data = _resource(config.id, after, found, now).data()
    happenings = [
        Happening(
            type=each,
            merchant_id=config.merchant_id,
            data=data,
            step=f"health {row.version + place}",
            subject_id=config.id,
            from_status=before.status.value,
            to_status=after.status.value,
            reason=_text(each, after, found),
            actor="system",
        )
        for place, each in enumerate(types, 1)
    ]
    due = await record_events(connection, happenings, now=now) if happenings else []
    if report.ok:
        due += await breakers.close_idle(connection, config.merchant_id, config.id, now)
    changes = [Changed(each, config.id, config.name, config.merchant_id, _text(each, after, found)) for each in types]
    return Checked(after.status, report.ok, changes, due)


def alerts_of(config: GatewayConfig) -> Alerts:
    """Return the thresholds of a configuration."""
    return Alerts(**config.alerts)


def health_resource(gateway_id: str, row: Row[Any] | None) -> HealthResource:
    """Return the API resource of a state; None: the gateway was never checked."""
    if row is None:
        return _resource(gateway_id, Health(), None, None)
    last = None if row.checked_at is None else Check(ok=True, message=row.message, latency_ms=row.latency_ms)
    return _resource(gateway_id, health_of(row), last, row.checked_at)


def _changes(before: Health, after: Health) -> list[EventType]:
    """Return the types of the events; the first good check of a new gateway has none."""
    types = []
    if after.status is not before.status:
        if after.status is HealthStatus.UNHEALTHY:
            types.append(EventType.GATEWAY_UNHEALTHY)
        elif before.status is HealthStatus.UNHEALTHY:
            types.append(EventType.GATEWAY_HEALTHY)
    if bool(after.degraded_by) is not bool(before.degraded_by):
        types.append(EventType.GATEWAY_DEGRADED if after.degraded_by else EventType.GATEWAY_RESTORED)
    return types


def _text(event_type: EventType, after: Health, found: Check) -> str:
    match event_type:
        case EventType.GATEWAY_DEGRADED:
            return "; ".join(after.degraded_by)
        case EventType.GATEWAY_RESTORED:
            return "The figures are within the thresholds again."
        case _:
            return found.message


def _resource(gateway_id: str, health: Health, last: Check | None, checked_at: datetime | None) -> HealthResource:
    return HealthResource(
        gateway_id=gateway_id,
        status=health.status,
        since=health.since,
        message=last.message if last else None,
        latency_ms=last.latency_ms if last else None,
        checked_at=checked_at,
        degraded_by=list(health.degraded_by),
        degraded_since=health.degraded_since,
    )


async def _measured(engine: AsyncEngine, config: GatewayConfig, now: datetime) -> Measured:
    """Return the figures of the window; nothing is read for a gateway without thresholds."""
    alerts = alerts_of(config)
    if not alerts.are_set:
        return Measured()
    since = now - timedelta(minutes=alerts.window_minutes)
    async with each_for_itself(engine).connect() as connection:
        found = await performance.read(connection, Scope(config.merchant_id, since, now, config.id), None)
    figures = found.whole
    return Measured(
        calls=figures.calls,
        latency_p95_ms=figures.percentiles_ms[1] if figures.percentiles_ms else None,
        technical_error_rate=figures.error_rate,
        decided=figures.approved + figures.declined,
        success_rate=figures.success_rate,
    )
