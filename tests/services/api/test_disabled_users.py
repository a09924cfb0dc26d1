"""Users whom the operator of the installation disabled: everything of theirs that opens something ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import mails, memberships, sign_in_failures
from clearway.domain.actor import Actor, operator
from clearway.domain.errors import AuthenticationError
from clearway.domain.ids import USER, new_id
from clearway.users import administering, signing_in
from clearway.users.visitor import Visitor
from tests.services.api.conftest import Caller, client_of
from tests.services.api.people import PASSWORD, Person, add_person, browser, sign_in

OPERATOR = Actor(operator("olga"), None)


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account."""
    return await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller)


@pytest.fixture
async def page(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser."""
    async with browser(app, caller.id) as client:
        yield client


@pytest.fixture(autouse=True)
async def rested(api_engine: AsyncEngine) -> None:
    """Begin each test without failed attempts: all tests share a network."""
    async with api_engine.begin() as connection:
        await connection.execute(delete(sign_in_failures))


async def disable(engine: AsyncEngine, member: Person) -> None:
    """Disable the user as the command line does."""
    async with engine.begin() as connection:
        user = await administering.find(connection, member.email)
        assert await administering.disable(connection, OPERATOR, user)


async def test_sessions_and_tokens_end_at_once(
    app: FastAPI, page: httpx.AsyncClient, member: Person, caller: Caller, api_engine: AsyncEngine
) -> None:
    """The next request with the cookie, the access token or the refresh token is refused."""
    await sign_in(page, member)
    async with client_of(app) as program:
        tokens = (await program.post("/auth/token", json={"email": member.email, "password": PASSWORD})).json()
        program.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        program.headers["X-Clearway-Merchant"] = caller.id
        assert (await program.get("/orders")).status_code == 200
        await disable(api_engine, member)
        assert (await page.get("/orders")).json()["code"] == "session_ended"
        assert (await program.get("/orders")).json()["code"] == "session_ended"
        refreshed = await program.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert refreshed.json()["code"] == "session_ended"


async def test_the_sign_in_answers_as_for_a_wrong_password(
    app: FastAPI, page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """Nobody learns that the user is disabled: not at the sign-in, not for programs, not by a mail."""
    await disable(api_engine, member)
    right, wrong = ({"email": member.email, "password": password} for password in (PASSWORD, "a wrong password"))
    for path in ("/auth/login", "/auth/token"):
        refused, expected = await page.post(path, json=right), await page.post(path, json=wrong)
        assert refused.status_code == 401
        assert refused.json() | {"request_id": ""} == expected.json() | {"request_id": ""}
    assert (await page.post("/auth/password/forgotten", json={"email": member.email})).status_code == 202
    await app.state.services.background.settle()
    async with api_engine.connect() as connection:
        assert (await connection.execute(select(mails).where(mails.c.user_id == member.id))).all() == []


async def test_who_is_disabled_while_they_sign_in_gets_no_session(
    app: FastAPI, member: Person, api_engine: AsyncEngine
) -> None:
    """The password was right a moment ago; the session is still not begun."""
    await disable(api_engine, member)
    visitor = Visitor("req_test_disabled", "127.0.0.1", "127.0.0.1", "test")
    services = app.state.services
    async with api_engine.connect() as connection:
        with pytest.raises(AuthenticationError):
            await signing_in.begin_session(connection, services, visitor, member.id)


async def test_memberships_stay(page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine) -> None:
    """Once enabled again, the user is the member that they were."""
    await disable(api_engine, member)
    async with api_engine.begin() as connection:
        mine = select(memberships).where(memberships.c.user_id == member.id)
        assert len((await connection.execute(mine)).all()) == 1
        assert await administering.enable(connection, OPERATOR, await administering.find(connection, member.id))
    await sign_in(page, member)
    assert (await page.get("/orders")).status_code == 200


async def test_a_disabled_owner_does_not_let_the_last_one_go(
    page: httpx.AsyncClient, member: Person, caller: Caller, api_engine: AsyncEngine
) -> None:
    """An account keeps an owner who can sign in."""
    other = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller)
    await disable(api_engine, other)
    await sign_in(page, member)
    left = await page.delete(f"/users/me/memberships/{caller.credentials.account_id}")
    assert left.json()["code"] == "last_owner"
