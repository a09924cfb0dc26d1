"""The audit log for merchants: filtered, paged and exported, each merchant its own; nothing in it is ever changed."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.audit import entry
from clearway.db.tables import audit_log, merchants
from clearway.domain.actor import Actor
from tests.services.api.conftest import Caller, NewCaller


async def key_of(caller: Caller, name: str = "Accounting") -> dict[str, Any]:
    """Create an API key, which is an act."""
    made = await caller.http.post("/api_keys", json={"name": name})
    assert made.status_code == 201, made.text
    return dict(made.json())


async def listed(caller: Caller, **query: str) -> list[dict[str, Any]]:
    """Return one page of the log without the row of the seed."""
    answer = await caller.http.get("/audit_log", params=query)
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json()["data"] if row["action"] != "merchant.seed"]


async def test_an_act_is_shown_with_who_and_from_where(caller: Caller) -> None:
    """The key that acted, the client's address and the request, as the answer's header names it."""
    answer = await caller.http.post("/api_keys", json={"name": "Accounting"}, headers={"X-Request-Id": "req-shown"})
    (row,) = await listed(caller)
    assert row["actor"] == f"key:{caller.credentials.api_key}"
    assert (row["action"], row["subject_type"], row["subject_id"]) == ("api_key.create", "api_key", answer.json()["id"])
    assert (row["address"], row["request_id"]) == ("127.0.0.1", "req-shown")
    assert answer.json()["secret"] not in str(row)


async def test_filters_leave_what_they_name(caller: Caller) -> None:
    """Each alone and together; a time includes its beginning and excludes its end."""
    first, second = await key_of(caller), await key_of(caller)
    await caller.http.post(f"/api_keys/{first['id']}/revoke")
    assert [row["action"] for row in await listed(caller, subject_id=first["id"])] == [
        "api_key.revoke",
        "api_key.create",
    ]
    assert [row["subject_id"] for row in await listed(caller, action="api_key.create")] == [second["id"], first["id"]]
    assert await listed(caller, actor="key:another") == []
    assert len(await listed(caller, actor=f"key:{caller.credentials.api_key}", subject_type="api_key")) == 3
    now = datetime.now(UTC)
    assert len(await listed(caller, created_from=(now - timedelta(minutes=5)).isoformat())) == 3
    assert await listed(caller, created_to=(now - timedelta(minutes=5)).isoformat()) == []


async def test_pages_have_every_row_once(caller: Caller) -> None:
    """Also while rows are added at the front."""
    made = [(await key_of(caller))["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": "2", "action": "api_key.create"} | ({"cursor": cursor} if cursor else {})
        page = (await caller.http.get("/audit_log", params=query)).json()
        seen += [row["subject_id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await key_of(caller, "meanwhile")
    assert seen == list(reversed(made))


async def test_acts_about_the_account_are_seen_from_both_sides(
    caller: Caller, live_caller: Caller, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """A member is of the account, so of both modes; a key is of one; another account sees neither."""
    stranger = await new_caller()
    async with api_engine.begin() as connection:
        account_id = await connection.scalar(select(merchants.c.account_id).where(merchants.c.id == caller.id))
        row = entry(Actor("user:usr_x", live_caller.id), "membership.change", str(account_id), {"role": "viewer"})
        await connection.execute(insert(audit_log).values(row))
    await key_of(caller)
    assert [row["action"] for row in await listed(caller)] == ["api_key.create", "membership.change"]
    assert [row["action"] for row in await listed(live_caller)] == ["membership.change"]
    assert await listed(stranger) == []


async def test_the_export_is_the_list(caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row, over several queries, with the same filters; no cell begins a formula."""
    monkeypatch.setattr("clearway.accounts.audit_log.EXPORT_PAGE", 2)
    for number in range(5):
        await key_of(caller, f"key {number}")
    async with api_engine.begin() as connection:
        row = entry(Actor("=HYPERLINK(1)", caller.id), "api_key.create", caller.id, {"name": "=1+1"})
        await connection.execute(insert(audit_log).values(row))
    answer = await caller.http.get("/audit_log/export", params={"action": "api_key.create"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [one["id"] for one in rows] == [one["id"] for one in await listed(caller, action="api_key.create")]
    assert rows[0]["actor"] == "'=HYPERLINK(1)"
    assert rows[1]["address"] == "127.0.0.1"


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"])
async def test_the_database_refuses_changes(caller: Caller, api_engine: AsyncEngine, statement: str) -> None:
    """For the role of the programs by its grants, for the owner by a trigger (tests/services/db)."""
    await key_of(caller)
    with pytest.raises(DBAPIError):
        async with api_engine.begin() as connection:
            await connection.execute(text(f"{statement} WHERE merchant_id = :merchant"), {"merchant": caller.id})


async def test_a_key_without_the_permission_reads_nothing(caller: Caller, anonymous: httpx.AsyncClient) -> None:
    """Neither the list nor the export."""
    narrow = (await caller.http.post("/api_keys", json={"name": "narrow", "permissions": ["payments:read"]})).json()
    headers = {"X-Api-Key": narrow["id"], "X-Api-Secret": narrow["secret"]}
    for path in ("/audit_log", "/audit_log/export"):
        assert (await anonymous.get(path, headers=headers)).status_code == 403
