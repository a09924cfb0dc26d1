"""People for tests: members of a merchant's account, and clients that hold their session as a browser does."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import cache

import httpx
import pyotp
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.roles import Role
from clearway.users import creation
from clearway.users.creation import NewPerson
from tests.services.api.conftest import Caller, client_of

PASSWORD = "a password for tests only"
STEADY_S = 12.0
REQUEST = {"X-Clearway-Request": "1"}


@cache
def password_hash() -> str:
    """Hash the password once: with weak parameters, because its strength is not what tests measure."""
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    id: str
    email: str


async def add_person(
    engine: AsyncEngine, email: str, *, member_of: Caller | None = None, role: Role = Role.OWNER
) -> Person:
    """Add a person with the password of tests, as a member of the caller's account if named."""
    async with engine.begin() as connection:
        new = NewPerson(email, "Ada Tester")
        user_id = await creation.add(connection, Actor(SYSTEM, None), new, password_hash())
        if member_of is not None:
            account_id = member_of.credentials.account_id
            await creation.join(connection, Actor(SYSTEM, None), account_id, user_id, role)
    return Person(user_id, email)


def browser(app: FastAPI, merchant_id: str | None = None) -> httpx.AsyncClient:
    """Return a client that keeps cookies and sends the static header, as the dashboard does."""
    client = client_of(app)
    client.headers.update(REQUEST | ({"X-Clearway-Merchant": merchant_id} if merchant_id else {}))
    return client


async def early_code(totp: pyotp.TOTP) -> str:
    """Return the code of the step before, so that the current one can be used after it. Its step does not end soon."""
    left_s = totp.interval - time.time() % totp.interval
    if left_s < STEADY_S:
        await asyncio.sleep(left_s)
    return totp.at(time.time() - totp.interval)


async def sign_in(client: httpx.AsyncClient, person: Person, password: str = PASSWORD) -> httpx.Response:
    """Sign in; the client keeps the cookie."""
    answer = await client.post("/auth/login", json={"email": person.email, "password": password})
    assert answer.status_code == 200, answer.text
    return answer
