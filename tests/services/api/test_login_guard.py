"""Credentials that are not valid: limited by address before the database is asked, at the cost of nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from clearway.db import across_merchants
from clearway.settings import Settings
from tests.services.api.conftest import Caller, NewCaller, changed, client_of

ATTACKER, MERCHANT = "198.51.100.66", "203.0.113.7"


class Lookups:
    """How often the database was asked for a key."""

    count = 0


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> Lookups:
    """Count the look-ups of keys."""
    counted, find = Lookups(), across_merchants.find_key

    async def counting(*arguments: Any) -> Any:
        counted.count += 1
        return await find(*arguments)

    monkeypatch.setattr(across_merchants, "find_key", counting)
    return counted


@asynccontextmanager
async def limited(settings: Settings, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """Run an API behind a proxy that lets an address fail three times a minute."""
    app: FastAPI = create_app(changed(settings, rate_limit_failed_logins="3/minute", trusted_proxies=("127.0.0.0/8",)))
    async with app.router.lifespan_context(app), client_of(app, caller.credentials) as client:
        yield client


async def guess(client: httpx.AsyncClient, number: int, address: str = ATTACKER) -> int:
    """Try a secret from an address."""
    headers = {"X-Api-Secret": f"guess_{number}", "X-Forwarded-For": address}
    return (await client.get("/orders", headers=headers)).status_code


async def test_guesses_are_refused_before_the_database_is_asked(
    api_settings: Settings, caller: Caller, lookups: Lookups
) -> None:
    """Three wrong secrets are looked up; after that the address gets 429, and costs the database nothing."""
    async with limited(api_settings, caller) as client:
        statuses = [await guess(client, number) for number in range(6)]
    assert statuses == [401, 401, 401, 429, 429, 429]
    assert lookups.count == 3


async def test_an_attack_does_not_lock_the_merchant_out(api_settings: Settings, caller: Caller) -> None:
    """From elsewhere the attacked key works."""
    async with limited(api_settings, caller) as client:
        for number in range(5):
            await guess(client, number)
        answer = await client.get("/orders", headers={"X-Forwarded-For": MERCHANT})
    assert answer.status_code == 200


async def test_nor_one_behind_the_same_address(api_settings: Settings, caller: Caller) -> None:
    """A key that was used from there a moment ago goes on working beside an attacker, who shares its address."""
    async with limited(api_settings, caller) as client:
        before = await client.get("/orders", headers={"X-Forwarded-For": ATTACKER})
        statuses = [await guess(client, number) for number in range(5)]
        after = await client.get("/orders", headers={"X-Forwarded-For": ATTACKER})
    assert (before.status_code, after.status_code) == (200, 200)
    assert statuses[-1] == 429


async def test_a_refused_pair_is_refused_from_memory(api_settings: Settings, caller: Caller, lookups: Lookups) -> None:
    """A program with an old secret that asks in a loop, from many addresses, costs one look-up."""
    async with limited(api_settings, caller) as client:
        statuses = [await guess(client, 0, f"198.51.100.{number}") for number in range(10)]
    assert set(statuses) == {401}
    assert lookups.count == 1


async def test_a_stranger_cannot_choose_an_address(api_settings: Settings, new_caller: NewCaller) -> None:
    """Without a trusted proxy, X-Forwarded-For gives nobody a fresh limit."""
    caller = await new_caller()
    app = create_app(changed(api_settings, rate_limit_failed_logins="3/minute"))
    async with app.router.lifespan_context(app), client_of(app, caller.credentials) as client:
        statuses = [await guess(client, number, f"198.51.100.{number}") for number in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
