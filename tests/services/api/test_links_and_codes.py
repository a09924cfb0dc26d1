"""Links of mails and codes of a second factor: what they are good for, how long, and what they end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import one_time_tokens, sessions, sign_in_failures
from tests.services.api.conftest import Caller, client_of
from tests.services.api.people import PASSWORD, Person, add_person, browser, early_code, sign_in
from tests.services.api.test_signing_in import address, mails_to, open_app, token_to

__all__ = ["open_app"]

ANOTHER = "another password for tests"


@pytest.fixture
async def member(caller: Caller, api_engine: AsyncEngine) -> Person:
    """Add an owner of the caller's account, when nobody failed to sign in."""
    async with api_engine.begin() as connection:
        await connection.execute(delete(sign_in_failures))
    return await add_person(api_engine, address(), member_of=caller)


@pytest.fixture
async def page(open_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Open a browser."""
    async with browser(open_app) as client:
        yield client


async def reset_link(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> str:
    """Ask for another password, and return the token of the mail."""
    await page.post("/auth/password/forgotten", json={"email": member.email})
    return await token_to(open_app, member.email)


async def refusal(page: httpx.AsyncClient, path: str, **body: str) -> str:
    """Return with which code a link is refused."""
    answer = await page.post(path, json=body)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["code"])


async def test_a_link_that_is_too_old_changes_nothing(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """After its hour the link resets nothing, and the old password still signs in."""
    token = await reset_link(open_app, page, member)
    async with api_engine.begin() as connection:
        mine = update(one_time_tokens).where(one_time_tokens.c.user_id == member.id)
        await connection.execute(mine.values(expires_at=func.now()))
    assert await refusal(page, "/auth/password/reset", token=token, password=ANOTHER) == "token_invalid"
    await sign_in(page, member)


async def test_a_link_is_good_for_what_it_was_made_for(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """The link of a new address resets no password, and that of a password confirms no address."""
    token = await reset_link(open_app, page, member)
    assert await refusal(page, "/auth/email/confirm", token=token) == "token_invalid"
    await sign_in(page, member)
    new = address()
    await page.post("/users/me/email", json={"email": new})
    other = await token_to(open_app, new)
    assert await refusal(page, "/auth/password/reset", token=other, password=ANOTHER) == "token_invalid"
    assert (await page.post("/auth/email/confirm", json={"token": other})).status_code == 204


async def test_the_secret_of_a_link_is_compared(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """Whoever knows the id of a link, such as from a log, resets nothing; the link itself still works."""
    token = await reset_link(open_app, page, member)
    link_id, _, secret = token.partition(".")
    for forged in (link_id, f"{link_id}.", f"{link_id}.{secret[:-1]}", f"{link_id}.{secret}x"):
        assert await refusal(page, "/auth/password/reset", token=forged, password=ANOTHER) == "token_invalid"
    assert (await page.post("/auth/password/reset", json={"token": token, "password": ANOTHER})).status_code == 204


async def test_a_reset_obeys_the_rules_of_passwords(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """A link of a mail is no way around them, and stays usable for a better password."""
    token = await reset_link(open_app, page, member)
    for weak in ("short", "passwordpassword", member.email):
        assert await refusal(page, "/auth/password/reset", token=token, password=weak) == "password_refused"
    assert (await page.post("/auth/password/reset", json={"token": token, "password": ANOTHER})).status_code == 204


async def test_a_new_address_ends_every_session(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """Whoever held a session under the old address signs in again, by the new one."""
    new = address()
    await sign_in(page, member)
    await page.post("/users/me/email", json={"email": new})
    token = await token_to(open_app, new)
    assert (await page.post("/auth/email/confirm", json={"token": token})).status_code == 204
    assert (await page.get("/users/me")).json()["code"] == "session_ended"
    old = await page.post("/auth/login", json={"email": member.email, "password": PASSWORD})
    assert old.json()["code"] == "credentials_invalid"


async def test_two_who_ask_for_one_address_do_not_both_get_it(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine
) -> None:
    """The address was free when the link was made, and has a user when it is used."""
    new = address()
    await sign_in(page, member)
    await page.post("/users/me/email", json={"email": new})
    token = await token_to(open_app, new)
    await add_person(api_engine, new)
    refused = await page.post("/auth/email/confirm", json={"token": token})
    assert (refused.status_code, refused.json()["code"]) == (409, "user_exists")
    assert (await page.get("/users/me")).json()["email"] == member.email


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("POST /users/me/password", {"password": ANOTHER}),
        ("POST /users/me/email", {"email": "new@example.test"}),
        ("POST /users/me/totp", None),
        ("POST /users/me/totp/confirm", {"code": "123456"}),
        ("DELETE /users/me/totp", None),
        ("POST /users/me/recovery_codes", None),
        ("DELETE /users/me", None),
    ],
)
async def test_how_somebody_signs_in_changes_after_a_step_up_only(
    page: httpx.AsyncClient, member: Person, api_engine: AsyncEngine, route: str, body: dict[str, str] | None
) -> None:
    """An open browser that somebody left is no way to take the account over."""
    await sign_in(page, member)
    async with api_engine.begin() as connection:
        await connection.execute(update(sessions).where(sessions.c.user_id == member.id).values(stepped_up_at=None))
    refused = await page.request(*route.split(), json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")


async def with_totp(page: httpx.AsyncClient, member: Person) -> pyotp.TOTP:
    """Sign in and turn TOTP on."""
    await sign_in(page, member)
    totp = pyotp.TOTP((await page.post("/users/me/totp")).json()["secret"])
    confirmed = await page.post("/users/me/totp/confirm", json={"code": await early_code(totp)})
    assert confirmed.status_code == 200, confirmed.text
    return totp


async def test_turning_totp_on_ends_the_other_sessions(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """Whoever signed in with the password alone is out; the session that turned it on stays."""
    async with browser(open_app) as other:
        await sign_in(other, member)
        await with_totp(page, member)
        assert (await other.get("/users/me")).json()["code"] == "session_ended"
    assert (await page.get("/users/me")).status_code == 200


async def test_a_challenge_ends_with_the_password_that_began_it(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """A thief who had the password is stopped by its change, also with a code in hand."""
    totp = await with_totp(page, member)
    async with browser(open_app) as thief:
        begun = (await thief.post("/auth/login", json={"email": member.email, "password": PASSWORD})).json()
        assert (await page.post("/users/me/password", json={"password": ANOTHER})).status_code == 204
        answer = {"challenge": begun["challenge"], "code": totp.now()}
        assert (await thief.post("/auth/totp", json=answer)).json()["code"] == "session_ended"


async def test_programs_need_the_code_too(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """The password alone gives a program no token; with the code it gets one, once."""
    totp = await with_totp(page, member)
    body = {"email": member.email, "password": PASSWORD}
    async with client_of(open_app) as program:
        assert (await program.post("/auth/token", json=body)).json()["code"] == "totp_needed"
        with_code = body | {"code": totp.now()}
        assert (await program.post("/auth/token", json=with_code)).status_code == 200
        assert (await program.post("/auth/token", json=with_code)).json()["code"] == "code_invalid"


async def test_a_program_on_a_new_machine_is_reported(
    open_app: FastAPI, page: httpx.AsyncClient, member: Person
) -> None:
    """The person gets a mail for the first sign-in of a device, and none for the next."""
    await sign_in(page, member)
    body = {"email": member.email, "password": PASSWORD, "device": "clearway on laptop"}
    async with client_of(open_app) as program:
        for _ in range(2):
            assert (await program.post("/auth/token", json=body)).status_code == 200
    (letter,) = await mails_to(open_app, member.email)
    assert ("Device", "clearway on laptop") in letter.facts


async def test_codes_are_not_guessed(open_app: FastAPI, page: httpx.AsyncClient, member: Person) -> None:
    """After five wrong codes the right one has to wait as well, whatever the network."""
    totp = await with_totp(page, member)
    async with browser(open_app) as thief:
        begun = (await thief.post("/auth/login", json={"email": member.email, "password": PASSWORD})).json()
        wrong = {"challenge": begun["challenge"], "code": totp.at(time.time() - 3_000)}
        answers = [(await thief.post("/auth/totp", json=wrong)).status_code for _ in range(8)]
        assert answers[:5] == [401] * 5
        assert answers[-1] == 429
