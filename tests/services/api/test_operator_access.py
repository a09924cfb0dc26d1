"""What operators of the installation need before they act as such, and what their looks leave in the audit log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from clearway.db.tables import audit_log, sign_in_failures, users
from clearway.domain.api import API_PREFIX
from clearway.domain.ids import USER, new_id
from clearway.domain.roles import Role
from clearway.settings import DEVELOPMENT_SECRET_KEYS, Settings
from tests.services.api.conftest import Caller, changed
from tests.services.api.people import REQUEST, Person, add_person, browser, sign_in

SECRETS = {
    "secret_keys": f"{DEVELOPMENT_SECRET_KEYS},more:cHJvZHVjdGlvbi1rZXktZm9yLXRlc3RzLW9ubHktMzI=",
    "api_key_peppers": "prod:a pepper for tests only that is long",
    "simulator_webhook_secret": "a secret for tests only",
}


@pytest.fixture
async def olga(api_engine: AsyncEngine) -> Person:
    """Add an operator who is a member of no account."""
    person = await add_person(api_engine, f"{new_id(USER)}@example.test")
    async with api_engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == person.id).values(is_operator=True))
        await connection.execute(delete(sign_in_failures))
    return person


@pytest.fixture
async def page(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser in which the caller's merchant is chosen."""
    async with browser(app, caller.id) as client:
        yield client


async def test_in_production_an_operator_without_totp_does_nothing_as_operator(
    api_settings: Settings, app: FastAPI, caller: Caller, olga: Person
) -> None:
    """Neither across merchants nor at one that is not theirs; the profile works, and TOTP opens the rest."""
    settings = changed(api_settings, clearway_env="production", dashboard_url="https://api.test", **SECRETS)
    production = create_app(settings)
    async with production.router.lifespan_context(production):
        transport = httpx.ASGITransport(production)
        async with httpx.AsyncClient(transport=transport, base_url=f"https://api.test{API_PREFIX}") as client:
            client.headers.update(REQUEST | {"X-Clearway-Merchant": caller.id})
            await sign_in(client, olga)
            for path in ("/operator/merchants", "/operator/reviews", "/operator/gateways", "/payments", "/gateways"):
                refused = await client.get(path)
                assert (refused.status_code, refused.json()["code"]) == (403, "operator_totp_required"), path
            totp = pyotp.TOTP((await client.post("/users/me/totp")).json()["secret"])
            confirmed = await client.post("/users/me/totp/confirm", json={"code": totp.at(time.time())})
            assert confirmed.status_code == 200, confirmed.text
            assert (await client.get("/operator/merchants")).status_code == 200
            assert (await client.get("/payments")).status_code == 200


async def looks(engine: AsyncEngine, merchant_id: str) -> list[tuple[str, str]]:
    """Return who looked at what of a merchant."""
    async with engine.connect() as connection:
        query = select(audit_log.c.actor, audit_log.c.detail).where(
            audit_log.c.action == "operator.look", audit_log.c.merchant_id == merchant_id
        )
        return [(actor, detail["path"]) for actor, detail in await connection.execute(query.order_by(audit_log.c.id))]


async def test_a_merchant_reads_which_operator_looked_at_what(
    page: httpx.AsyncClient, caller: Caller, olga: Person, api_engine: AsyncEngine
) -> None:
    """Each resource is a row in the merchant's own audit log; a page that polls is one look."""
    order = (await caller.http.post("/orders", json={"amount": 1200, "currency": "INR"})).json()["id"]
    await sign_in(page, olga)
    for path in ("/orders", "/orders", f"/orders/{order}", "/orders"):
        assert (await page.get(path)).status_code == 200
    expected = [(f"user:{olga.id}", f"{API_PREFIX}/orders"), (f"user:{olga.id}", f"{API_PREFIX}/orders/{order}")]
    assert await looks(api_engine, caller.id) == expected
    shown = (await caller.http.get("/audit_log", params={"action": "operator.look"})).json()["data"]
    assert {row["actor"] for row in shown} == {f"user:{olga.id}"}


async def test_members_reads_are_their_own(page: httpx.AsyncClient, caller: Caller, api_engine: AsyncEngine) -> None:
    """An operator who is a member looks as a member: that is no row. What only operators may read is one."""
    member = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller, role=Role.VIEWER)
    async with api_engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == member.id).values(is_operator=True))
    await sign_in(page, member)
    assert (await page.get("/orders")).status_code == 200
    assert await looks(api_engine, caller.id) == []
    assert (await page.get("/audit_log")).status_code == 200
    assert await looks(api_engine, caller.id) == [(f"user:{member.id}", f"{API_PREFIX}/audit_log")]


async def test_an_operator_gives_away_what_the_role_has(
    page: httpx.AsyncClient, caller: Caller, api_engine: AsyncEngine
) -> None:
    """A key outlives the flag: a developer who is an operator makes none that decides reviews."""
    member = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller, role=Role.DEVELOPER)
    async with api_engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == member.id).values(is_operator=True))
    page.headers["X-Clearway-Merchant"] = caller.id
    await sign_in(page, member)
    listed = (await page.get("/api_keys/permissions")).json()["data"]
    held = {each["permission"]: each["held"] for each in listed}
    assert (held["audit:read"], held["keys:write"]) == (False, True)
    refused = await page.post("/api_keys", json={"name": "kept", "permissions": ["audit:read"]})
    assert refused.status_code in {403, 422}, refused.text
