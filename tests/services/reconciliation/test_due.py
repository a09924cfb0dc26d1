"""The schedule: which gateways are due, each day once; what is killed or stuck goes on from its row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from activities.reconciliation import ReconciliationActivities
from clearway.db.reconciliation import items
from clearway.domain.reconciliation import RunStatus, Step
from clearway.durable.deliveries import TemporalDeliveries
from clearway.gateways.contract import GatewayUnavailableError
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.reconciliation import commands, days
from tests.services.reconciliation.bench import DAY, Bench, Till


async def due_periods(bench: Bench, till: Till, now: datetime) -> list[commands.Period]:
    """Return the periods for which a gateway is due."""
    found = [each async for each in days.due(bench.reconciler(), now, 50)]
    return [period for gateway_id, _, period in found if gateway_id == till.gateway_id]


async def test_a_gateway_is_due_once_a_day(bench: Bench, till: Till) -> None:
    """A gateway with payments is due for its last whole day, and no more once that is compared; the next day it is."""
    assert await due_periods(bench, till, datetime.now(UTC)) == [], "a gateway without payments is not compared"
    await till.paid()
    now = datetime.now(UTC).replace(hour=12)
    (period,) = await due_periods(bench, till, now)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert (period.since, period.until) == (midnight - DAY, midnight)
    await till.reconcile(since=period.since, until=period.until)
    assert await due_periods(bench, till, now) == []
    (following,) = await due_periods(bench, till, now + DAY)
    assert (following.since, following.until) == (midnight, midnight + DAY)


async def test_the_day_is_that_of_the_gateway(bench: Bench, till: Till) -> None:
    """A day begins at midnight in the gateway's time zone, also when the clocks change."""
    await till.paid()
    await till.set_settings(time_zone="Europe/Berlin")
    now = datetime(2027, 3, 29, 12, tzinfo=UTC)
    (period,) = await due_periods(bench, till, now)
    berlin = ZoneInfo("Europe/Berlin")
    assert period.until.astimezone(berlin) == datetime(2027, 3, 29, tzinfo=berlin)


async def test_the_schedule_starts_what_is_due(bench: Bench, till: Till) -> None:
    """The activity records a run of each gateway that is due and starts its workflow; a second time it starts none."""
    await till.paid()
    async with bench.durable.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(
            text("UPDATE reconciliations SET status = 'failed', ended_at = now() WHERE status = 'running'")
        )
    activities = ReconciliationActivities(
        bench.reconciler(timedelta(0)), TemporalDeliveries(bench.durable.client, (5,))
    )
    first = await activities.start_due()
    assert first.started >= 1
    again = await activities.start_due()
    assert again.started == 0 or again.started < first.started


async def test_a_run_that_is_killed_in_the_middle_goes_on(
    bench: Bench, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while it writes a page leaves nothing of it; the next one writes that page once."""
    await till.paid()
    run_id = await bench.start(till)
    while (await bench.advance(till, run_id)).step is not Step.COMPARE_PAYMENTS:
        pass
    before = await bench.row(run_id)

    async def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(items, "close_gone", dies)
        with pytest.raises(KeyboardInterrupt):
            await bench.advance(till, run_id)
    assert await bench.row(run_id) == before, "the page and its cursor are written together"
    while (await bench.advance(till, run_id)).status is RunStatus.RUNNING:
        pass
    after = await bench.row(run_id)
    assert (after.status, after.counts["matched"], after.counts["rows_booked"]) == ("completed", 1, 1)


async def test_a_gateway_that_does_not_list_writes_nothing(
    bench: Bench, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the gateway is away, the run stays where it is, and finds nothing missing."""
    await till.paid()
    run_id = await bench.start(till)

    async def away(*_: object, **__: object) -> None:
        raise GatewayUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatorGateway, "list_operations", away)
        with pytest.raises(GatewayUnavailableError):
            await bench.advance(till, run_id)
    run = await bench.row(run_id)
    assert (run.status, run.pages, await till.items()) == ("running", 0, [])


async def test_a_run_that_cannot_go_on_fails_with_its_reason(bench: Bench, till: Till) -> None:
    """A failed run says why, and another one may start."""
    run_id = await bench.start(till)
    async with bench.durable.engine.begin() as connection:
        await commands.fail(connection, till.merchant_id, run_id, "there is no gateway", datetime.now(UTC))
    assert ((await bench.row(run_id)).status, (await bench.row(run_id)).failure) == ("failed", "there is no gateway")
    await bench.start(till)
