"""API keys: with permissions, networks and an end; rotated and revoked; one gives no more than it has."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from clearway.accounts import keys
from clearway.crypto.encryption import Cipher
from clearway.db.across_merchants import find_key, forget_sealed_secrets
from clearway.db.audit import address_context
from clearway.db.seed import Credentials
from clearway.db.tables import api_keys, audit_log
from clearway.settings import DEVELOPMENT_SECRET_KEYS, Settings
from tests.services.api.conftest import Caller, NewCaller, changed, client_of

DAY = timedelta(days=1)


async def made(http: httpx.AsyncClient, *, key: str | None = None, **body: object) -> dict[str, Any]:
    """Create a key and return it with its secret."""
    headers = {"Idempotency-Key": key} if key else {}
    response = await http.post("/api_keys", json={"name": "Desk", **body}, headers=headers)
    assert response.status_code == 201, response.text
    return dict(response.json())


def using(app: FastAPI, caller: Caller, key: dict[str, Any], secret: str | None = None) -> httpx.AsyncClient:
    """Return a client with this key."""
    return client_of(app, Credentials(caller.id, "A Shop", key["id"], secret or key["secret"]))


async def status_with(app: FastAPI, caller: Caller, key: dict[str, Any], secret: str | None = None) -> int:
    """Read something with this key."""
    async with using(app, caller, key, secret) as client:
        return (await client.get("/orders")).status_code


async def test_a_key_is_shown_with_its_secret_once(caller: Caller, app: FastAPI) -> None:
    """It works at once; lists and reading never show the secret."""
    key = await made(caller.http, permissions=["orders:read"])
    assert await status_with(app, caller, key) == 200
    listed = (await caller.http.get("/api_keys")).json()["data"]
    assert [item["id"] for item in listed[:1]] == [key["id"]]
    assert "secret" not in listed[0]
    read = (await caller.http.get(f"/api_keys/{key['id']}")).json()
    assert read == {name: value for name, value in key.items() if name != "secret"} | {"last_used_at": None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["money:print"]}, "permissions.0"),
        ({"allowed_networks": ["10.0.0.1/8"]}, "allowed_networks.0"),
        ({"allowed_networks": ["everywhere"]}, "allowed_networks.0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
async def test_what_makes_no_key(caller: Caller, body: dict[str, object], field: str) -> None:
    """An invalid field is named, and no key is created."""
    refused = await caller.http.post("/api_keys", json={"name": "Desk", **body})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == field


async def test_a_repeat_shows_the_same_secret_after_a_crash(
    caller: Caller, app: FastAPI, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the effect and the answer: the repeat finds the key and its secret, and makes no second one."""
    create = keys.create

    async def killed(*arguments: Any, **named: Any) -> Any:
        await create(*arguments, **named)
        await arguments[0].commit()
        raise OSError("killed here")

    monkeypatch.setattr(keys, "create", killed)
    body, headers = {"name": "Desk"}, {"Idempotency-Key": "k"}
    assert (await caller.http.post("/api_keys", json=body, headers=headers)).status_code == 503
    monkeypatch.undo()
    key = await made(caller.http, key="k")
    assert await status_with(app, caller, key) == 200
    async with api_engine.connect() as connection:
        rows = (await connection.execute(select(api_keys).where(api_keys.c.merchant_id == caller.id))).all()
    assert sorted(row.name for row in rows) == ["A Shop", "Desk"]


async def test_a_repeated_rotation_shows_the_same_secret_after_a_crash(
    caller: Caller, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the effect and the answer: the repeat shows the secret in force, and rotates no second time."""
    key, rotate = await made(caller.http), keys.rotate
    path, headers = f"/api_keys/{key['id']}/rotate", {"Idempotency-Key": "k"}
    secrets: list[str] = []

    async def killed(*arguments: Any, **named: Any) -> Any:
        secrets.append((await rotate(*arguments, **named)).secret)
        await arguments[0].commit()
        raise OSError("killed here")

    monkeypatch.setattr(keys, "rotate", killed)
    assert (await caller.http.post(path, headers=headers)).status_code == 503
    monkeypatch.undo()
    shown = (await caller.http.post(path, headers=headers)).json()
    assert [shown["secret"]] == secrets
    assert await status_with(app, caller, key, shown["secret"]) == 200


async def test_racing_creations_with_one_key_show_one_secret(caller: Caller) -> None:
    """Ten at once with one Idempotency-Key: one API key, and every answer has the same bytes."""
    asked = [
        caller.http.post("/api_keys", json={"name": "Desk"}, headers={"Idempotency-Key": "race"}) for _ in range(10)
    ]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


async def test_no_secret_is_kept_in_the_clear_nor_sealed_for_ever(caller: Caller, api_engine: AsyncEngine) -> None:
    """Without an Idempotency-Key only the hash is kept; with one, the sealed secret goes when the key does."""
    plain, repeatable = await made(caller.http), await made(caller.http, key="k")

    async def sealed() -> dict[str, str | None]:
        async with api_engine.connect() as connection:
            query = select(api_keys.c.id, api_keys.c.sealed_secret).where(api_keys.c.merchant_id == caller.id)
            return {row.id: row.sealed_secret for row in await connection.execute(query)}

    assert (await sealed())[plain["id"]] is None
    kept = (await sealed())[repeatable["id"]]
    assert kept is not None
    assert repeatable["secret"] not in kept
    async with api_engine.begin() as connection:
        mine = api_keys.c.id == repeatable["id"]
        await connection.execute(update(api_keys).where(mine).values(secret_set_at=datetime.now(UTC) - 2 * DAY))
        await forget_sealed_secrets(connection)
    assert (await sealed())[repeatable["id"]] is None


async def test_a_rotation_leaves_the_former_secret_for_the_overlap(
    caller: Caller, app: FastAPI, api_engine: AsyncEngine
) -> None:
    """Both are valid at first; when the overlap is over, only the new one is."""
    first = await made(caller.http)
    path = f"/api_keys/{first['id']}/rotate"
    second = (await caller.http.post(path, json={"overlap_s": 3_600})).json()
    assert second["secret"] != first["secret"]
    assert [await status_with(app, caller, first, key["secret"]) for key in (first, second)] == [200, 200]
    async with api_engine.begin() as connection:
        over = {"previous_secret_expires_at": datetime.now(UTC) - timedelta(seconds=1)}
        await connection.execute(update(api_keys).where(api_keys.c.id == first["id"]).values(over))
    assert [await status_with(app, caller, first, key["secret"]) for key in (first, second)] == [401, 200]

    third = (await caller.http.post(path, json={"overlap_s": 0})).json()
    assert [await status_with(app, caller, first, key["secret"]) for key in (second, third)] == [401, 200]


async def test_a_repeated_rotation_is_one(caller: Caller) -> None:
    """A second one would end the secret that is in use."""
    key = await made(caller.http)
    headers = {"Idempotency-Key": "k"}
    answers = [await caller.http.post(f"/api_keys/{key['id']}/rotate", headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content


async def test_a_revoked_key_opens_nothing_and_is_not_rotated(caller: Caller, app: FastAPI) -> None:
    """A revoked key ends at once and for good, and stays in the list; revoking it again changes nothing."""
    key = await made(caller.http)
    assert await status_with(app, caller, key) == 200
    revoked = [(await caller.http.post(f"/api_keys/{key['id']}/revoke")).json() for _ in range(2)]
    assert revoked[0] == revoked[1]
    assert revoked[0]["revoked_at"] is not None
    assert await status_with(app, caller, key) == 401
    refused = await caller.http.post(f"/api_keys/{key['id']}/rotate")
    assert refused.json()["code"] == "api_key_closed"


async def test_an_expired_key_opens_nothing(caller: Caller, app: FastAPI, api_engine: AsyncEngine) -> None:
    """After its end it is like a revoked one."""
    key = await made(caller.http, expires_at=(datetime.now(UTC) + DAY).isoformat())
    assert await status_with(app, caller, key) == 200
    async with api_engine.begin() as connection:
        this = api_keys.c.id == key["id"]
        await connection.execute(update(api_keys).where(this).values(expires_at=datetime.now(UTC) - DAY))
    assert await status_with(app, caller, key) == 401


async def test_a_key_is_used_from_its_networks_only(api_settings: Settings, caller: Caller, app: FastAPI) -> None:
    """The client's address counts, as trusted proxies give it; from elsewhere the answer is a clear 403."""
    key = await made(caller.http, allowed_networks=["203.0.113.0/24"])
    behind = create_app(changed(api_settings, trusted_proxies=("127.0.0.0/8",)))
    async with behind.router.lifespan_context(behind), using(behind, caller, key) as client:
        inside = await client.get("/orders", headers={"X-Forwarded-For": "203.0.113.7"})
        outside = await client.get("/orders", headers={"X-Forwarded-For": "203.0.114.7"})
    async with using(app, caller, key) as client:
        untrusted = await client.get("/orders", headers={"X-Forwarded-For": "203.0.113.7"})
    assert [answer.status_code for answer in (inside, outside, untrusted)] == [200, 403, 403]
    assert outside.json()["code"] == "address_not_allowed"
    assert "203.0.114.7" in outside.json()["detail"]


@pytest.mark.parametrize(
    "more",
    [
        {"permissions": ["*"]},
        {"permissions": ["keys:write", "refunds:write"]},
        {"permissions": ["keys:write"], "expires_at": None},
        {"permissions": ["keys:write"], "allowed_networks": ["0.0.0.0/0"]},
    ],
)
async def test_a_key_cannot_give_more_than_it_has(caller: Caller, app: FastAPI, more: dict[str, Any]) -> None:
    """A key cannot pass on more than it has, by a new key or by rotating another."""
    limits = {"expires_at": (datetime.now(UTC) + DAY).isoformat(), "allowed_networks": ["127.0.0.0/8"]}
    narrow = await made(caller.http, permissions=["keys:write"], **limits)
    asked = {"name": "More", **limits, **more}
    async with using(app, caller, narrow) as client:
        refused = await client.post("/api_keys", json=asked)
        rotated = await client.post(f"/api_keys/{caller.credentials.api_key}/rotate")
        allowed = await client.post("/api_keys", json={"name": "Less", "permissions": ["keys:write"], **limits})
    assert [answer.status_code for answer in (refused, rotated, allowed)] == [403, 403, 201]
    assert refused.json()["code"] == "permission_missing"


async def test_keys_of_other_merchants_are_not_found(new_caller: NewCaller) -> None:
    """Reading, rotating and revoking another's key is a 404, and changes nothing."""
    one, other = await new_caller(), await new_caller()
    key = await made(one.http)
    path = f"/api_keys/{key['id']}"
    answers = [
        await other.http.get(path),
        await other.http.post(f"{path}/rotate"),
        await other.http.post(f"{path}/revoke"),
    ]
    assert [answer.json()["code"] for answer in answers] == ["api_key_not_found"] * 3
    assert (await one.http.get(path)).json()["revoked_at"] is None


async def test_every_change_is_audited_with_who_and_from_where(caller: Caller, api_engine: AsyncEngine) -> None:
    """The audit log names the key that asked, the request and the client's address."""
    key = await made(caller.http, permissions=["orders:read"])
    await caller.http.post(f"/api_keys/{key['id']}/rotate")
    await caller.http.post(f"/api_keys/{key['id']}/revoke")
    async with api_engine.connect() as connection:
        query = select(audit_log).where(audit_log.c.merchant_id == caller.id).order_by(audit_log.c.id)
        rows = [row for row in await connection.execute(query) if row.action.startswith("api_key.")]
    assert [row.action for row in rows] == ["api_key.create", "api_key.rotate", "api_key.revoke"]
    assert {row.actor for row in rows} == {f"key:{caller.credentials.api_key}"}
    cipher = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS)
    assert {cipher.decrypt(row.address, address_context(row.request_id)) for row in rows} == {"127.0.0.1"}
    assert all(row.request_id for row in rows)
    assert rows[0].detail["permissions"] == ["orders:read"]


async def test_use_is_written_in_the_background_and_sparsely(
    caller: Caller, app: FastAPI, api_engine: AsyncEngine
) -> None:
    """Many requests are one write, and none within a minute after it."""
    key = await made(caller.http)

    async def last_used() -> datetime | None:
        async with api_engine.connect() as connection:
            used: datetime | None = await connection.scalar(
                select(api_keys.c.last_used_at).where(api_keys.c.id == key["id"])
            )
            return used

    async with using(app, caller, key) as client:
        await client.get("/orders")
        assert await last_used() is None
        await app.state.services.used_keys.write()
        first = await last_used()
        await client.get("/orders")
        await app.state.services.used_keys.write()
    assert first is not None
    assert await last_used() == first


async def test_a_pepper_is_changed_by_using_the_keys(
    api_settings: Settings, caller: Caller, api_engine: AsyncEngine
) -> None:
    """With a new pepper in front, a key works, and is hashed with the new one afterwards: then the old one may go."""
    old = api_settings.api_key_peppers.get_secret_value()
    for peppers, expected in ((f"new:fresh,{old}", 200), ("new:fresh", 200), (f"{old},new:fresh", 200)):
        app = create_app(changed(api_settings, api_key_peppers=peppers))
        async with app.router.lifespan_context(app), client_of(app, caller.credentials) as client:
            assert (await client.get("/orders")).status_code == expected
        async with api_engine.connect() as connection:
            key = await find_key(connection, caller.credentials.api_key)
        assert key is not None
        assert key.secret.pepper_id == peppers.partition(":")[0]


async def test_a_key_shows_its_mode(caller: Caller, live_caller: Caller) -> None:
    """New keys begin with `key_test_` or `key_live_`, by the mode of their merchant, and can be paged through."""
    for merchant, prefix in ((caller, "key_test_"), (live_caller, "key_live_")):
        made = [(await merchant.http.post("/api_keys", json={"name": name})).json()["id"] for name in ("a", "b")]
        assert all(key.startswith(prefix) for key in made)
        page = await merchant.http.get("/api_keys", params={"cursor": made[1], "limit": 1})
        assert [key["id"] for key in page.json()["data"]] == [made[0]]
