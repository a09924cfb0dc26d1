"""Every route by role, own and another merchant, and mode: a session may exactly what the table of roles says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.auth.permissions import permission_of
from clearway.db.tables import users
from clearway.domain.api import API_PREFIX
from clearway.domain.ids import USER, new_id
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission
from clearway.domain.roles import OPERATOR, Role, permissions_of_role
from tests.services.api.conftest import Caller, NewCaller
from tests.services.api.people import Person, add_person, browser, sign_in
from tests.services.api.test_permissions import ANSWERED, KEYED, OPEN, PERSONAL, SIGNED, path_of, path_of_nothing

WITH_BODY = {"POST", "PATCH", "PUT"}
NOT_ENOUGH = {"permission_missing", "merchant_not_found", "session_ended", "credentials_missing"}
OF_NOBODY = {
    "/test/merchant",
    "/health",
    "/ready",
    "/metrics",
}
"""Probes, and what is for development. Tests of their own prove it."""


async def answered(http: httpx.AsyncClient, method: str, route: APIRoute) -> tuple[int, str | None]:
    """Return the status and the code of the answer."""
    answer = await http.request(method, path_of_nothing(route), json={} if method in WITH_BODY else None)
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    return answer.status_code, answer.json()["code"] if is_problem else None


async def check_matrix(http: httpx.AsyncClient, allowed: frozenset[Permission]) -> None:
    """Ask every route, and compare what is refused with the permissions."""
    wrong = []
    for method, route in KEYED:
        needed = permission_of(route)
        if needed in allowed and (method, route) not in ANSWERED:
            continue
        status, code = await answered(http, method, route)
        fits = code not in NOT_ENOUGH if needed in allowed else (status, code) == (403, "permission_missing")
        if not fits:
            wrong.append((method, route.path, needed, status, code))
    assert not wrong


@pytest.fixture
async def stranger(new_caller: NewCaller) -> Caller:
    """Make a merchant of another account."""
    return await new_caller()


@pytest.fixture
async def person(api_engine: AsyncEngine) -> Person:
    """Add somebody who is a member of nothing."""
    return await add_person(api_engine, f"{new_id(USER)}@example.test")


@pytest.fixture
async def page(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser."""
    async with browser(app) as http:
        yield http


@pytest.mark.parametrize("role", Role)
async def test_a_member_may_what_the_role_says(
    page: httpx.AsyncClient, api_engine: AsyncEngine, caller: Caller, live_caller: Caller, role: Role
) -> None:
    """No route allows more and none allows less, in live and in test mode."""
    member = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller, role=role)
    await sign_in(page, member)
    for merchant, mode in ((caller, Mode.TEST), (live_caller, Mode.LIVE)):
        page.headers["X-Clearway-Merchant"] = merchant.id
        await check_matrix(page, permissions_of_role(role, mode))


def test_the_tables_have_every_route(app: FastAPI) -> None:
    """Each operation of the document is asked by role, is for any person, is open, or answers to no caller."""
    document = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}
    kept = {(method, route.path) for method, route in (*KEYED, *PERSONAL)}
    assert kept <= document
    assert {path.removeprefix(API_PREFIX) for _, path in document - kept} == OPEN | SIGNED | OF_NOBODY


@pytest.mark.parametrize("role", [*Role, None])
async def test_what_is_ones_own_has_nothing_to_do_with_roles(
    page: httpx.AsyncClient, api_engine: AsyncEngine, caller: Caller, stranger: Caller, role: Role | None
) -> None:
    """Every role, and somebody without a membership, reaches the same routes about themselves, whatever is named.

    A key reaches none of them, and only an operator what is across merchants.
    """
    for method, route in PERSONAL:
        member = await add_person(
            api_engine, f"{new_id(USER)}@example.test", member_of=caller if role else None, role=role or Role.VIEWER
        )  # another each time: some of these acts end the session
        await sign_in(page, member)
        page.headers["X-Clearway-Merchant"] = stranger.id
        status, code = await answered(page, method, route)
        if path_of(route).startswith("/operator"):
            assert (status, code) == (403, "operator_only"), route.path
        else:
            assert code not in NOT_ENOUGH, (method, route.path, status, code)
        assert await answered(caller.http, method, route) == (401, "session_missing"), route.path


async def test_a_member_of_another_account_is_nobody(
    page: httpx.AsyncClient, api_engine: AsyncEngine, caller: Caller, stranger: Caller
) -> None:
    """An owner elsewhere finds no merchant here, on any route, as if there were none."""
    owner = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=stranger, role=Role.OWNER)
    page.headers["X-Clearway-Merchant"] = caller.id
    await sign_in(page, owner)
    for method, route in KEYED:
        assert await answered(page, method, route) == (404, "merchant_not_found"), route.path


async def test_an_operator_looks_and_repairs_everywhere(
    page: httpx.AsyncClient, api_engine: AsyncEngine, caller: Caller, live_caller: Caller, person: Person
) -> None:
    """Without a membership, for any merchant, what the table says of operators; an unknown merchant stays unknown."""
    async with api_engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == person.id).values(is_operator=True))
    await sign_in(page, person)
    for merchant in (caller, live_caller):
        page.headers["X-Clearway-Merchant"] = merchant.id
        await check_matrix(page, OPERATOR)
    page.headers["X-Clearway-Merchant"] = new_id("mer")
    assert (await page.get("/payments")).status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER, Role.OWNER])
async def test_an_operator_who_is_a_member_has_both(
    page: httpx.AsyncClient, api_engine: AsyncEngine, caller: Caller, live_caller: Caller, role: Role
) -> None:
    """What the role allows and what an operator may do; a membership takes nothing away. `/users/me` says the same."""
    member = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller, role=role)
    async with api_engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == member.id).values(is_operator=True))
    shown = (await sign_in(page, member)).json()["me"]["memberships"][0]["merchants"]
    for merchant, mode in ((caller, Mode.TEST), (live_caller, Mode.LIVE)):
        both = permissions_of_role(role, mode) | OPERATOR
        page.headers["X-Clearway-Merchant"] = merchant.id
        await check_matrix(page, both)
        assert next(each for each in shown if each["mode"] == mode)["permissions"] == sorted(both)


async def test_only_operators_see_across_merchants(
    page: httpx.AsyncClient, api_engine: AsyncEngine, caller: Caller, stranger: Caller
) -> None:
    """An owner is refused; an operator sees every merchant, and each look is in the audit log."""
    owner = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller, role=Role.OWNER)
    await sign_in(page, owner)
    for path in ("/operator/merchants", "/operator/reviews", "/operator/gateways"):
        refused = await page.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "operator_only")
        assert (await caller.http.get(path)).status_code == 401
    async with api_engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == owner.id).values(is_operator=True))
    listed = (await page.get("/operator/merchants", params={"limit": 100})).json()["data"]
    assert {caller.id, stranger.id} <= {one["id"] for one in listed}
    gateways = (await page.get("/operator/gateways", params={"limit": 100})).json()["data"]
    assert {caller.id, stranger.id} <= {one["merchant_id"] for one in gateways}
    assert (await page.get("/operator/reviews")).status_code == 200
