"""Saved views: each person keeps their own, of each merchant, under one name a list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.saved_views import Owner
from clearway.db.tables import saved_views as table
from clearway.domain import saved_views
from clearway.domain.ids import SAVED_VIEW, USER, new_id
from clearway.domain.roles import Role
from clearway.users import saved_views as service
from tests.services.api.conftest import Caller, NewCaller
from tests.services.api.people import PASSWORD, Person, add_person, browser, sign_in

FAILED = {"page": "payments", "name": "Failed in INR", "query": {"status": ["failed", "expired"], "currency": ["INR"]}}


@pytest.fixture
async def viewer(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add somebody who may only look."""
    return await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller, role=Role.VIEWER)


@pytest.fixture
async def page(app: FastAPI, caller: Caller, viewer: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser in which the viewer is signed in."""
    async with browser(app, caller.id) as client:
        await sign_in(client, viewer)
        yield client


async def names(http: httpx.AsyncClient, **query: Any) -> list[str]:
    """Return the names of the views that are listed."""
    return [view["name"] for view in (await http.get("/saved_views", params=query)).json()["data"]]


async def test_a_view_is_kept_changed_and_deleted(page: httpx.AsyncClient) -> None:
    """Even by somebody who may only look; what a change leaves out stays."""
    made = await page.post("/saved_views", json=FAILED)
    assert made.status_code == 201, made.text
    view = made.json()
    assert (view["query"], view["columns"]) == (FAILED["query"], None)
    changed = await page.patch(f"/saved_views/{view['id']}", json={"name": " Lost ", "columns": ["amount", "error"]})
    assert changed.json() | {"updated_at": ""} == view | {
        "name": "Lost",
        "columns": ["amount", "error"],
        "updated_at": "",
    }
    assert await names(page, page="payments") == ["Lost"]
    assert await names(page, page="orders") == []
    assert (await page.delete(f"/saved_views/{view['id']}")).status_code == 204
    assert await names(page) == []
    gone = await page.delete(f"/saved_views/{view['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "saved_view_not_found")


async def test_nobody_reaches_anothers_views(
    page: httpx.AsyncClient, app: FastAPI, caller: Caller, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """A colleague at the same merchant has their own, and so has somebody elsewhere."""
    other = await new_caller()
    view_id = (await page.post("/saved_views", json=FAILED)).json()["id"]
    colleague = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller)
    stranger = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=other)
    for person, merchant_id in ((colleague, caller.id), (stranger, other.id)):
        async with browser(app, merchant_id) as client:
            await sign_in(client, person)
            assert await names(client) == []
            assert (await client.patch(f"/saved_views/{view_id}", json={"name": "Mine"})).status_code == 404
            assert (await client.delete(f"/saved_views/{view_id}")).status_code == 404
            assert (await client.post("/saved_views", json=FAILED)).status_code == 201
    assert await names(page) == [FAILED["name"]]


async def test_each_merchant_has_its_own_views(page: httpx.AsyncClient, caller: Caller, live_caller: Caller) -> None:
    """The same person has none of them in live mode, and reaches none from there."""
    view_id = (await page.post("/saved_views", json=FAILED)).json()["id"]
    page.headers["X-Clearway-Merchant"] = live_caller.id
    assert await names(page) == []
    assert (await page.patch(f"/saved_views/{view_id}", json={"name": "Mine"})).status_code == 404
    assert (await page.delete(f"/saved_views/{view_id}")).status_code == 404
    assert (await page.post("/saved_views", json=FAILED)).status_code == 201
    page.headers["X-Clearway-Merchant"] = caller.id
    assert await names(page) == [FAILED["name"]]


async def test_a_name_is_used_once_a_list(page: httpx.AsyncClient) -> None:
    """For another list it is free; a repeat with the same key is no second view."""
    key = {"Idempotency-Key": new_id(USER)}
    first = await page.post("/saved_views", json=FAILED, headers=key)
    assert (await page.post("/saved_views", json=FAILED, headers=key)).json() == first.json()
    again = await page.post("/saved_views", json=FAILED)
    assert (again.status_code, again.json()["code"]) == (409, "saved_view_exists")
    other = (await page.post("/saved_views", json=FAILED | {"name": "Other"})).json()
    taken = await page.patch(f"/saved_views/{other['id']}", json={"name": FAILED["name"]})
    assert (taken.status_code, taken.json()["code"]) == (409, "saved_view_exists")
    assert (await page.post("/saved_views", json=FAILED | {"page": "orders"})).status_code == 201


async def test_a_request_whose_answer_was_lost_keeps_one_view(
    viewer: Person, caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its repeat, which has the same id, finds the view, also when no further one would be kept."""
    owner, view_id = Owner(viewer.id, caller.id), new_id(SAVED_VIEW)
    kept = await service.create(api_engine, owner, view_id, FAILED)
    monkeypatch.setattr(service, "VIEWS_MAX", 1)
    assert await service.create(api_engine, owner, view_id, FAILED) == kept


async def test_there_is_a_limit(page: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says what to do."""
    assert saved_views.VIEWS_MAX == 50
    monkeypatch.setattr(service, "VIEWS_MAX", 1)
    assert (await page.post("/saved_views", json=FAILED)).status_code == 201
    refused = await page.post("/saved_views", json=FAILED | {"name": "Other"})
    assert (refused.status_code, refused.json()["code"]) == (409, "saved_view_limit")
    assert "Delete one" in refused.json()["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"page": "nothing"},
        {"name": "  "},
        {"name": "x" * 65},
        {"query": {"status": []}},
        {"query": {"Status": ["failed"]}},
        {"query": {"status": ["x" * 256]}},
        {"columns": ["no such; form"]},
    ],
)
async def test_what_is_no_view_is_refused(page: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    """With 422, and nothing is kept."""
    assert (await page.post("/saved_views", json=FAILED | wrong)).status_code == 422
    assert await names(page) == []


async def test_views_belong_to_people(caller: Caller) -> None:
    """An API key has none."""
    for answer in (await caller.http.get("/saved_views"), await caller.http.post("/saved_views", json=FAILED)):
        assert (answer.status_code, answer.json()["code"]) == (409, "person_needed")


async def test_who_is_deleted_leaves_no_views(page: httpx.AsyncClient, viewer: Person, api_engine: AsyncEngine) -> None:
    """Their filters may name customers."""
    await page.post("/saved_views", json=FAILED | {"query": {"customer": ["ann@example.test"]}})
    await page.post("/users/me/step_up", json={"password": PASSWORD})
    assert (await page.delete("/users/me")).status_code == 204
    async with api_engine.connect() as connection:
        assert await connection.scalar(select(func.count()).where(table.c.user_id == viewer.id)) == 0
