"""`GET /installation`: addresses for people who are signed in; where the workflows are, for operators alone."""

from __future__ import annotations

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import users
from tests.services.api.conftest import Caller
from tests.services.api.people import add_person, browser, sign_in


async def read(client: httpx.AsyncClient) -> dict[str, object]:
    """Read what the installation says."""
    answer = await client.get("/installation")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_only_operators_learn_where_the_workflows_are(app: FastAPI, api_engine: AsyncEngine) -> None:
    """A person gets version and addresses; an operator also the namespace of the workflows."""
    person = await add_person(api_engine, "installation@example.test")
    async with browser(app) as client:
        await sign_in(client, person)
        found = await read(client)
        assert found["temporal"] is None
        assert found["version"]
        async with api_engine.begin() as connection:
            await connection.execute(users.update().where(users.c.id == person.id).values(is_operator=True))
        temporal = (await read(client))["temporal"]
        assert isinstance(temporal, dict)
        assert temporal["namespace"]


async def test_programs_get_no_answer(caller: Caller) -> None:
    """An API key has no business with it."""
    assert (await caller.http.get("/installation")).status_code == 401
