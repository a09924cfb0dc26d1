"""Health in the database: checks, changes with their events, thresholds, and uptime."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from clearway.db import across_merchants, gateway_health
from clearway.db.tables import events, gateway_health_checks
from clearway.domain.gateway import GatewayConfig, first_gateway_id
from clearway.domain.gateway_health import HealthStatus, Measured
from clearway.domain.ids import HEALTH_CHECK, first_id
from clearway.gateways.checking import Report
from clearway.monitoring import health
from tests.support.shop import Shop

GOOD = Report(ok=True, message="It works.", latency_ms=12)
NOTHING = Measured()
BAD = Report(ok=False, message="It refuses the key. Enter another.")


class Watched:
    """The gateway of a shop, and its checks."""

    def __init__(self, shop: Shop, config: GatewayConfig) -> None:
        self.shop = shop
        self.config = config
        self.now = datetime.now(UTC)

    async def checked(self, *reports: Report, measured: Measured = NOTHING) -> health.Checked:
        """Record checks, five minutes apart; return the last."""
        for report in reports:
            self.now += timedelta(minutes=5)
            async with self.shop.engine.begin() as connection:
                found = await health.record(connection, self.config, report, measured, self.now)
        return found

    async def told(self) -> list[Any]:
        """Return the events about the gateway."""
        query = select(events).where(events.c.subject_id == self.config.id).order_by(events.c.id)
        async with self.shop.engine.connect() as connection:
            return [*(await connection.execute(query))]


@pytest.fixture
async def watched(shop: Shop) -> Watched:
    """Watch the gateway of a shop that has an endpoint."""
    await shop.endpoint()
    async with shop.engine.connect() as connection:
        config = await across_merchants.find_gateway(connection, first_gateway_id(shop.merchant_id))
    assert config is not None
    return Watched(shop, config)


async def test_the_merchant_gets_one_event_a_change(watched: Watched) -> None:
    """Two bad checks in a row make the gateway unhealthy, two good ones healthy again; each change is one event."""
    await watched.checked(GOOD, BAD, GOOD)
    assert await watched.told() == []

    found = await watched.checked(BAD, BAD, BAD)
    assert (found.status, found.due) == (HealthStatus.UNHEALTHY, [])
    await watched.checked(GOOD, BAD, GOOD, GOOD)

    told = await watched.told()
    assert [row.type for row in told] == ["gateway.unhealthy", "gateway.healthy"]
    assert [(row.from_status, row.to_status) for row in told] == [("healthy", "unhealthy"), ("unhealthy", "healthy")]
    assert BAD.message in told[0].body


async def test_a_change_is_delivered(watched: Watched) -> None:
    """The endpoint of the merchant gets the event, and the operators' text says what is wrong."""
    found = await watched.checked(BAD, BAD)
    assert [due.event_type for due in found.due] == ["gateway.unhealthy"]
    assert [(change.type.value, change.text) for change in found.changes] == [("gateway.unhealthy", BAD.message)]


async def test_figures_beyond_a_threshold_degrade_it(watched: Watched) -> None:
    """A passed threshold is an event at once; two checks within the thresholds restore it."""
    watched.config = replace(watched.config, alerts={"latency_p95_ms": 500, "calls_min": 5})
    slow, quick = Measured(calls=5, latency_p95_ms=501), Measured(calls=5, latency_p95_ms=500)

    await watched.checked(GOOD, measured=slow)
    await watched.checked(GOOD, measured=slow)
    await watched.checked(GOOD, measured=quick)
    assert [row.type for row in await watched.told()] == ["gateway.degraded"]
    await watched.checked(GOOD, measured=quick)

    told = await watched.told()
    assert [row.type for row in told] == ["gateway.degraded", "gateway.restored"]
    assert "501 ms; the threshold is 500 ms" in told[0].body


async def test_both_changes_of_one_check_are_told(watched: Watched) -> None:
    """A check that makes the gateway unhealthy and degraded has two events with steps of their own."""
    watched.config = replace(watched.config, alerts={"technical_error_percent": 10, "calls_min": 5})
    await watched.checked(GOOD, BAD)
    await watched.checked(BAD, measured=Measured(calls=5, technical_error_rate=0.5))

    told = await watched.told()
    assert [row.type for row in told] == ["gateway.unhealthy", "gateway.degraded"]
    assert len({row.step for row in told}) == 2


async def test_uptime_counts_the_checks_of_its_window(watched: Watched) -> None:
    """Checks of the last day, week and month, and none of before."""
    now = datetime.now(UTC)
    ages = {timedelta(hours=1): True, timedelta(days=2): False, timedelta(days=10): True, timedelta(days=31): False}
    rows = [
        {
            "id": first_id(HEALTH_CHECK, now - age),
            "merchant_id": watched.config.merchant_id,
            "gateway_id": watched.config.id,
            "ok": ok,
            "message": "",
            "created_at": now - age,
        }
        for age, ok in ages.items()
    ]
    async with watched.shop.engine.begin() as connection:
        await connection.execute(insert(gateway_health_checks), rows)
        found = await gateway_health.uptimes(connection, watched.config.merchant_id, watched.config.id, now)
    assert [(each.window, each.checks, each.good) for each in found] == [("24h", 1, 1), ("7d", 2, 1), ("30d", 3, 2)]


async def test_a_check_never_changes(watched: Watched) -> None:
    """The history of checks is append-only."""
    await watched.checked(GOOD)
    with pytest.raises(IntegrityError, match="append-only"):
        async with watched.shop.engine.begin() as connection:
            await connection.execute(text("UPDATE gateway_health_checks SET ok = true"))
