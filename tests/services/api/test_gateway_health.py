"""Health checks of gateways: their schedules, what the API shows, and the mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.health import HealthActivities
from clearway.db.tables import gateway_configs
from clearway.domain.events import EventType
from clearway.durable import schedules
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import HealthMail
from clearway.gateway_configs.opening import open_connections
from clearway.monitoring.health import Changed
from clearway.monitoring.mail import mail_of, send
from clearway.monitoring.schedules import reconcile
from clearway.settings import Settings
from tests.services.api.conftest import Caller, Payer, changed, eventually, free_port
from tests.services.api.test_routing import first_gateway, gateway


async def health(caller: Caller, gateway_id: str) -> dict[str, Any]:
    """Read the health."""
    answer = await caller.http.get(f"/gateways/{gateway_id}/health")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def schedule_of(temporal: Client, gateway_id: str) -> dict[str, Any]:
    """Describe the schedule of a gateway."""
    described = await temporal.get_schedule_handle(schedules.health_schedule_id(gateway_id)).describe()
    spec = described.schedule.spec
    return {
        "paused": described.schedule.state.paused,
        "every_s": spec.intervals[0].every.total_seconds(),
        "jitter_s": spec.jitter.total_seconds() if spec.jitter else None,
    }


async def listed(temporal: Client, *wanted: str) -> dict[str, Any]:
    """Return the listed schedules of these gateways, by gateway."""
    return {each.gateway_id: each async for each in schedules.every(temporal) if each.gateway_id in wanted}


async def test_a_new_gateway_is_checked_at_once_and_then_regularly(payer: Payer, temporal: Client) -> None:
    """Connecting a gateway creates its schedule, whose first check runs now; the API shows what it found."""
    gateway_id = await gateway(payer, "Second")

    seen = await eventually(lambda: health(payer, gateway_id), lambda found: found["status"] == "healthy")

    assert await schedule_of(temporal, gateway_id) == {"paused": False, "every_s": 300.0, "jitter_s": 60.0}
    assert seen["message"] == "Simulator accepted the credentials."
    assert (seen["uptime"][0]["checks"], seen["uptime"][0]["uptime"]) == (1, 1.0)
    checks = (await payer.http.get(f"/gateways/{gateway_id}/health/checks")).json()["data"]
    assert [(each["ok"], each["message"]) for each in checks] == [(True, seen["message"])]
    shown = {each["id"]: each["health"] for each in (await payer.http.get("/gateways")).json()["data"]}
    assert shown[gateway_id] == "healthy"


async def test_the_schedule_follows_the_configuration(payer: Payer, temporal: Client) -> None:
    """Disabling pauses the checks, enabling resumes them, deleting ends them."""
    gateway_id = await gateway(payer, "Second")
    await payer.http.post(f"/gateways/{gateway_id}/disable")
    assert (await schedule_of(temporal, gateway_id))["paused"]
    await payer.http.post(f"/gateways/{gateway_id}/enable")
    assert not (await schedule_of(temporal, gateway_id))["paused"]
    assert (await payer.http.delete(f"/gateways/{gateway_id}")).status_code == 204
    with pytest.raises(Exception, match="not found"):
        await schedule_of(temporal, gateway_id)


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

    assert (await schedule_of(temporal, lost))["every_s"] == 600.0
    assert await schedule_of(temporal, disabled) == {"paused": True, "every_s": 600.0, "jitter_s": 120.0}
    assert (await schedule_of(temporal, by_hand))["paused"]
    with pytest.raises(Exception, match="not found"):
        await schedule_of(temporal, stray)
    await eventually(lambda: listed(temporal, disabled, by_hand, lost), lambda found: len(found) == 3)
    await reconcile(temporal, api_engine, api_settings.gateway_check_every_s)
    assert (await schedule_of(temporal, lost))["every_s"] == 300.0


async def test_temporal_away_does_not_keep_a_gateway_from_being_saved(caller: Caller) -> None:
    """The gateway is saved within seconds, and maintenance creates its schedule later."""
    async with asyncio.timeout(10):
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


class _Inbox:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        self.mails.append(envelope)
        return "250 taken"


@pytest.fixture
async def inbox(api_settings: Settings) -> AsyncIterator[tuple[_Inbox, Settings]]:
    """Run a mail server, and name it in settings."""
    kept, port = _Inbox(), free_port()
    server = Controller(kept, hostname="127.0.0.1", port=port)
    await asyncio.to_thread(server.start)
    mail = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "alert_email_from": "clearway@shop.example",
        "alert_email_to": "ops@shop.example,night@shop.example",
    }
    yield kept, changed(api_settings, **mail)
    await asyncio.to_thread(server.stop)


async def test_operators_get_a_mail_when_a_gateway_becomes_unhealthy(
    caller: Caller, temporal: Client, api_engine: AsyncEngine, inbox: tuple[_Inbox, Settings]
) -> None:
    """The second failed check in a row writes one mail: it names the gateway, says what is wrong and what to do."""
    kept, settings = inbox
    down = changed(settings, simulator_url=f"http://127.0.0.1:{free_port()}")
    gateway_id = await first_gateway(caller)
    connections = open_connections(down, api_engine)
    activities = HealthActivities(api_engine, TemporalDeliveries(temporal, ()), connections, down)

    found = [await activities.check_gateway(gateway_id) for _ in range(3)]
    await connections.aclose()
    assert [(each.status, each.ok, len(each.mails)) for each in found] == [
        ("unknown", False, 0),
        ("unhealthy", False, 1),
        ("unhealthy", False, 0),
    ]
    await activities.send_mail(found[1].mails[0])

    (sent,) = kept.mails
    assert sent.rcpt_tos == ["ops@shop.example", "night@shop.example"]
    text = sent.content.decode()
    assert "Subject: [Clearway] Gateway Simulator is unhealthy" in text
    assert gateway_id in text
    assert "could not be reached" in text


async def test_a_line_in_a_gateways_name_adds_no_header(inbox: tuple[_Inbox, Settings]) -> None:
    """A name with a line break is one line in the subject: nobody adds a recipient."""
    kept, settings = inbox
    name = "Mine\r\nBcc: thief@evil.example"
    written = mail_of(Changed(EventType.GATEWAY_UNHEALTHY, "gw_1", name, "mer_1", "It is down."))
    await send(settings, HealthMail(written.subject, written.text))
    (sent,) = kept.mails
    assert sent.rcpt_tos == ["ops@shop.example", "night@shop.example"]
    assert b"\nBcc:" not in sent.content.partition(b"\r\n\r\n")[0]
