"""The log of a merchant's requests: which are rows, what a row has, who sees it, and how long it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.http.request_log import CALLER, AnswerBody, log_request
from api.http.request_log import Caller as Making
from clearway.db import request_log as stored
from clearway.db.engine import create_engine
from clearway.db.tables import request_log
from clearway.domain.ids import LOGGED_REQUEST, first_id
from clearway.domain.request_log import LoggedRequest
from clearway.settings import Settings
from tests.services.api.conftest import Caller, NewCaller, changed

PATIENCE_S = 30.0


async def logged(caller: Caller, enough: Callable[[list[dict[str, Any]]], bool], **query: Any) -> list[dict[str, Any]]:
    """Read the log until it has enough; rows are written each second."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await caller.http.get("/request_log", params=query)
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()["data"]
            if enough(found):
                return found
            await asyncio.sleep(0.2)


async def test_a_request_is_a_row_that_names_nobody(caller: Caller, api_engine: AsyncEngine) -> None:
    """The row says who asked what, with which key, and how it was answered; nothing of body, query or address."""
    headers = {"Idempotency-Key": "cart-1042", "X-Request-Id": "shop-request-1"}
    body = {"amount": 50_000, "currency": "INR", "notes": {"who": "Ada Lovelace"}}
    made = await caller.http.post("/orders", json=body, headers=headers)
    assert made.status_code == 201, made.text
    await caller.http.get("/payments", params={"search": "ada@example.test"})
    await caller.http.get(f"/orders/{made.json()['id']}")

    rows = await logged(caller, lambda found: len(found) >= 3)

    (post,) = (row for row in rows if row["method"] == "POST")
    assert post | {"id": "", "started_at": "", "duration_ms": 0} == {
        "object": "logged_request",
        "id": "",
        "method": "POST",
        "route": "/orders",
        "subject_id": None,
        "status": 201,
        "error_code": None,
        "actor": f"key:{caller.credentials.api_key}",
        "request_id": "shop-request-1",
        "idempotency_key": "cart-1042",
        "started_at": "",
        "duration_ms": 0,
    }
    (read,) = (row for row in rows if row["subject_id"])
    assert (read["route"], read["subject_id"]) == ("/orders/{order_id}", made.json()["id"])
    async with api_engine.connect() as connection:
        kept = (await connection.execute(select(request_log).where(request_log.c.merchant_id == caller.id))).all()
    assert not [word for word in ("Ada", "ada@", "127.0.0.1") if word in str(kept)]


async def test_one_request_shows_its_bodies_masked(
    caller: Caller, api_engine: AsyncEngine, new_caller: NewCaller
) -> None:
    """The form of both bodies is whole; codes, ids and amounts are shown, and nothing of a person, card or secret."""
    order = (await caller.http.post("/orders", json={"amount": 50_000, "currency": "INR"})).json()
    card = {"number": "4242424242424242", "expiry_month": 12, "cvc": "nine-one-seven", "name": "Ada Lovelace"}
    body = {"order_id": order["id"], "method": "card", "card": card, "customer": {"email": "ada@example.test"}}
    await caller.http.post("/payments", json=body | {"ada@example.test": "Ada", "notes": {"Ada": "x"}})
    made = (await caller.http.post("/api_keys", json={"name": "Ada's", "permissions": ["orders:read"]})).json()
    rows = await logged(caller, lambda found: len(found) == 3, method="POST")
    (refused,) = (row for row in rows if row["status"] == 422)
    shown = (await caller.http.get(f"/request_log/{refused['id']}")).raise_for_status().json()
    assert shown["request_body"] == {
        "order_id": order["id"],
        "method": "card",
        "card": "•••",
        "customer": "•••",
        "•••": "•••",
        "notes": "•••",
    }
    assert (shown["response_body"]["code"], shown["response_body"]["detail"]) == ("validation_error", "•••")
    (key,) = (row for row in rows if row["route"] == "/api_keys")
    shown = (await caller.http.get(f"/request_log/{key['id']}")).raise_for_status().json()
    assert (shown["response_body"]["permissions"], shown["response_body"]["secret"]) == (["orders:read"], "•••")
    async with api_engine.connect() as connection:
        kept = str((await connection.execute(select(request_log).where(request_log.c.merchant_id == caller.id))).all())
    hidden = ("Ada", "ada@", "42424242", "nine-one", made["secret"])
    assert not [word for word in hidden if word in kept]
    other = await new_caller()
    assert (await other.http.get(f"/request_log/{key['id']}")).status_code == 404


async def test_refusals_are_rows_with_their_code(caller: Caller) -> None:
    """What was refused after the caller was known is logged with the problem's code, also an unknown path's id."""
    await caller.http.post("/orders", json={"amount": -1, "currency": "INR"})
    await caller.http.get("/payments/ada@example.test")
    await caller.http.get("/orders", params={"cursor": "no cursor"})
    rows = await logged(caller, lambda found: len(found) == 3, failed=True)
    assert [(row["status"], row["error_code"], row["subject_id"]) for row in rows] == [
        (400, "cursor_invalid", None),
        (404, "payment_not_found", None),
        (422, "validation_error", None),
    ]
    assert len(await logged(caller, bool, status=422)) == 1
    assert len(await logged(caller, bool, error_code="payment_not_found")) == 1


async def test_filters_and_pages(caller: Caller) -> None:
    """Each filter limits the list, filters add up, and pages follow one another without gaps."""
    for number in range(5):
        headers = {"Idempotency-Key": f"order-{number}", "X-Request-Id": f"request-{number}"}
        await caller.http.post("/orders", json={"amount": 100, "currency": "INR"}, headers=headers)
    posts = await logged(caller, lambda found: len(found) == 5, method="POST")
    for name, value, count in (
        ("idempotency_key", "order-3", 1),
        ("request_id", "request-2", 1),
        ("route", "/orders", 5),
        ("actor", f"key:{caller.credentials.api_key}", 5),
        ("created_from", (datetime.now(UTC) + timedelta(minutes=1)).isoformat(), 0),
        ("created_to", (datetime.now(UTC) - timedelta(minutes=1)).isoformat(), 0),
    ):
        query = {"method": "POST", name: value}
        found = (await caller.http.get("/request_log", params=query)).json()["data"]
        assert len(found) == count, name
    first = (await caller.http.get("/request_log", params={"method": "POST", "limit": 3})).json()
    rest = (
        await caller.http.get("/request_log", params={"method": "POST", "limit": 3, "cursor": first["next_cursor"]})
    ).json()
    assert [row["id"] for row in first["data"] + rest["data"]] == [row["id"] for row in posts]
    assert rest["next_cursor"] is None


async def test_no_merchant_sees_another_s_requests(new_caller: NewCaller, anonymous: httpx.AsyncClient) -> None:
    """The list is the caller's own; requests without a known caller belong to nobody."""
    one, other = await new_caller(), await new_caller()
    await one.http.post("/orders", json={"amount": 100, "currency": "INR"}, headers={"X-Request-Id": "only-of-one"})
    await anonymous.post("/orders", json={}, headers={"X-Request-Id": "of-nobody-1"})
    assert await logged(one, bool, request_id="only-of-one")
    assert (await other.http.get("/request_log", params={"request_id": "only-of-one"})).json()["data"] == []
    assert (await one.http.get("/request_log", params={"request_id": "of-nobody-1"})).json()["data"] == []


@pytest.mark.parametrize(("method", "rows"), [("GET", 0), ("POST", 1)])
def test_what_people_read_in_the_dashboard_is_no_row(method: str, rows: int) -> None:
    """Pages poll: only what a person changes is logged."""
    noted: list[LoggedRequest] = []
    log = SimpleNamespace(note=noted.append)
    app = SimpleNamespace(state=SimpleNamespace(request_log=log))
    scope = {"method": method, "app": app, "headers": [], "clearway.request_id": "req_1"}
    log_request(scope | {CALLER: Making("mer_1", "user:usr_1")}, 200, 0.01, AnswerBody())
    assert len(noted) == rows


async def test_only_what_is_kept_long_enough_is_shown(caller: Caller, api_engine: AsyncEngine) -> None:
    """A row older than REQUEST_LOG_DAYS is not listed, although its month is still there."""
    long_ago = datetime.now(UTC) - timedelta(days=31)
    name = first_id(LOGGED_REQUEST, long_ago)
    old = LoggedRequest(name, caller.id, "GET", "/", None, 200, None, "key:k", "r", None, long_ago, 1)
    async with api_engine.begin() as connection:
        await stored.add(connection, [old])
    rows = (await caller.http.get("/request_log", params={"created_from": "2020-01-01T00:00:00Z"})).json()["data"]
    assert name not in [row["id"] for row in rows]


MONTHS = """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'request_log'::regclass AND relname LIKE 'request_log_20%' ORDER BY 1
"""
MADE = """
    CREATE TABLE request_log_{0}_{1:02} PARTITION OF request_log
    FOR VALUES FROM (id_bound('rql', '{0}-{1}-01Z')) TO (id_bound('rql', '{0}-{2}-01Z'))
"""


async def test_old_months_are_dropped(fresh_database_url: str, settings: Settings) -> None:
    """A month is dropped when all of it is older than asked; the one that is not, and all later ones, stay."""
    engine = create_engine(changed(settings, database_url=fresh_database_url), application_name="tests")
    async with engine.begin() as connection:
        await connection.execute(text(MADE.format(2020, 5, 6)))
        await connection.execute(text(MADE.format(2020, 6, 7)))
        before = list((await connection.execute(text(MONTHS))).scalars())
        assert await stored.forget(connection, datetime(2020, 6, 15, tzinfo=UTC)) == 1
        assert list((await connection.execute(text(MONTHS))).scalars()) == before[1:]
        assert await stored.forget(connection, datetime(2099, 1, 1, tzinfo=UTC)) == 1
        assert list((await connection.execute(text(MONTHS))).scalars()) == before[2:]
    await engine.dispose()
