"""Mails that anybody can ask for: stored before the answer, by the same work for every address, and never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, event, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.maintenance import MaintenanceActivities
from api.http.background import Background
from clearway.db.tables import mail_requests, sign_in_failures
from clearway.domain.ids import USER, new_id
from clearway.durable.deliveries import TemporalDeliveries
from clearway.settings import Settings
from tests.services.api.conftest import Caller, changed
from tests.services.api.people import Person, add_person, browser, sign_in
from tests.services.api.test_signing_in import mails_to, open_app

__all__ = ["open_app"]


OF_PEOPLE = ("users", "mails", "mail_requests", "one_time_tokens", "audit_log", "sign_in_failures", "sessions")


def address() -> str:
    """Return an e-mail address that no other test uses."""
    return f"{new_id(USER)}@example.test"


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account."""
    async with api_engine.begin() as connection:
        await connection.execute(delete(sign_in_failures))
    return await add_person(api_engine, address(), member_of=caller)


@pytest.fixture
async def page(open_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser."""
    async with browser(open_app) as client:
        yield client


@pytest.fixture
def dies_after_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die when the answer is sent: what it had in memory is gone."""
    monkeypatch.setattr(Background, "start", lambda _, work: work.close())


async def count(engine: AsyncEngine) -> int:
    """Return how many requests wait."""
    async with engine.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(mail_requests)) or 0)


@pytest.mark.usefixtures("dies_after_the_answer")
async def test_a_request_outlives_the_process_that_answered(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine, api_settings: Settings
) -> None:
    """Housekeeping writes the mails of all three kinds of request, once."""
    new, other = address(), address()
    await sign_in(page, member)
    before = await count(api_engine)
    register = {"email": new, "name": "Ada", "account_name": "Books"}
    assert (await page.post("/auth/register", json=register)).status_code == 202
    assert (await page.post("/auth/password/forgotten", json={"email": member.email})).status_code == 202
    assert (await page.post("/users/me/email", json={"email": other})).status_code == 202
    assert await count(api_engine) == before + 3

    client = open_app.state.services.temporal
    housekeeping = MaintenanceActivities(
        api_engine, TemporalDeliveries(client, ()), changed(api_settings, recovery_after_s=0)
    )
    for _ in range(2):
        await housekeeping.take_up_mails()
    assert await count(api_engine) == 0
    subjects = [[letter.subject for letter in await mails_to(open_app, email)] for email in (new, member.email, other)]
    assert subjects == [["Confirm your e-mail address"], ["Choose a new password"], ["Confirm your new e-mail address"]]


@pytest.mark.usefixtures("dies_after_the_answer")
async def test_the_answer_waits_for_the_same_statements_whoever_asks(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """A known, an unknown and a disabled address cost the same queries, so no time shows which is which."""
    statements: list[str] = []
    engine = open_app.state.services.engine.sync_engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if any(table in statement for table in OF_PEOPLE):  # the process reads other tables by itself
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    seen = []
    for email in (member.email, address()):
        statements.clear()
        await page.post("/auth/password/forgotten", json={"email": email})
        await page.post("/auth/register", json={"email": email, "name": "Ada", "account_name": "Books"})
        seen.append(list(statements))
    event.remove(engine, "before_cursor_execute", note)
    assert seen[0] == seen[1]
    assert [statement.split()[:3] for statement in seen[0]] == [["INSERT", "INTO", "mail_requests"]] * 2


async def test_what_is_stored_names_nobody(
    open_app: FastAPI, page: httpx.AsyncClient, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address and the network of who asks are sealed, and nothing is left once the mail is written."""
    monkeypatch.setattr(Background, "start", lambda _, work: work.close())
    email = address()
    await page.post("/auth/register", json={"email": email, "name": "Ada Lovelace", "account_name": "Books"})
    async with api_engine.connect() as connection:
        stored = str((await connection.execute(select(mail_requests))).all())
    assert email not in stored
    assert "Lovelace" not in stored
    assert "v1." in stored
