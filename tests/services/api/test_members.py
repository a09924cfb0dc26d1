"""Members and invitations: nobody gives more than they have, an account keeps an owner, a link works once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.crypto.encryption import Cipher
from clearway.db.tables import audit_log, invitations, mails, sessions
from clearway.domain.ids import new_id
from clearway.domain.roles import Role
from clearway.mail.outbox import open_letter
from clearway.settings import DEVELOPMENT_SECRET_KEYS
from tests.services.api.conftest import Caller, NewCaller
from tests.services.api.people import Person, add_person, browser, sign_in

CIPHER = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS)
PASSWORD = "correct horse battery lamp"


@dataclass(frozen=True)
class Member:
    """A signed-in member with the client of their browser."""

    person: Person
    http: httpx.AsyncClient


Join = Callable[[Role], Awaitable[Member]]


def address() -> str:
    """Return an address that no other test has."""
    return f"{new_id('usr')}@example.test"


@pytest.fixture
async def join(app: FastAPI, api_engine: AsyncEngine, caller: Caller) -> AsyncIterator[Join]:
    """Make members of the caller's account, signed in for its test merchant."""
    async with AsyncExitStack() as stack:

        async def make(role: Role) -> Member:
            person = await add_person(api_engine, address(), member_of=caller, role=role)
            http = await stack.enter_async_context(browser(app, caller.id))
            await sign_in(http, person)
            return Member(person, http)

        yield make


async def link_to(engine: AsyncEngine, invitation_id: str) -> str:
    """Return the token in the newest mail about an invitation."""
    async with engine.connect() as connection:
        rows = (await connection.execute(select(mails.c.id, mails.c.sealed_letter).order_by(mails.c.id.desc()))).all()
    for row in rows:
        letter = open_letter(CIPHER, row.id, row.sealed_letter) if row.sealed_letter else None
        if letter is not None and letter.action is not None and invitation_id in letter.action.link:
            return letter.action.link.partition("token=")[2]
    raise AssertionError(f"no mail about {invitation_id}")


async def invited(member: Member, email: str, role: Role = Role.VIEWER) -> dict[str, Any]:
    """Invite an address."""
    answer = await member.http.post("/invitations", json={"email": email, "role": role.value})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def role_of(member: Member, user_id: str) -> str | None:
    """Return the role of a member as the list shows it."""
    listed = (await member.http.get("/members")).json()["data"]
    return next((one["role"] for one in listed if one["user_id"] == user_id), None)


async def test_a_new_user_accepts_and_may_what_the_role_may(
    app: FastAPI, api_engine: AsyncEngine, caller: Caller, join: Join, anonymous: httpx.AsyncClient
) -> None:
    """From the mail to the first request; the link works once, and the address is gone from the invitation."""
    owner, email = await join(Role.OWNER), address()
    made = await invited(owner, email)
    token = await link_to(api_engine, made["id"])
    shown = (await anonymous.post("/invitations/preview", json={"token": token})).json()
    assert (shown["email"], shown["role"], shown["has_user"]) == (email, "viewer", False)
    body = {"token": token, "name": "Vera Viewer", "password": PASSWORD}
    accepted = await anonymous.post("/invitations/accept_new", json=body)
    assert accepted.status_code == 201, accepted.text
    again = await anonymous.post("/invitations/accept_new", json=body)
    assert (again.status_code, again.json()["code"]) == (422, "invitation_invalid")
    async with browser(app, caller.id) as viewer:
        await sign_in(viewer, Person(accepted.json()["user_id"], email), PASSWORD)
        assert (await viewer.get("/payments")).status_code == 200
        refused = await viewer.post("/payments/pay_x/refunds", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    (row,) = [one for one in (await owner.http.get("/invitations")).json()["data"] if one["id"] == made["id"]]
    assert (row["status"], row["email"], row["accepted_by"]) == ("accepted", None, accepted.json()["user_id"])


async def test_an_existing_user_accepts_with_the_invited_address_only(
    app: FastAPI, api_engine: AsyncEngine, join: Join
) -> None:
    """A forwarded link makes nobody else a member; capitals in the address make no difference."""
    owner, email = await join(Role.OWNER), address()
    guest, other = await add_person(api_engine, email), await add_person(api_engine, address())
    made = await invited(owner, email.upper(), Role.FINANCE)
    token = await link_to(api_engine, made["id"])
    for person, status in ((other, 409), (guest, 200), (guest, 422)):
        async with browser(app) as http:
            await sign_in(http, person)
            answer = await http.post("/invitations/accept", json={"token": token})
        assert answer.status_code == status, answer.text
    assert await role_of(owner, guest.id) == "finance"
    assert await role_of(owner, other.id) is None


@pytest.mark.parametrize("end", ["revoke", "expire", "resend", "another secret", "nonsense"])
async def test_a_link_that_is_over_opens_nothing(
    api_engine: AsyncEngine, join: Join, anonymous: httpx.AsyncClient, end: str
) -> None:
    """Revoked, expired, replaced by another or invented: one and the same answer."""
    owner = await join(Role.OWNER)
    made = await invited(owner, address())
    token = await link_to(api_engine, made["id"])
    match end:
        case "revoke" | "resend":
            assert (await owner.http.post(f"/invitations/{made['id']}/{end}")).status_code == 200
        case "expire":
            past = datetime.now(UTC) - timedelta(seconds=1)
            async with api_engine.begin() as connection:
                this = update(invitations).where(invitations.c.id == made["id"])
                await connection.execute(this.values(expires_at=past))
        case "another secret":
            token = f"{made['id']}.secret"
        case _:
            token = "nonsense"
    for path, more in (("preview", {}), ("accept_new", {"name": "A", "password": PASSWORD})):
        answer = await anonymous.post(f"/invitations/{path}", json={"token": token} | more)
        assert (answer.status_code, answer.json()["code"]) == (422, "invitation_invalid")
    if end == "resend":
        fresh = await link_to(api_engine, made["id"])
        assert (await anonymous.post("/invitations/preview", json={"token": fresh})).status_code == 200


async def test_two_people_with_one_link_make_one_user(
    api_engine: AsyncEngine, join: Join, anonymous: httpx.AsyncClient
) -> None:
    """Also when they use it at once."""
    owner = await join(Role.OWNER)
    token = await link_to(api_engine, (await invited(owner, address()))["id"])
    bodies = [{"token": token, "name": f"Number {number}", "password": PASSWORD} for number in range(3)]
    answers = await asyncio.gather(*(anonymous.post("/invitations/accept_new", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]


async def test_an_address_is_invited_once(join: Join) -> None:
    """A second invitation is refused while one is open, and a member is not invited."""
    owner, email = await join(Role.OWNER), address()
    await invited(owner, email)
    twice = await owner.http.post("/invitations", json={"email": f" {email.upper()}".strip(), "role": "admin"})
    assert (twice.status_code, twice.json()["code"]) == (409, "invitation_open")
    member = await owner.http.post("/invitations", json={"email": owner.person.email, "role": "viewer"})
    assert member.json()["code"] == "member_exists"


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.FINANCE, Role.SUPPORT, Role.VIEWER])
async def test_members_are_managed_by_owners_and_admins(join: Join, role: Role) -> None:
    """Everybody else sees the list and changes nothing."""
    owner, member = await join(Role.OWNER), await join(role)
    assert (await member.http.get("/members")).status_code == 200
    for method, path, body in (
        ("POST", "/invitations", {"email": address(), "role": "viewer"}),
        ("PATCH", f"/members/{member.person.id}", {"role": "admin"}),
        ("DELETE", f"/members/{owner.person.id}", None),
    ):
        answer = await member.http.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing"), path


async def test_an_admin_touches_no_owner(join: Join) -> None:
    """An admin neither makes, changes, removes nor invites an owner, and is made one by owners only."""
    owner, admin, viewer = await join(Role.OWNER), await join(Role.ADMIN), await join(Role.VIEWER)
    for method, path, body in (
        ("PATCH", f"/members/{owner.person.id}", {"role": "viewer"}),
        ("DELETE", f"/members/{owner.person.id}", None),
        ("PATCH", f"/members/{viewer.person.id}", {"role": "owner"}),
        ("PATCH", f"/members/{admin.person.id}", {"role": "owner"}),
        ("POST", "/invitations", {"email": address(), "role": "owner"}),
    ):
        answer = await admin.http.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_above_own"), path
    changed = await admin.http.patch(f"/members/{viewer.person.id}", json={"role": "support"})
    assert (changed.status_code, changed.json()["role"]) == (200, "support")
    assert (await owner.http.patch(f"/members/{admin.person.id}", json={"role": "owner"})).status_code == 200


async def test_an_account_keeps_an_owner(join: Join) -> None:
    """The last one is neither demoted nor removed; of two who demote each other at once, one stays."""
    one = await join(Role.OWNER)
    for method, body in (("PATCH", {"role": "admin"}), ("DELETE", None)):
        answer = await one.http.request(method, f"/members/{one.person.id}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    other = await join(Role.OWNER)
    answers = await asyncio.gather(
        one.http.patch(f"/members/{other.person.id}", json={"role": "viewer"}),
        other.http.patch(f"/members/{one.person.id}", json={"role": "viewer"}),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
    roles = [await role_of(one, member.person.id) for member in (one, other)]
    assert sorted(str(role) for role in roles) == ["owner", "viewer"]


async def test_a_removed_member_is_out_at_once(join: Join, api_engine: AsyncEngine, caller: Caller) -> None:
    """The next request of their session is refused; their keys go on, and the answer names them."""
    owner, developer = await join(Role.OWNER), await join(Role.DEVELOPER)
    key = (await developer.http.post("/api_keys", json={"name": "CI", "permissions": ["payments:read"]})).json()
    removed = await owner.http.delete(f"/members/{developer.person.id}")
    assert removed.json() == {
        "object": "member",
        "user_id": developer.person.id,
        "removed": True,
        "keys_left": [key["id"]],
    }
    assert (await developer.http.get("/payments")).status_code == 404
    async with api_engine.connect() as connection:
        about = select(audit_log).where(audit_log.c.subject_id == caller.credentials.account_id)
        rows = [row for row in await connection.execute(about) if row.action == "membership.remove"]
    assert [(row.actor, row.detail["before"]) for row in rows] == [(f"user:{owner.person.id}", {"role": "developer"})]
    assert rows[0].address is not None


async def test_a_change_needs_a_step_up(join: Join, api_engine: AsyncEngine) -> None:
    """A session that was left open manages no members."""
    owner, viewer = await join(Role.OWNER), await join(Role.VIEWER)
    async with api_engine.begin() as connection:
        await connection.execute(
            update(sessions).where(sessions.c.user_id == owner.person.id).values(stepped_up_at=None)
        )
    for method, path, body in (
        ("PATCH", f"/members/{viewer.person.id}", {"role": "admin"}),
        ("DELETE", f"/members/{viewer.person.id}", None),
        ("POST", "/invitations", {"email": address(), "role": "viewer"}),
    ):
        answer = await owner.http.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required"), path


async def test_a_test_key_changes_nothing_of_the_account(caller: Caller, live_caller: Caller, join: Join) -> None:
    """Test keys lie about in many places; members hold for the live merchant too."""
    viewer = await join(Role.VIEWER)
    body = {"email": address(), "role": "viewer"}
    refused = await caller.http.post("/invitations", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "live_key_needed")
    assert (await caller.http.delete(f"/members/{viewer.person.id}")).json()["code"] == "live_key_needed"
    assert (await live_caller.http.post("/invitations", json=body)).status_code == 201


async def test_another_accounts_members_are_not_there(join: Join, new_caller: NewCaller) -> None:
    """Neither by list nor by id, nor their invitations."""
    member, stranger = await join(Role.OWNER), await new_caller()
    made = await invited(member, address())
    assert (await stranger.http.get("/members")).json()["data"] == []
    assert (await stranger.http.get("/invitations")).json()["data"] == []
    for method, path, body in (
        ("PATCH", f"/members/{member.person.id}", {"role": "viewer"}),
        ("DELETE", f"/members/{member.person.id}", None),
        ("POST", f"/invitations/{made['id']}/resend", None),
        ("POST", f"/invitations/{made['id']}/revoke", None),
    ):
        assert (await stranger.http.request(method, path, json=body)).status_code == 404, path


async def test_a_repeated_invitation_is_sent_once(join: Join, api_engine: AsyncEngine) -> None:
    """Same key, same body: the same answer and one mail."""
    owner, email = await join(Role.OWNER), address()
    key, body = {"Idempotency-Key": "once"}, {"email": email, "role": "viewer"}
    answers = [await owner.http.post("/invitations", json=body, headers=key) for _ in range(2)]
    assert answers[0].content == answers[1].content
    async with api_engine.connect() as connection:
        rows = (await connection.execute(select(mails.c.id, mails.c.sealed_letter))).all()
    letters = [open_letter(CIPHER, row.id, row.sealed_letter) for row in rows if row.sealed_letter]
    assert len([letter for letter in letters if letter.to == email]) == 1
