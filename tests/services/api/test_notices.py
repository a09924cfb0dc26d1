"""Notices: each person chooses theirs for each merchant, and a bad quarter of an hour is one mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.crypto.encryption import Cipher
from clearway.db import across_merchants
from clearway.db.events import Happening, record_events
from clearway.db.tables import mails, webhook_deliveries
from clearway.domain.events import EventType
from clearway.domain.ids import GATEWAY, PAYMENT, USER, new_id
from clearway.mail.letters import Letter
from clearway.mail.outbox import open_letter
from clearway.monitoring import notices
from clearway.settings import Settings
from tests.services.api.conftest import Caller, changed
from tests.services.api.people import Person, add_person, browser, sign_in

SOON = timedelta(minutes=20)
HOOKS = "http://127.0.0.1:9"


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account."""
    return await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller)


@pytest.fixture
async def page(app: FastAPI, caller: Caller, member: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser in which the owner is signed in."""
    async with browser(app, caller.id) as client:
        await sign_in(client, member)
        yield client


async def happen(engine: AsyncEngine, caller: Caller, event_type: EventType, subject_id: str) -> None:
    """Record an event."""
    happening = Happening(
        type=event_type, merchant_id=caller.id, data={"object": "x"}, step="1", subject_id=subject_id, actor="system"
    )
    async with engine.begin() as connection:
        await record_events(connection, [happening], now=datetime.now(UTC))


async def round_of(engine: AsyncEngine, settings: Settings, member: Person, now: datetime) -> list[Letter]:
    """Carry out one round; return the letters to this person that it recorded."""
    cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
    async with engine.begin() as connection:
        recorded = await notices.record(connection, cipher, settings, now)
        query = select(mails.c.id, mails.c.sealed_letter).where(mails.c.id.in_(recorded), mails.c.user_id == member.id)
        return [open_letter(cipher, *row) for row in await connection.execute(query)]


@pytest.fixture
async def posting(api_settings: Settings, api_engine: AsyncEngine) -> Settings:
    """Return settings with a mail server; notices were sent until now."""
    settings = changed(api_settings, smtp_host="127.0.0.1", mail_from="no-reply@shop.example")
    async with api_engine.begin() as connection:
        now = datetime.now(UTC)
        await across_merchants.lock_notices(connection, now)
        await across_merchants.note_notices(connection, now - notices.LAG)
    return settings


async def test_a_person_chooses_their_notices(page: httpx.AsyncClient, caller: Caller) -> None:
    """Without a choice a test merchant sends none; a choice is kept, in a known order, and can be none."""
    before = (await page.get("/notices")).json()
    assert (before["kinds"], before["chosen"]) == ([], False)
    assert {each["kind"] for each in before["available"]} >= {"payments_failed", "gateway_health"}
    put = await page.put("/notices", json={"kinds": ["gateway_health", "payments_failed", "gateway_health"]})
    assert put.status_code == 200, put.text
    assert (await page.get("/notices")).json()["kinds"] == ["payments_failed", "gateway_health"]
    assert (await page.put("/notices", json={"kinds": ["weather"]})).status_code == 422
    refused = await caller.http.get("/notices")
    assert (refused.status_code, refused.json()["code"]) == (409, "person_needed")


async def test_a_bad_quarter_of_an_hour_is_one_mail(
    page: httpx.AsyncClient, caller: Caller, member: Person, posting: Settings, api_engine: AsyncEngine
) -> None:
    """Many failed payments and a gateway that is down are one mail, with counts; the next round does not repeat it."""
    await page.put("/notices", json={"kinds": ["payments_failed", "gateway_health"]})
    for _ in range(3):
        await happen(api_engine, caller, EventType.PAYMENT_FAILED, new_id(PAYMENT))
    gateway_id = new_id(GATEWAY)
    await happen(api_engine, caller, EventType.GATEWAY_UNHEALTHY, gateway_id)
    await happen(api_engine, caller, EventType.PAYMENT_NEEDS_REVIEW, new_id(PAYMENT))

    now = datetime.now(UTC)
    assert await round_of(api_engine, posting, member, now + timedelta(minutes=5)) == []
    (letter,) = await round_of(api_engine, posting, member, now + SOON)
    assert await round_of(api_engine, posting, member, now + 2 * SOON) == []

    assert letter.to == member.email
    assert letter.facts == (("Payments failed", "3"), ("A gateway is unhealthy", gateway_id))
    assert letter.action is not None
    assert letter.action.link == posting.dashboard_url


async def test_only_webhooks_that_were_given_up_are_failures(
    page: httpx.AsyncClient, caller: Caller, member: Person, posting: Settings, api_engine: AsyncEngine
) -> None:
    """A webhook that is still tried is nothing to write about, nor one that was cancelled; one given up is."""
    await page.put("/notices", json={"kinds": ["webhooks_failed", "endpoint_disabled"]})
    endpoints = [await caller.http.post("/webhook_endpoints", json={"url": f"{HOOKS}/{number}"}) for number in range(4)]
    await happen(api_engine, caller, EventType.PAYMENT_FAILED, new_id(PAYMENT))
    async with api_engine.begin() as connection:
        of_merchant = select(webhook_deliveries.c.id).where(webhook_deliveries.c.merchant_id == caller.id)
        made = sorted(await connection.scalars(of_merchant))
        for delivery_id, status in zip(made, ("failed", "cancelled", "delivered"), strict=False):
            chosen = update(webhook_deliveries).where(webhook_deliveries.c.id == delivery_id)
            await connection.execute(chosen.values(status=status))
    assert len(made) == len(endpoints)
    disabled = await caller.http.patch(f"/webhook_endpoints/{endpoints[0].json()['id']}", json={"status": "disabled"})
    assert disabled.status_code == 200, disabled.text

    (letter,) = await round_of(api_engine, posting, member, datetime.now(UTC) + SOON)
    assert letter.facts == (
        ("Webhooks were not delivered", made[0]),
        ("A webhook endpoint was disabled", disabled.json()["id"]),
    )


async def test_without_a_mail_server_no_notice_is_recorded(
    page: httpx.AsyncClient, caller: Caller, member: Person, api_settings: Settings, api_engine: AsyncEngine
) -> None:
    """Nobody gets a mail of last week when a mail server is set at last."""
    await page.put("/notices", json={"kinds": ["payments_failed"]})
    await happen(api_engine, caller, EventType.PAYMENT_FAILED, new_id(PAYMENT))
    assert await round_of(api_engine, api_settings, member, datetime.now(UTC) + SOON) == []
