"""Registration, forgotten passwords, TOTP, tokens of programs and throttling: what a thief would try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from clearway.crypto.encryption import Cipher
from clearway.db.tables import mails, refresh_tokens, sessions, sign_in_failures, users
from clearway.domain.ids import USER, new_id
from clearway.mail.outbox import open_letter
from clearway.settings import Settings
from tests.services.api.conftest import Caller, changed, client_of
from tests.services.api.people import PASSWORD, REQUEST, Person, add_person, browser, early_code, sign_in

ANOTHER = "another password for tests"


def address() -> str:
    """Return an e-mail address that no other test uses."""
    return f"{new_id(USER)}@example.test"


@pytest.fixture(scope="module")
async def open_app(api_settings: Settings, app: FastAPI) -> AsyncIterator[FastAPI]:
    """Run an API at which everybody may register."""
    open_app = create_app(changed(api_settings, registration="open", refresh_token_grace_s=20))
    async with open_app.router.lifespan_context(open_app):
        yield open_app


@pytest.fixture
async def page(open_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser."""
    async with browser(open_app) as client:
        yield client


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account."""
    return await add_person(api_engine, address(), member_of=caller)


@pytest.fixture(autouse=True)
async def rested(api_engine: AsyncEngine) -> None:
    """Begin each test without failed attempts: all tests share a network."""
    async with api_engine.begin() as connection:
        await connection.execute(delete(sign_in_failures))


async def mails_to(open_app: FastAPI, email: str) -> list[Any]:
    """Return the letters that wait for an address, oldest first, after the work in the background is done."""
    services = open_app.state.services
    await services.background.settle()
    async with services.engine.connect() as connection:
        rows = (await connection.execute(select(mails).where(mails.c.sealed_letter.is_not(None)))).all()
    opened = [
        open_letter(Cipher.from_settings(services.settings.secret_keys.get_secret_value()), row.id, row.sealed_letter)
        for row in sorted(rows, key=lambda row: row.id)
    ]
    return [letter for letter in opened if letter.to == email]


async def token_to(open_app: FastAPI, email: str) -> str:
    """Return the token of the newest link to an address."""
    return str((await mails_to(open_app, email))[-1].action.link).partition("?token=")[2]


async def test_a_person_registers_and_has_an_account(open_app: FastAPI, page: httpx.AsyncClient) -> None:
    """The link of the mail makes the user, the account with two merchants and the session; it works once."""
    email = address()
    body = {"email": email, "name": "Ada", "account_name": "Ada's Books"}
    assert (await page.post("/auth/register", json=body)).status_code == 202
    used = {"token": await token_to(open_app, email), "password": PASSWORD}
    made = await page.post("/auth/verify", json=used)
    assert made.status_code == 200, made.text
    (membership,) = made.json()["me"]["memberships"]
    assert (membership["account_name"], membership["role"]) == ("Ada's Books", "owner")
    assert {merchant["mode"] for merchant in membership["merchants"]} == {"live", "test"}
    assert (await page.get("/users/me")).json()["email"] == email
    assert (await page.post("/auth/verify", json=used)).json()["code"] == "token_invalid"


async def test_a_refused_password_does_not_use_up_the_link(open_app: FastAPI, page: httpx.AsyncClient) -> None:
    """Whoever chooses a weak password may choose another one at the same link."""
    email = address()
    await page.post("/auth/register", json={"email": email, "name": "Ada", "account_name": "Books"})
    token = await token_to(open_app, email)
    refused = await page.post("/auth/verify", json={"token": token, "password": "passwordpassword"})
    assert refused.json()["code"] == "password_refused"
    assert (await page.post("/auth/verify", json={"token": token, "password": PASSWORD})).status_code == 200


async def test_registration_can_be_closed(app: FastAPI) -> None:
    """By default people come by invitation only."""
    async with browser(app) as client:
        body = {"email": address(), "name": "Ada", "account_name": "Books"}
        refused = await client.post("/auth/register", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "registration_closed")


async def test_nobody_learns_which_addresses_have_users(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """Registering, forgetting and signing in answer the same for known and unknown addresses; mails differ."""
    unknown = address()
    answers: dict[str, list[tuple[int, Any]]] = {}
    for email in (member.email, unknown):
        register = await page.post("/auth/register", json={"email": email, "name": "Ada", "account_name": "Books"})
        forgotten = await page.post("/auth/password/forgotten", json={"email": email})
        login = await page.post("/auth/login", json={"email": email, "password": "wrong password"})
        bodies = [answer.json() | {"request_id": ""} for answer in (register, forgotten, login)]
        answers[email] = list(zip([each.status_code for each in (register, forgotten, login)], bodies, strict=True))
    assert answers[member.email] == answers[unknown]
    subjects = [letter.subject for letter in await mails_to(open_app, member.email)]
    assert subjects == ["You already have an account", "Choose a new password"]


async def test_an_unknown_address_costs_the_same_work(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either way one password is compared with one hash, and that of nobody is as costly as that of a real user."""
    passwords = open_app.state.services.passwords
    compared: dict[str, list[str]] = {}
    verify = passwords._verify
    for email in (member.email, address()):
        hashes = compared[email] = []
        monkeypatch.setattr(
            passwords, "_verify", lambda given, stored, to=hashes: to.append(stored) or verify(given, stored)
        )
        await page.post("/auth/login", json={"email": email, "password": "wrong password"})
    assert [len(hashes) for hashes in compared.values()] == [1, 1]
    real, (of_nobody,) = await passwords.hash(PASSWORD), compared.popitem()[1]
    assert of_nobody.rpartition("$")[0].rpartition("$")[0] == real.rpartition("$")[0].rpartition("$")[0]


async def test_guessing_gets_slower_and_locks_nobody_out(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """After five attempts waits grow for this account from this network; the owner elsewhere signs in."""
    wrong = {"email": member.email, "password": "wrong password"}
    answers = [await page.post("/auth/login", json=wrong) for _ in range(7)]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "too_many_attempts"
    assert int(answers[-1].headers["retry-after"]) >= 1
    transport = httpx.ASGITransport(open_app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=page.base_url, headers=REQUEST) as elsewhere:
        await sign_in(elsewhere, member)


async def test_attempts_at_once_are_all_counted(page: httpx.AsyncClient, member: Person) -> None:
    """Twenty attempts at the same moment get no more than the free ones."""
    wrong = {"email": member.email, "password": "wrong password"}
    answers = await asyncio.gather(*(page.post("/auth/login", json=wrong) for _ in range(20)))
    assert [answer.status_code for answer in answers].count(401) <= 6


async def test_a_forgotten_password_is_reset_once_and_ends_every_session(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """The link sets another password; sessions, the old password and the link itself are over."""
    await sign_in(page, member)
    await page.post("/auth/password/forgotten", json={"email": member.email})
    token = await token_to(open_app, member.email)
    assert (await page.post("/auth/password/reset", json={"token": token, "password": ANOTHER})).status_code == 204
    assert (await page.get("/users/me")).status_code == 401
    again = await page.post("/auth/password/reset", json={"token": token, "password": PASSWORD})
    assert again.json()["code"] == "token_invalid"
    old = await page.post("/auth/login", json={"email": member.email, "password": PASSWORD})
    assert old.status_code == 401
    await sign_in(page, member, ANOTHER)
    assert "Your password was changed" in [letter.subject for letter in await mails_to(open_app, member.email)]


async def test_changing_the_password_ends_the_others(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """The session that changes it stays; every other ends."""
    await sign_in(page, member)
    async with browser(open_app) as other:
        await sign_in(other, member)
        assert (await page.post("/users/me/password", json={"password": ANOTHER})).status_code == 204
        assert (await other.get("/users/me")).status_code == 401
    assert (await page.get("/users/me")).status_code == 200


async def test_the_address_changes_when_the_new_one_is_confirmed(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """Until the link is used the old address signs in; after it the old one only gets a report."""
    new = address()
    await sign_in(page, member)
    assert (await page.post("/users/me/email", json={"email": new})).status_code == 202
    token = await token_to(open_app, new)
    assert (await page.get("/users/me")).json()["email"] == member.email
    assert (await page.post("/auth/email/confirm", json={"token": token})).status_code == 204
    assert (await mails_to(open_app, member.email))[-1].subject == "Your e-mail address was changed"
    await sign_in(page, Person(member.id, new))


async def test_sensitive_acts_need_a_step_up(page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine) -> None:
    """Five minutes after the sign-in the password is asked for again, and a wrong one is no step-up."""
    await sign_in(page, member)
    async with api_engine.begin() as connection:
        await connection.execute(update(sessions).where(sessions.c.user_id == member.id).values(stepped_up_at=None))
    refused = await page.post("/users/me/totp")
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert (await page.post("/users/me/step_up", json={"password": "wrong password"})).status_code == 401
    assert (await page.post("/users/me/totp")).status_code == 403
    assert (await page.post("/users/me/step_up", json={"password": PASSWORD})).status_code == 200
    assert (await page.post("/users/me/totp")).status_code == 200


async def turn_totp_on(page: httpx.AsyncClient, member: Person) -> tuple[pyotp.TOTP, list[str]]:
    """Sign in and turn TOTP on, with the code of the step before; return the generator and the recovery codes."""
    await sign_in(page, member)
    totp = pyotp.TOTP((await page.post("/users/me/totp")).json()["secret"])
    confirmed = await page.post("/users/me/totp/confirm", json={"code": await early_code(totp)})
    assert confirmed.status_code == 200, confirmed.text
    return totp, confirmed.json()["recovery_codes"]


async def test_totp_is_asked_for_and_a_code_counts_once(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """The password alone opens nothing; a code signs in once, and never again."""
    totp, _ = await turn_totp_on(page, member)
    async with browser(open_app) as other:
        body = {"email": member.email, "password": PASSWORD}
        begun = (await other.post("/auth/login", json=body)).json()
        assert begun["status"] == "totp_required"
        assert (await other.get("/users/me")).status_code == 401
        code = totp.now()
        answer = {"challenge": begun["challenge"], "code": code}
        assert (await other.post("/auth/totp", json=answer)).status_code == 200
        assert (await other.post("/auth/totp", json=answer)).json()["code"] == "code_invalid"
        forged = {"challenge": begun["challenge"][:-4] + "AAAA", "code": totp.now()}
        assert (await other.post("/auth/totp", json=forged)).json()["code"] == "session_ended"


async def test_a_recovery_code_counts_once(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """It stands in for a lost device, is used up by it, and its owner gets a mail."""
    _, codes = await turn_totp_on(page, member)
    assert len(set(codes)) == 10
    async with browser(open_app) as other:
        begun = (await other.post("/auth/login", json={"email": member.email, "password": PASSWORD})).json()
        answer = {"challenge": begun["challenge"], "recovery_code": codes[0].upper()}
        signed_in = await other.post("/auth/totp", json=answer)
        assert signed_in.json()["me"]["recovery_codes_left"] == 9
        assert (await other.post("/auth/totp", json=answer)).json()["code"] == "code_invalid"
    assert "A recovery code was used" in [letter.subject for letter in await mails_to(open_app, member.email)]


async def test_a_reset_password_does_not_skip_totp(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """Whoever reads the mail has one factor, not two."""
    await turn_totp_on(page, member)
    await page.post("/auth/password/forgotten", json={"email": member.email})
    await page.post("/auth/password/reset", json={"token": await token_to(open_app, member.email), "password": ANOTHER})
    begun = await page.post("/auth/login", json={"email": member.email, "password": ANOTHER})
    assert begun.json()["status"] == "totp_required"


async def test_a_short_password_lives_beside_totp_only(page: httpx.AsyncClient, member: Person) -> None:
    """Eight characters are enough with a second factor, which then cannot be turned off."""
    await turn_totp_on(page, member)
    assert (await page.post("/users/me/password", json={"password": "kD93kd!x"})).status_code == 204
    assert (await page.delete("/users/me/totp")).json()["code"] == "password_too_short"
    assert (await page.post("/users/me/password", json={"password": ANOTHER})).status_code == 204
    assert (await page.delete("/users/me/totp")).status_code == 204
    refused = await page.post("/users/me/password", json={"password": "kD93kd!x"})
    assert refused.json()["code"] == "password_refused"


async def tokens_of(client: httpx.AsyncClient, member: Person) -> dict[str, Any]:
    """Sign in a program."""
    answer = await client.post("/auth/token", json={"email": member.email, "password": PASSWORD, "device": "a script"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    """Use a refresh token."""
    return await client.post("/auth/refresh", json={"refresh_token": token})


async def test_a_program_acts_with_an_access_token(open_app: FastAPI, caller: Caller, member: Person) -> None:
    """The token stands for the person at the merchant it names, without a cookie or a static header."""
    async with client_of(open_app) as client:
        tokens = await tokens_of(client, member)
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        client.headers["X-Clearway-Merchant"] = caller.id
        made = await client.post("/orders", json={"amount": 1200, "currency": "INR"})
        assert made.status_code == 201, made.text
        assert (await client.post("/auth/logout")).status_code == 204
        assert (await client.get("/orders")).json()["code"] == "session_ended"


async def test_a_lost_answer_to_a_refresh_ends_nothing(open_app: FastAPI, member: Person) -> None:
    """The direct predecessor gets the same successor again for a few seconds, also at the same moment."""
    async with client_of(open_app) as client:
        first = (await tokens_of(client, member))["refresh_token"]
        twins = await asyncio.gather(refreshed(client, first), refreshed(client, first))
        assert [twin.status_code for twin in twins] == [200, 200]
        second, again = (twin.json()["refresh_token"] for twin in twins)
        assert second == again != first
        assert (await refreshed(client, second)).status_code == 200


async def test_a_stolen_refresh_token_ends_the_session(open_app: FastAPI, member: Person) -> None:
    """An older token than the direct predecessor ends the family: thief and owner are out, the owner gets a mail."""
    async with client_of(open_app) as client:
        tokens = await tokens_of(client, member)
        stolen = tokens["refresh_token"]
        second = (await refreshed(client, stolen)).json()["refresh_token"]
        third = (await refreshed(client, second)).json()
        assert (await refreshed(client, stolen)).json()["code"] == "session_ended"
        assert (await refreshed(client, third["refresh_token"])).status_code == 401
        client.headers["Authorization"] = f"Bearer {third['access_token']}"
        assert (await client.get("/users/me")).status_code == 401
    assert (await mails_to(open_app, member.email))[-1].subject.startswith("A log-in was ended")


async def test_the_grace_of_a_predecessor_is_short(open_app: FastAPI, member: Person, api_engine: AsyncEngine) -> None:
    """After it the predecessor is a stolen one."""
    async with client_of(open_app) as client:
        tokens = await tokens_of(client, member)
        await refreshed(client, tokens["refresh_token"])
        async with api_engine.begin() as connection:
            mine = refresh_tokens.c.session_id == tokens["session_id"]
            row = (await connection.execute(select(refresh_tokens).where(mine, refresh_tokens.c.generation == 0))).one()
            past = row.used_at.replace(year=row.used_at.year - 1)
            await connection.execute(update(refresh_tokens).where(mine).values(used_at=past))
        assert (await refreshed(client, tokens["refresh_token"])).status_code == 401
        listed = select(sessions.c.end_reason).where(sessions.c.id == tokens["session_id"])
        async with api_engine.connect() as connection:
            assert await connection.scalar(listed) == "token_reused"


async def test_tokens_of_one_kind_are_not_taken_for_another(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """A challenge is no access token, and a token without a signature is none at all."""
    await turn_totp_on(page, member)
    challenge = (await page.post("/auth/login", json={"email": member.email, "password": PASSWORD})).json()["challenge"]
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJ1c3JfMCJ9."
    async with client_of(open_app) as client:
        for token in (challenge, unsigned, "x", ""):
            client.headers["Authorization"] = f"Bearer {token}"
            assert (await client.get("/users/me")).status_code == 401


async def test_the_last_owner_stays_and_others_leave(
    page: httpx.AsyncClient, member: Person, caller: Caller, api_engine: AsyncEngine
) -> None:
    """An account keeps an owner; with another one, the first may leave and be deleted."""
    await sign_in(page, member)
    own = f"/users/me/memberships/{caller.credentials.account_id}"
    assert (await page.delete(own)).json()["code"] == "last_owner"
    assert (await page.delete("/users/me")).json()["code"] == "last_owner"
    await add_person(api_engine, address(), member_of=caller)
    assert (await page.delete(own)).status_code == 204
    assert (await page.get("/users/me")).json()["memberships"] == []


async def test_a_deleted_person_is_gone(open_app: FastAPI, page: httpx.AsyncClient, api_engine: AsyncEngine) -> None:
    """Nothing personal is left, also of mails before; no session goes on, and the address may register again."""
    person = await add_person(api_engine, address())
    await turn_totp_on(page, person)
    assert await mails_to(open_app, person.email)
    assert (await page.delete("/users/me")).status_code == 204
    assert (await page.get("/users/me")).status_code == 401
    async with api_engine.connect() as connection:
        row = (await connection.execute(select(users).where(users.c.id == person.id))).one()
    assert (row.email, row.name, row.password_hash) == (None, "", None)
    async with api_engine.connect() as connection:
        assert not (await connection.execute(select(mails.c.id).where(mails.c.user_id == person.id))).all()
    assert [letter.subject for letter in await mails_to(open_app, person.email)] == ["Your account was deleted"]
    await add_person(api_engine, person.email)
