"""What people do at the door, in the audit log: each step-up and each failed sign-in, within bounds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import audit_log, sign_in_failures
from clearway.db.users.failures import Throttle
from clearway.domain.ids import INSTALLATION, USER, new_id
from clearway.users import throttling
from tests.services.api.conftest import Caller
from tests.services.api.people import PASSWORD, Person, add_person, browser, early_code, sign_in

UNLIMITED = Throttle(free=1_000, wait_max_s=1)


def address() -> str:
    """Return an e-mail address that no other test uses."""
    return f"{new_id(USER)}@example.test"


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account, when nobody failed to sign in."""
    async with api_engine.begin() as connection:
        await connection.execute(delete(sign_in_failures))
    return await add_person(api_engine, address(), member_of=caller)


@pytest.fixture
async def page(app: FastAPI, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser in which the caller's merchant is chosen."""
    async with browser(app, caller.id) as client:
        yield client


async def rows_of(engine: AsyncEngine, subject_id: str, *actions: str) -> list[Row[tuple[object, ...]]]:
    """Return the audit rows about a subject, oldest first."""
    async with engine.connect() as connection:
        query = select(audit_log).where(audit_log.c.subject_id == subject_id, audit_log.c.action.in_(actions))
        return list(await connection.execute(query.order_by(audit_log.c.id)))


async def guess(app: FastAPI, page: httpx.AsyncClient, email: str, times: int = 1) -> None:
    """Try wrong passwords, and wait for what follows the answers."""
    for _ in range(times):
        refused = await page.post("/auth/login", json={"email": email, "password": "a wrong password"})
        assert refused.json()["code"] == "credentials_invalid"
    await app.state.services.background.settle()


async def test_failed_sign_ins_are_audited(
    app: FastAPI, page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """The user finds attempts at their account, by nobody known; attempts at unknown addresses name no address."""
    before = len(await rows_of(api_engine, INSTALLATION, "user.sign_in_failed"))
    await guess(app, page, member.email)
    (row,) = await rows_of(api_engine, member.id, "user.sign_in_failed")
    assert (row.actor, row.detail["address_known"]) == ("anonymous", True)
    unknown = address()
    await guess(app, page, unknown)
    found = await rows_of(api_engine, INSTALLATION, "user.sign_in_failed")
    assert len(found) == before + 1
    assert unknown not in str(found)
    assert "a wrong password" not in str([*found, row])


async def test_an_attack_does_not_fill_the_audit_log(
    app: FastAPI, page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many attempts are let through, a user gets a few rows, and so do all unknown addresses together."""
    for guarded in ("OF_ACCOUNT", "OF_ACCOUNT_EVERYWHERE", "OF_NETWORK"):
        monkeypatch.setattr(throttling, guarded, UNLIMITED)
    monkeypatch.setattr(throttling, "OF_AUDIT", Throttle(free=3, wait_max_s=3_600))
    await guess(app, page, member.email, times=20)
    assert 3 <= len(await rows_of(api_engine, member.id, "user.sign_in_failed")) <= 6
    before = len(await rows_of(api_engine, INSTALLATION, "user.sign_in_failed"))
    for _ in range(20):
        await guess(app, page, address())
    assert len(await rows_of(api_engine, INSTALLATION, "user.sign_in_failed")) - before <= 6


async def test_step_ups_and_wrong_codes_are_audited(
    app: FastAPI, page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """A step-up, a failed one, and a wrong code after the right password each leave a row."""
    session = (await sign_in(page, member)).json()["me"]["session"]["id"]
    assert (await page.post("/users/me/step_up", json={"password": "a wrong password"})).status_code == 401
    assert (await page.post("/users/me/step_up", json={"password": PASSWORD})).status_code == 200
    rows = await rows_of(api_engine, session, "session.step_up", "session.step_up_failed")
    assert [row.action for row in rows] == ["session.step_up_failed", "session.step_up"]

    totp = pyotp.TOTP((await page.post("/users/me/totp")).json()["secret"])
    await page.post("/users/me/totp/confirm", json={"code": await early_code(totp)})
    async with browser(app) as other:
        begun = (await other.post("/auth/login", json={"email": member.email, "password": PASSWORD})).json()
        wrong = {"challenge": begun["challenge"], "code": totp.at(time.time() - 3_000)}
        assert (await other.post("/auth/totp", json=wrong)).json()["code"] == "code_invalid"
    assert len(await rows_of(api_engine, member.id, "user.second_factor_failed")) == 1
