"""The WebSocket of the dashboard: who may open it, what it tells, and with which code it closes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from sqlalchemy import Executable, delete, update
from sqlalchemy.ext.asyncio import AsyncEngine
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.auth.principal import MERCHANT_HEADER
from api.live import socket
from clearway.db.tables import memberships, sessions
from clearway.domain.actor import Actor, operator
from clearway.domain.ids import USER, new_id
from clearway.domain.roles import Role
from clearway.settings import Settings
from clearway.users import administering
from tests.services.api.conftest import Caller, NewCaller
from tests.services.api.people import Person, add_person, browser, sign_in
from tests.services.api.test_live import Stream, event_row, following, happen, server

__all__ = ["event_row", "server"]

ABSENT = ""


@dataclass(frozen=True)
class Tab:
    """A browser in which an owner of the caller's account is signed in."""

    server: str
    settings: Settings
    engine: AsyncEngine
    caller: Caller
    member: Person
    cookie: str

    @asynccontextmanager
    async def socket(
        self, merchant_id: str | None = None, *, cookie: str | None = None, origin: str | None = None
    ) -> AsyncIterator[ClientConnection]:
        """Open a socket as a page of the dashboard does. origin: of another page; empty: none."""
        own, at = urlsplit(self.settings.dashboard_url), urlsplit(self.server)
        held = self.cookie if cookie is None else cookie
        connecting = connect(
            f"ws://{own.netloc}/api/v1/live?merchant_id={merchant_id or self.caller.id}",
            host=at.hostname,
            port=at.port,
            origin=self.settings.dashboard_url if origin is None else (origin or None),  # type: ignore[arg-type]
            additional_headers={"Cookie": held} if held else {},
            proxy=None,
        )
        async with connecting as connection:
            yield connection

    @asynccontextmanager
    async def stream(self, merchant_id: str) -> AsyncIterator[Stream]:
        """Follow a merchant's events by server-sent events, with the session. It has begun."""
        own = urlsplit(self.settings.dashboard_url).netloc
        headers = {"Cookie": self.cookie, "Host": own, MERCHANT_HEADER: merchant_id}
        async with following(self.server, headers) as opened:
            yield opened

    async def write(self, statement: Executable) -> None:
        """Change the database."""
        async with self.engine.begin() as connection:
            await connection.execute(statement)


@pytest.fixture
async def tab(server: str, app: FastAPI, api_settings: Settings, api_engine: AsyncEngine, caller: Caller) -> Tab:
    """Sign an owner in."""
    member = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller)
    async with browser(app, caller.id) as client:
        await sign_in(client, member)
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return Tab(server, api_settings, api_engine, caller, member, cookie)


@pytest.fixture
def checked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check open sockets all the time."""
    monkeypatch.setattr(socket, "CHECKED_EACH_S", 0.0)
    monkeypatch.setattr(socket, "HEARTBEAT_S", 0.1)


async def heard(connection: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    return dict(json.loads(await connection.recv()))


async def closed_with(connection: ClientConnection) -> int | None:
    """Read until the server closes, and return its code."""
    try:
        async with asyncio.timeout(30):
            while True:
                await connection.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def test_a_member_hears_their_merchant_only(tab: Tab, new_caller: NewCaller) -> None:
    """The socket greets, then tells ids and types of the chosen merchant, and nothing of another."""
    other = await new_caller()
    hello = {"type": "hello", "merchant_id": tab.caller.id, "heartbeat_s": socket.HEARTBEAT_S}
    async with tab.socket() as connection:
        assert await heard(connection) == hello
        async with tab.engine.begin() as database:
            await happen(database, other.id)
            own = await happen(database, tab.caller.id)
        message = await heard(connection)

    assert (message["type"], message["id"], message["event_type"]) == ("event", own, "payment.success")
    assert set(message) == {"type", "id", "event_type", "subject_type", "subject_id", "payment_id"}


async def test_who_switches_the_merchant_hears_each_by_its_own_socket(tab: Tab, live_caller: Caller) -> None:
    """Events that commit while a page changes from one merchant to another reach the socket of their merchant alone.

    They are held until both sockets are open: the moment of the switch, when the page has not closed the old one yet.
    """
    async with tab.socket() as old, tab.engine.connect() as held:
        assert (await heard(old))["merchant_id"] == tab.caller.id
        before = [await happen(held, merchant_id) for merchant_id in (live_caller.id, tab.caller.id)]
        async with tab.socket(live_caller.id) as new:
            assert (await heard(new))["merchant_id"] == live_caller.id
            await held.commit()
            async with tab.engine.begin() as database:
                after = [await happen(database, merchant_id) for merchant_id in (live_caller.id, tab.caller.id)]
            by_new = [(await heard(new))["id"] for _ in range(2)]
            by_old = [(await heard(old))["id"] for _ in range(2)]

    assert (set(by_new), set(by_old)) == ({before[0], after[0]}, {before[1], after[1]})


async def test_who_switches_the_merchant_hears_each_by_its_own_stream(tab: Tab, live_caller: Caller) -> None:
    """The same of server-sent events of a session: the header names the merchant, for as long as the stream is open."""
    async with tab.stream(tab.caller.id) as old, tab.engine.connect() as held:
        before = [await happen(held, merchant_id) for merchant_id in (live_caller.id, tab.caller.id)]
        async with tab.stream(live_caller.id) as new:
            await held.commit()
            async with tab.engine.begin() as database:
                after = [await happen(database, merchant_id) for merchant_id in (live_caller.id, tab.caller.id)]
            by_new, by_old = await new.ids(2), await old.ids(2)

    assert (set(by_new), set(by_old)) == ({before[0], after[0]}, {before[1], after[1]})


async def test_the_socket_of_a_disabled_user_closes(tab: Tab, checked_at_once: None) -> None:
    """Whom the operator disables hears nothing more: 4401, as after a sign-out."""
    async with tab.socket() as connection:
        await heard(connection)
        async with tab.engine.begin() as database:
            user = await administering.find(database, tab.member.id)
            await administering.disable(database, Actor(operator("olga"), None), user)
        assert await closed_with(connection) == socket.SIGNED_OUT


async def test_who_may_not_listen_learns_why(tab: Tab, new_caller: NewCaller) -> None:
    """Each refusal has its code: without a session, of a foreign merchant, of no merchant."""
    stranger = await new_caller()
    for merchant_id, cookie, code in (
        (None, ABSENT, socket.SIGNED_OUT),
        (None, "clearway_session=ses_1.wrong", socket.SIGNED_OUT),
        (stranger.id, None, socket.NOT_ALLOWED),
        ("nobody", None, socket.BAD_QUERY),
    ):
        async with tab.socket(merchant_id, cookie=cookie) as connection:
            assert await closed_with(connection) == code


@pytest.mark.parametrize("origin", ["https://evil.test", "null", ABSENT])
async def test_a_foreign_page_opens_nothing(tab: Tab, origin: str) -> None:
    """A browser sends the cookie with a socket of any page, so `Origin` decides (cross-site WebSocket hijacking)."""
    with pytest.raises(InvalidStatus) as refused:
        async with tab.socket(origin=origin):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.usefixtures("checked_at_once")
async def test_a_socket_closes_when_the_session_ends(tab: Tab) -> None:
    """An open socket does not outlive its session."""
    ended = {"ended_at": sessions.c.created_at, "end_reason": "revoked"}
    async with tab.socket() as connection:
        await heard(connection)
        await tab.write(update(sessions).where(sessions.c.user_id == tab.member.id).values(ended))
        assert await closed_with(connection) == socket.SIGNED_OUT


@pytest.mark.usefixtures("checked_at_once")
@pytest.mark.parametrize("role", [Role.VIEWER, None])
async def test_a_socket_closes_when_the_role_changes(tab: Tab, role: Role | None) -> None:
    """The dashboard reads its rights again; who is no member any more hears nothing."""
    mine = memberships.c.user_id == tab.member.id
    async with tab.socket() as connection:
        await heard(connection)
        changed = update(memberships).where(mine).values(role=role.value) if role else delete(memberships).where(mine)
        await tab.write(changed)
        assert await closed_with(connection) == socket.NOT_ALLOWED


@pytest.mark.usefixtures("checked_at_once")
async def test_an_open_socket_is_no_use_of_the_session(tab: Tab) -> None:
    """A dashboard that is left open comes to its idle end as a closed one does."""
    long_ago = {"last_used_at": sessions.c.created_at - timedelta(hours=2)}
    async with tab.socket() as connection:
        await heard(connection)
        await tab.write(update(sessions).where(sessions.c.user_id == tab.member.id).values(long_ago))
        assert await closed_with(connection) == socket.SIGNED_OUT
