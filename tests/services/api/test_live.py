"""Live updates: `/events/stream` on a real server, and the tail of the event table behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.live import stream
from clearway.db.tables import events
from clearway.domain.api import API_PREFIX
from clearway.domain.ids import EVENT, PAYMENT, first_id, new_id
from clearway.live import tail
from tests.services.api.conftest import Caller, NewCaller, free_port

HEARD_WITHIN_S = 30.0


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[str]:
    """Serve the app, whose lifespan runs already, on a port."""
    port = free_port()
    config = uvicorn.Config(
        app, port=port, lifespan="off", log_config=None, timeout_graceful_shutdown=1, ws="websockets-sansio"
    )
    running = uvicorn.Server(config)
    serving = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}{API_PREFIX}"
    running.should_exit = True
    await serving


def event_row(merchant_id: str, event_id: str | None = None) -> dict[str, Any]:
    """Describe the event of a payment's success."""
    payment_id = new_id(PAYMENT)
    return {
        "id": event_id or new_id(EVENT),
        "merchant_id": merchant_id,
        "type": "payment.success",
        "subject_type": "payment",
        "subject_id": payment_id,
        "payment_id": payment_id,
        "step": "1",
        "body": "{}",
    }


async def happen(connection: AsyncConnection, merchant_id: str, event_id: str | None = None) -> str:
    """Record an event, and return its id."""
    row = event_row(merchant_id, event_id)
    await connection.execute(insert(events).values(row))
    return str(row["id"])


class Stream:
    """A stream that is being read."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def message(self) -> dict[str, str]:
        """Return the fields of the next message. Comments have the name ''."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(HEARD_WITHIN_S):
            async for line in self._lines:
                if not line and fields:
                    return fields
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        raise AssertionError(f"the stream has ended after {fields}")

    async def ids(self, count: int) -> list[str]:
        """Return the ids of the next messages."""
        return [(await self.message())["id"] for _ in range(count)]


@asynccontextmanager
async def following(
    server: str, listener: Caller | Mapping[str, str], last: str | None = None
) -> AsyncIterator[Stream]:
    """Follow a merchant's events, as the holder of a key or with these headers; it has begun."""
    own = listener.http.headers if isinstance(listener, Caller) else listener
    headers = dict(own) | ({"Last-Event-ID": last} if last else {})
    headers.pop("host", None)
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("GET", f"{server}/events/stream", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        opened = Stream(answer)
        assert (await opened.message())[""] == "connected"
        assert (await opened.message())[""] == "following"
        yield opened


async def test_a_merchant_hears_their_own_events_only(
    server: str, caller: Caller, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """Ids and types arrive within a moment; another merchant's never do."""
    other = await new_caller()
    async with following(server, caller) as mine, following(server, other) as theirs:
        async with api_engine.begin() as connection:
            foreign = await happen(connection, other.id)
            own = await happen(connection, caller.id)
        heard, heard_there = await mine.message(), await theirs.message()

    assert (heard["id"], heard["event"], heard_there["id"]) == (own, "payment.success", foreign)
    told = json.loads(heard["data"])
    assert set(told) == {"id", "type", "subject_type", "subject_id", "payment_id"}
    assert caller.id not in heard["data"]


async def test_an_event_that_commits_late_is_heard_once(
    server: str, caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is behind others that were heard already; each is heard exactly once."""
    monkeypatch.setattr(tail, "FAR_EACH_S", 0.5)
    much_earlier = first_id(EVENT, datetime.now(UTC) - timedelta(seconds=30))[:-4] + "abcd"
    async with following(server, caller) as stream_:
        async with api_engine.connect() as slow:
            first = await happen(slow, caller.id)
            async with api_engine.begin() as quick:
                second = await happen(quick, caller.id)
            assert await stream_.ids(1) == [second]
            await slow.commit()
        assert await stream_.ids(1) == [first]
        async with api_engine.begin() as connection:
            await happen(connection, caller.id, much_earlier)
        assert await stream_.ids(1) == [much_earlier]
        async with api_engine.begin() as connection:
            last = await happen(connection, caller.id)
        assert await stream_.ids(1) == [last]


async def test_a_stream_continues_after_a_break(server: str, caller: Caller, api_engine: AsyncEngine) -> None:
    """`Last-Event-ID` brings what came since, also what committed behind it, and not the message itself."""
    async with api_engine.begin() as connection:
        behind, last, after = [await happen(connection, caller.id) for _ in range(3)]

    async with following(server, caller, last) as stream_:
        assert await stream_.ids(2) == [behind, after]
        async with api_engine.begin() as connection:
            new = await happen(connection, caller.id)
        assert await stream_.ids(1) == [new]


async def test_more_than_can_be_sent_again_is_a_resync(
    server: str, caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was away for long is told to read lists."""
    monkeypatch.setattr(stream, "PAGE", 2)
    monkeypatch.setattr(stream, "CAUGHT_UP_MAX", 4)
    async with api_engine.begin() as connection:
        ids = [await happen(connection, caller.id) for _ in range(7)]

    async with following(server, caller, ids[0]) as stream_:
        assert await stream_.ids(3) == ids[1:4]
        assert (await stream_.message())["event"] == "resync"


async def test_a_stream_ends_when_its_key_is_revoked(
    server: str, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is checked again while the stream is open."""
    monkeypatch.setattr(stream, "CHECKED_EACH_S", 0.0)
    monkeypatch.setattr(stream, "WAIT_S", 0.1)
    key = (await caller.http.post("/api_keys", json={"name": "stream", "permissions": ["events:read"]})).json()
    async with httpx.AsyncClient(timeout=30) as client:
        headers = {"X-Api-Key": key["id"], "X-Api-Secret": key["secret"]}
        async with client.stream("GET", f"{server}/events/stream", headers=headers) as answer:
            assert answer.status_code == 200
            await caller.http.post(f"/api_keys/{key['id']}/revoke")
            async with asyncio.timeout(HEARD_WITHIN_S):
                assert [line async for line in answer.aiter_lines() if line.startswith("id:")] == []


async def test_what_cannot_be_followed_is_refused(caller: Caller) -> None:
    """A wrong id is a 400; a key that may not read events is a 403 before anything is sent."""
    wrong = await caller.http.get("/events/stream", headers={"Last-Event-ID": "pay_1"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "last_event_id_invalid")


async def test_head_does_not_follow(server: str, caller: Caller) -> None:
    """It has the headers of the stream and ends."""
    headers = {name: value for name, value in caller.http.headers.items() if name.startswith("x-api")}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.head(f"{server}/events/stream", headers=headers)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
