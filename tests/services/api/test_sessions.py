"""Sessions of browsers: signing in and out, the cookie, its two ends, and what a member may do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from clearway.db.tables import accounts, audit_log, sessions
from clearway.domain.api import API_PREFIX
from clearway.domain.ids import USER, new_id
from clearway.domain.roles import Role
from clearway.settings import Settings
from tests.services.api.conftest import Caller, changed, client_of
from tests.services.api.people import PASSWORD, REQUEST, Person, add_person, browser, sign_in

COOKIE = "clearway_session"


def address() -> str:
    """Return an e-mail address that no other test uses."""
    return f"{new_id(USER)}@example.test"


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account."""
    return await add_person(api_engine, address(), member_of=caller)


@pytest.fixture
async def page(app: FastAPI, caller: Caller, member: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser in which the owner is signed in and has chosen their test merchant."""
    async with browser(app, caller.id) as client:
        await sign_in(client, member)
        yield client


async def test_a_member_uses_every_route_with_a_session(page: httpx.AsyncClient, caller: Caller) -> None:
    """A session acts for the merchant it names: what it creates, the merchant's key sees."""
    made = await page.post("/orders", json={"amount": 1200, "currency": "INR"})
    assert made.status_code == 201, made.text
    assert (await caller.http.get(f"/orders/{made.json()['id']}")).status_code == 200


async def test_the_profile_names_merchants_and_permissions(page: httpx.AsyncClient, caller: Caller) -> None:
    """The dashboard learns from one answer who is signed in and what they may do."""
    me = (await page.get("/users/me")).json()
    (membership,) = me["memberships"]
    assert membership["role"] == "owner"
    by_mode = {merchant["mode"]: merchant for merchant in membership["merchants"]}
    assert by_mode["test"]["id"] == caller.id
    assert "refunds:write" in by_mode["live"]["permissions"]
    assert me["session"]["kind"] == "browser"
    assert me["session"]["idle_expires_at"] < me["session"]["expires_at"]


async def test_signing_in_and_out_is_audited(page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine) -> None:
    """The audit log has who signed in, with the device and the sealed address, and no secret."""
    assert (await page.post("/auth/logout")).status_code == 204
    async with api_engine.connect() as connection:
        acts = select(audit_log).where(audit_log.c.actor == f"user:{member.id}").order_by(audit_log.c.id)
        rows = (await connection.execute(acts)).all()
    assert [row.action for row in rows] == ["user.sign_in", "session.end"]
    assert all(row.address.startswith("v1.") for row in rows)
    assert "secret" not in str(rows)


async def test_after_signing_out_the_cookie_is_worth_nothing(page: httpx.AsyncClient) -> None:
    """The session ends on the server: a copied cookie is refused too."""
    copied = dict(page.cookies)
    answer = await page.post("/auth/logout")
    assert [value.partition(";")[0] for value in answer.headers.get_list("set-cookie")] == [
        'clearway_session=""',
        'clearway_signed_in=""',
    ]
    page.cookies.update(copied)
    refused = await page.get("/users/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")


async def test_each_sign_in_begins_another_session(page: httpx.AsyncClient, member: Person) -> None:
    """A cookie that somebody planted before the sign-in is never the session (fixation)."""
    planted = dict(page.cookies)[COOKIE]
    await sign_in(page, member)
    assert dict(page.cookies)[COOKIE] != planted


async def test_a_session_ends_when_it_is_idle_or_old(
    page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """Half an hour without a use ends a session, and twelve hours end it in any case."""
    async with api_engine.begin() as connection:
        mine = update(sessions).where(sessions.c.user_id == member.id)
        await connection.execute(mine.values(last_used_at=func.now() - timedelta(minutes=29)))
    assert (await page.get("/users/me")).status_code == 200  # and that was a use
    async with api_engine.begin() as connection:
        await connection.execute(mine.values(last_used_at=func.now() - timedelta(minutes=31)))
    assert (await page.get("/users/me")).json()["code"] == "session_ended"
    async with api_engine.begin() as connection:
        await connection.execute(mine.values(last_used_at=func.now(), expires_at=func.now()))
    assert (await page.get("/users/me")).json()["code"] == "session_ended"


async def last_use(engine: AsyncEngine, member: Person) -> datetime:
    """Return when the member's session was used last, as noted."""
    async with engine.connect() as connection:
        found = await connection.scalar(select(sessions.c.last_used_at).where(sessions.c.user_id == member.id))
    assert found is not None
    return found


async def test_polling_does_not_keep_a_session_alive(
    page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """A read with X-Clearway-Background is answered and is no use; a change is one, whatever header it carries."""
    async with api_engine.begin() as connection:
        mine = update(sessions).where(sessions.c.user_id == member.id)
        await connection.execute(mine.values(last_used_at=func.now() - timedelta(minutes=29)))
    before = await last_use(api_engine, member)
    background = {"X-Clearway-Background": "1"}
    assert (await page.get("/orders", headers=background)).status_code == 200
    assert (await page.get("/users/me", headers=background)).status_code == 200
    assert await last_use(api_engine, member) == before
    made = await page.post("/orders", json={"amount": 1200, "currency": "INR"}, headers=background)
    assert made.status_code == 201
    assert await last_use(api_engine, member) > before


async def test_another_sign_in_ends_the_session_that_it_replaces(
    app: FastAPI, page: httpx.AsyncClient, member: Person, caller: Caller, api_engine: AsyncEngine
) -> None:
    """In the same browser, whoever signs in, the former cookie opens nothing; other browsers stay signed in."""
    former = dict(page.cookies)
    other = await add_person(api_engine, address(), member_of=caller)
    async with browser(app, caller.id) as elsewhere:
        await sign_in(elsewhere, member)
        await sign_in(page, other)
        assert (await page.get("/users/me")).json()["email"] == other.email
        page.cookies.update(former)
        assert (await page.get("/users/me")).json()["code"] == "session_ended"
        assert (await elsewhere.get("/users/me")).status_code == 200


async def test_a_forged_cookie_ends_no_session(app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """Whoever knows the id of a session cannot end it by signing in with it."""
    async with browser(app) as stranger:
        stranger.cookies.set(COOKIE, f"{page.cookies[COOKIE].partition('.')[0]}.wrong")
        await sign_in(stranger, member)
    assert (await page.get("/users/me")).status_code == 200


async def test_sessions_are_listed_and_ended_one_by_one(app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """People see where they are signed in, and end what they do not recognise, at once."""
    async with browser(app) as other:
        other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
        await sign_in(other, member)
        listed = (await page.get("/users/me/sessions")).json()["data"]
        foreign = next(session for session in listed if not session["is_current"])
        assert foreign["device"] == "Firefox on Linux"
        assert foreign["address"] == "127.0.0.1"
        assert (await page.delete(f"/users/me/sessions/{foreign['id']}")).status_code == 204
        assert (await other.get("/users/me")).status_code == 401
        assert (await page.delete(f"/users/me/sessions/{foreign['id']}")).status_code == 404


async def test_nobody_ends_the_session_of_another(
    app: FastAPI, page: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """The id of a session is no right to it."""
    stranger = await add_person(api_engine, address())
    async with browser(app) as other:
        theirs = (await sign_in(other, stranger)).json()["me"]["session"]["id"]
        assert (await page.delete(f"/users/me/sessions/{theirs}")).status_code == 404
        assert (await page.delete("/users/me/sessions")).status_code == 204
        assert (await other.get("/users/me")).status_code == 200


async def test_unsafe_calls_need_the_static_header(page: httpx.AsyncClient) -> None:
    """A form on a foreign page cannot send the header, so it cannot act with the cookie (CSRF)."""
    del page.headers["X-Clearway-Request"]
    refused = await page.post("/orders", json={"amount": 1200, "currency": "INR"})
    assert (refused.status_code, refused.json()["code"]) == (403, "request_header_missing")
    assert (await page.get("/orders")).status_code == 200


@pytest.mark.parametrize("header", [{"Origin": "https://evil.test"}, {"Origin": "null"}, {"Host": "evil.test"}])
async def test_a_session_counts_at_the_dashboard_only(page: httpx.AsyncClient, header: dict[str, str]) -> None:
    """Whatever cookie a request from elsewhere carries, it is refused, also for reading."""
    refused = await page.get("/orders", headers=header)
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")


async def test_nobody_is_signed_in_from_elsewhere(anonymous: httpx.AsyncClient, member: Person) -> None:
    """A foreign page cannot sign its victim in as somebody else."""
    body = {"email": member.email, "password": PASSWORD}
    refused = await anonymous.post("/auth/login", json=body, headers={"Origin": "https://evil.test", **REQUEST})
    assert refused.json()["code"] == "origin_not_allowed"
    assert (await anonymous.post("/auth/login", json=body)).json()["code"] == "request_header_missing"


async def test_the_cookie_is_closed_to_scripts_and_other_sites(api_settings: Settings, member: Person) -> None:
    """Behind https: `__Host-`, HttpOnly, Secure, SameSite=Strict, Path=/ and no Domain."""
    secure = create_app(changed(api_settings, dashboard_url="https://api.test"))
    async with secure.router.lifespan_context(secure):
        transport = httpx.ASGITransport(secure)
        async with httpx.AsyncClient(transport=transport, base_url=f"https://api.test{API_PREFIX}") as client:
            client.headers.update(REQUEST)
            flags, hint = (await sign_in(client, member)).headers.get_list("set-cookie")
            assert (await client.get("/users/me")).status_code == 200
    name, *attributes = (part.strip() for part in flags.split(";"))
    assert name.startswith("__Host-clearway_session=ses_")
    kept = {attribute for attribute in attributes if not attribute.lower().startswith("expires")}
    assert kept == {"HttpOnly", "Secure", "SameSite=strict", "Path=/"}
    assert hint.startswith("clearway_signed_in=1;"), "beside it only a mark that is the same for everybody"


async def test_the_merchant_must_be_named(page: httpx.AsyncClient) -> None:
    """Without the header nobody guesses a merchant; without a session either, the session is what is missing."""
    del page.headers["X-Clearway-Merchant"]
    refused = await page.get("/orders")
    assert (refused.status_code, refused.json()["code"]) == (400, "merchant_missing")
    refused = await page.get("/orders", headers={"Authorization": "Bearer a.wrong.token"})
    assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")


async def test_a_member_of_another_account_finds_nothing(
    page: httpx.AsyncClient, new_caller: object, app: FastAPI, api_engine: AsyncEngine
) -> None:
    """Another account's merchant does not exist for them, nor does one that nobody has."""
    other = await new_caller()  # type: ignore[operator]
    for merchant_id in (other.id, "mer_01jd3xq2w8v5n7k4t6y9c1b0za"):
        refused = await page.get("/orders", headers={"X-Clearway-Merchant": merchant_id})
        assert (refused.status_code, refused.json()["code"]) == (404, "merchant_not_found")


async def test_a_role_decides_what_is_allowed(app: FastAPI, caller: Caller, api_engine: AsyncEngine) -> None:
    """A viewer looks, and a refusal speaks of the role, not of a key."""
    viewer = await add_person(api_engine, address(), member_of=caller, role=Role.VIEWER)
    async with browser(app, caller.id) as client:
        await sign_in(client, viewer)
        assert (await client.get("/orders")).status_code == 200
        refused = await client.post("/orders", json={"amount": 1200, "currency": "INR"})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    assert refused.json()["detail"].startswith("Your role")


async def test_an_account_can_demand_a_second_factor(
    page: httpx.AsyncClient, caller: Caller, api_engine: AsyncEngine
) -> None:
    """Members without TOTP reach their profile, and no merchant, from the moment it is required."""
    async with api_engine.begin() as connection:
        mine = update(accounts).where(accounts.c.id == caller.credentials.account_id)
        await connection.execute(mine.values(totp_required=True))
    assert (await page.get("/orders")).json()["code"] == "totp_required_by_account"
    assert (await page.get("/users/me")).status_code == 200


async def test_a_cookie_beside_an_api_key_changes_nothing(page: httpx.AsyncClient, caller: Caller) -> None:
    """A key that is sent is the caller: a page of the dashboard can try it out."""
    keyed = client_of(page._transport.app, caller.credentials)  # type: ignore[attr-defined]
    async with keyed:
        keyed.cookies.update(page.cookies)
        assert (await keyed.get("/orders")).status_code == 200


async def test_a_forged_cookie_is_refused(app: FastAPI, page: httpx.AsyncClient) -> None:
    """Neither a known id with another secret nor nonsense opens a session."""
    session_id = page.cookies[COOKIE].partition(".")[0]
    for forged in (f"{session_id}.wrong", f"{session_id}.", session_id, "x.y", ".", "ses_0"):
        async with browser(app) as client:
            client.cookies.set(COOKIE, forged)
            assert (await client.get("/users/me")).status_code == 401


async def test_the_stored_session_opens_nothing(
    page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """A stolen table has neither the secret of a cookie nor an address in clear."""
    _, _, secret = page.cookies[COOKIE].partition(".")
    async with api_engine.connect() as connection:
        stored = await connection.scalar(
            text("SELECT sessions::text FROM sessions WHERE user_id = :id"), {"id": member.id}
        )
    assert secret not in stored
    assert "127.0.0.1" not in stored
