"""Health checks of gateways: their schedules, what the API shows, and the mail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.health import HealthActivities
from clearway.crypto.encryption import Cipher
from clearway.db.tables import gateway_configs, mails
from clearway.domain.mail import Template
from clearway.durable import schedules
from clearway.durable.deliveries import TemporalDeliveries
from clearway.gateway_configs.opening import open_connections
from clearway.mail.letters import Letter
from clearway.mail.outbox import open_letter
from clearway.monitoring.schedules import reconcile
from clearway.settings import Settings
from tests.services.api.conftest import Caller, Payer, changed, eventually, free_port
from tests.services.api.test_routing import first_gateway, gateway
from tests.support.mail_server import MailServer


async def health(caller: Caller, gateway_id: str) -> dict[str, Any]:
    """Read the health."""
    answer = await caller.http.get(f"/gateways/{gateway_id}/health")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def schedule_of(temporal: Client, gateway_id: str) -> dict[str, Any]:
    """Describe the schedule of a gateway; of one that was just changed, Temporal sometimes does not answer in time."""
    handle = temporal.get_schedule_handle(schedules.health_schedule_id(gateway_id))
    for attempt in range(6):
        try:
            described = await handle.describe()
            break
        except RPCError as error:
            if attempt == 5 or error.status not in {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}:
                raise
    spec = described.schedule.spec
    return {
        "paused": described.schedule.state.paused,
        "every_s": spec.intervals[0].every.total_seconds(),
        "jitter_s": spec.jitter.total_seconds() if spec.jitter else None,
    }


async def until_gone(temporal: Client, gateway_id: str) -> None:
    """Wait until there is no schedule of the gateway. Like every change of a schedule, it shows a little later."""

    async def state() -> dict[str, Any]:
        try:
            return await schedule_of(temporal, gateway_id)
        except RPCError as error:
            return {"is": error.status}

    await eventually(state, lambda found: found == {"is": RPCStatusCode.NOT_FOUND})


async def listed(temporal: Client, *wanted: str) -> dict[str, Any]:
    """Return the listed schedules of these gateways, by gateway."""
    return {each.gateway_id: each async for each in schedules.every(temporal) if each.gateway_id in wanted}


@pytest.mark.usefixtures("patience")
async def test_a_new_gateway_is_checked_at_once_and_then_regularly(payer: Payer, temporal: Client) -> None:
    """Connecting a gateway creates its schedule, whose first check runs now; the API shows what it found."""
    gateway_id = await gateway(payer, "Second")

    seen = await eventually(lambda: health(payer, gateway_id), lambda found: found["status"] == "healthy")

    wanted = {"paused": False, "every_s": 300.0, "jitter_s": 60.0}
    await eventually(lambda: schedule_of(temporal, gateway_id), lambda found: found == wanted)
    assert seen["message"] == "Simulator accepted the credentials."
    assert (seen["uptime"][0]["checks"], seen["uptime"][0]["uptime"]) == (1, 1.0)
    checks = (await payer.http.get(f"/gateways/{gateway_id}/health/checks")).json()["data"]
    assert [(each["ok"], each["message"]) for each in checks] == [(True, seen["message"])]
    shown = {each["id"]: each["health"] for each in (await payer.http.get("/gateways")).json()["data"]}
    assert shown[gateway_id] == "healthy"


@pytest.mark.usefixtures("patience")
async def test_the_schedule_follows_the_configuration(payer: Payer, temporal: Client) -> None:
    """Disabling pauses the checks, enabling resumes them, deleting ends them."""
    gateway_id = await gateway(payer, "Second")
    await payer.http.post(f"/gateways/{gateway_id}/disable")
    await eventually(lambda: schedule_of(temporal, gateway_id), lambda found: found["paused"])
    await payer.http.post(f"/gateways/{gateway_id}/enable")
    # A schedule is a workflow: it may be described before it has handled the request.
    await eventually(lambda: schedule_of(temporal, gateway_id), lambda found: not found["paused"])
    assert (await payer.http.delete(f"/gateways/{gateway_id}")).status_code == 204
    await until_gone(temporal, gateway_id)


@pytest.mark.usefixtures("patience")
async def test_maintenance_mends_what_temporal_lost(
    payer: Payer, temporal: Client, api_engine: AsyncEngine, api_settings: Settings
) -> None:
    """A lost schedule is created, a wrong pause and interval corrected, a stray deleted; an operator's pause stays."""
    lost = await first_gateway(payer)
    disabled, by_hand = await gateway(payer, "Disabled"), await gateway(payer, "Paused by hand")
    stray = "gw_" + "0" * 26
    async with api_engine.begin() as connection:
        row = gateway_configs.c.id == disabled
        await connection.execute(update(gateway_configs).where(row).values(enabled=False))
    await temporal.get_schedule_handle(schedules.health_schedule_id(by_hand)).pause(note="I am looking at it")
    await schedules.create(temporal, stray, 60)
    await eventually(lambda: listed(temporal, disabled, by_hand, stray), lambda found: len(found) == 3)

    await reconcile(temporal, api_engine, 600.0)

    await eventually(lambda: schedule_of(temporal, lost), lambda found: found["every_s"] == 600.0)
    mended = {"paused": True, "every_s": 600.0, "jitter_s": 120.0}
    await eventually(lambda: schedule_of(temporal, disabled), lambda found: found == mended)
    assert (await schedule_of(temporal, by_hand))["paused"]
    await until_gone(temporal, stray)
    await eventually(lambda: listed(temporal, disabled, by_hand, lost), lambda found: len(found) == 3)
    await reconcile(temporal, api_engine, api_settings.gateway_check_every_s)
    await eventually(lambda: schedule_of(temporal, lost), lambda found: found["every_s"] == 300.0)


async def test_temporal_away_does_not_keep_a_gateway_from_being_saved(caller: Caller) -> None:
    """The gateway is saved within seconds, and maintenance creates its schedule later."""
    async with asyncio.timeout(30):
        assert await gateway(caller, "Second")


async def test_thresholds_are_saved_shown_and_audited(caller: Caller) -> None:
    """PATCH replaces all thresholds; the health and the gateway show them; nonsense is refused by field."""
    gateway_id = await first_gateway(caller)
    path = f"/gateways/{gateway_id}"

    saved = await caller.http.patch(path, json={"alerts": {"latency_p95_ms": 800, "success_percent": 70}})
    refused = await caller.http.patch(path, json={"alerts": {"success_percent": 170}})

    wanted = {
        "latency_p95_ms": 800,
        "technical_error_percent": None,
        "success_percent": 70.0,
        "calls_min": 20,
        "window_minutes": 60,
    }
    assert saved.json()["alerts"] == wanted
    assert (await health(caller, gateway_id))["alerts"] == wanted
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "alerts.success_percent")
    emptied = await caller.http.patch(path, json={"alerts": {}})
    assert emptied.json()["alerts"]["latency_p95_ms"] is None


async def test_the_checklist_waits_for_the_first_check(payer: Payer) -> None:
    """A gateway that was never checked is not ready for live payments."""

    async def item() -> dict[str, Any]:
        found = (await payer.http.get("/gateways/checklist")).json()["data"]
        return dict(next(each for each in found if each["name"] == "gateways_healthy"))

    assert not (await item())["done"]
    first = await first_gateway(payer)
    await payer.http.post(f"/gateways/{first}/disable")
    await payer.http.post(f"/gateways/{first}/enable")
    await eventually(item, lambda found: found["done"])


async def test_operators_get_a_mail_when_a_gateway_becomes_unhealthy(
    payer: Payer, temporal: Client, api_engine: AsyncEngine, api_settings: Settings
) -> None:
    """The second failed check in a row records a mail to each operator, which says what is wrong with which gateway."""
    mail = MailServer(free_port()).settings | {"alert_email_to": "ops@shop.example,night@shop.example"}
    down = changed(api_settings, simulator_url=f"http://127.0.0.1:{free_port()}", **mail)
    gateway_id = await first_gateway(payer)
    connections = open_connections(down, api_engine)
    cipher = Cipher.from_settings(down.secret_keys.get_secret_value())
    activities = HealthActivities(api_engine, TemporalDeliveries(temporal, ()), connections, down, cipher)

    found, counts = [], []
    for _ in range(3):
        before = await alerts(api_engine, cipher, gateway_id)
        found.append(await activities.check_gateway(gateway_id))
        counts.append(len(await alerts(api_engine, cipher, gateway_id)) - len(before))
    await connections.aclose()

    assert [(each.status, each.ok) for each in found] == [
        ("unknown", False),
        ("unhealthy", False),
        ("unhealthy", False),
    ]
    assert counts == [0, 2, 0]
    letters = await alerts(api_engine, cipher, gateway_id)
    assert {each.to for each in letters} == {"ops@shop.example", "night@shop.example"}
    assert letters[0].subject == "[Clearway] Gateway Simulator is unhealthy"
    assert "could not be reached" in " ".join(letters[0].paragraphs)


async def alerts(engine: AsyncEngine, cipher: Cipher, gateway_id: str) -> list[Letter]:
    """Return the letters about a gateway. No mail server is set for the workers, so they are kept."""
    query = select(mails.c.id, mails.c.sealed_letter).where(mails.c.template == Template.GATEWAY_ALERT.value)
    async with engine.connect() as connection:
        found = [open_letter(cipher, *row) for row in await connection.execute(query)]
    return [letter for letter in found if ("Gateway", gateway_id) in letter.facts]
