"""Guessing passwords: one account from many networks, many accounts from one network, and who does not wait for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import sign_in_failures
from clearway.db.users.failures import Throttle
from clearway.domain.ids import USER, new_id
from clearway.users import throttling
from tests.services.api.conftest import Caller
from tests.services.api.people import PASSWORD, REQUEST, Person, add_person, browser, sign_in
from tests.services.api.test_signing_in import token_to

FREE = 6
WRONG = "a wrong password"


def address() -> str:
    """Return an e-mail address that no other test uses."""
    return f"{new_id(USER)}@example.test"


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account."""
    return await add_person(api_engine, address(), member_of=caller)


@pytest.fixture(autouse=True)
async def rested(api_engine: AsyncEngine) -> None:
    """Begin each test without failed attempts."""
    async with api_engine.begin() as connection:
        await connection.execute(delete(sign_in_failures))


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let FREE attempts be free where it would be fifty."""
    monkeypatch.setattr(throttling, "OF_ACCOUNT_EVERYWHERE", Throttle(free=FREE, wait_max_s=300))
    monkeypatch.setattr(throttling, "OF_NETWORK", Throttle(free=FREE, wait_max_s=60))


@asynccontextmanager
async def at(app: FastAPI, network: str) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser in a network."""
    transport = httpx.ASGITransport(app, client=(network, 1))
    async with browser(app) as own, httpx.AsyncClient(transport=transport, base_url=own.base_url) as client:
        client.headers.update(REQUEST)
        yield client


async def attempt(app: FastAPI, email: str, network: str, password: str = WRONG) -> httpx.Response:
    """Try a password from a network."""
    async with at(app, network) as client:
        return await client.post("/auth/login", json={"email": email, "password": password})


async def go_on(engine: AsyncEngine) -> None:
    """Let attackers who used up the free attempts go on for a while, so that waits are longer than a slow test."""
    async with engine.begin() as connection:
        busy = update(sign_in_failures).where(sign_in_failures.c.failures >= FREE)
        await connection.execute(busy.values(failures=sign_in_failures.c.failures + 10))


async def attack(app: FastAPI, engine: AsyncEngine, email: str) -> list[int]:
    """Try one password from each of many networks."""
    statuses = [(await attempt(app, email, f"198.51.{number}.7")).status_code for number in range(FREE)]
    await go_on(engine)
    return statuses


@pytest.mark.parametrize("is_known", [True, False])
async def test_many_networks_at_one_account_wait_together(
    app: FastAPI, member: Person, api_engine: AsyncEngine, *, is_known: bool
) -> None:
    """Each network has tried once, and still the account's guessers wait; an unknown address behaves the same."""
    email = member.email if is_known else address()
    assert await attack(app, api_engine, email) == [401] * FREE
    refused = await attempt(app, email, "198.51.99.7")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert int(refused.headers["retry-after"]) > 60


async def test_the_owner_signs_in_from_where_they_were_before(
    app: FastAPI, member: Person, api_engine: AsyncEngine
) -> None:
    """Attackers keep the account busy; the owner at home does not wait for them, and elsewhere would."""
    async with at(app, "203.0.113.9") as home:
        await sign_in(home, member)
    await attack(app, api_engine, member.email)
    assert (await attempt(app, member.email, "192.0.2.44", PASSWORD)).status_code == 429
    assert (await attempt(app, member.email, "203.0.113.9", PASSWORD)).status_code == 200


async def test_the_link_of_a_forgotten_password_opens_an_attacked_account(
    app: FastAPI, member: Person, api_engine: AsyncEngine
) -> None:
    """Nobody is locked out: whoever reads the address signs in from a network that is new."""
    await attack(app, api_engine, member.email)
    another = "another password for tests"
    async with at(app, "192.0.2.44") as travelling:
        await travelling.post("/auth/password/forgotten", json={"email": member.email})
        body = {"token": await token_to(app, member.email), "password": another}
        assert (await travelling.post("/auth/password/reset", json=body)).status_code == 204
        await sign_in(travelling, member, another)


async def test_one_network_at_many_accounts_waits(app: FastAPI, member: Person, api_engine: AsyncEngine) -> None:
    """Each account was tried once; the network waits, and another network does not."""
    statuses = [(await attempt(app, address(), "198.51.100.7")).status_code for _ in range(FREE)]
    assert statuses == [401] * FREE
    await go_on(api_engine)
    refused = await attempt(app, member.email, "198.51.100.7", PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert (await attempt(app, member.email, "203.0.113.9", PASSWORD)).status_code == 200


async def test_neighbours_in_one_ipv6_network_count_as_one(app: FastAPI, api_engine: AsyncEngine) -> None:
    """An attacker has a /64 to choose addresses from."""
    for number in range(FREE):
        assert (await attempt(app, address(), f"2001:db8::{number}")).status_code == 401
    await go_on(api_engine)
    assert (await attempt(app, address(), "2001:db8::ffff")).status_code == 429
    assert (await attempt(app, address(), "2001:db8:1::1")).status_code == 401
