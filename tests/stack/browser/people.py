"""People for tests of the dashboard: members of the test merchant's account with a role, and how they sign in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from playwright.async_api import Page, expect
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, update

from clearway.db.engine import create_engine
from clearway.db.seed import TEST_MERCHANT, Credentials
from clearway.db.tables import sessions, users
from clearway.dev.stack import Stack
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.roles import Role
from clearway.settings import Settings
from clearway.users import creation
from clearway.users.creation import NewPerson

PASSWORD = "a password for tests only"
HASHED: Final = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""As `clearway.crypto.passwords` does, with less work, here and at each log-in: a hash names its own parameters."""


async def add_member(
    stack: Stack,
    email: str,
    role: Role,
    name: str = "Անի अनन्या محمد",
    *,
    account: Credentials = TEST_MERCHANT,
    is_operator: bool = False,
) -> None:
    """Add a member of an account, by default the test merchant's, with the password of tests; also as an operator."""
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    try:
        async with engine.begin() as connection:
            user_id = await creation.add(connection, Actor(SYSTEM, None), NewPerson(email, name), HASHED)
            await creation.join(connection, Actor(SYSTEM, None), account.account_id, user_id, role)
            if is_operator:
                await connection.execute(update(users).where(users.c.id == user_id).values(is_operator=True))
    finally:
        await engine.dispose()


async def add_crowd(stack: Stack, account: Credentials, emails: Sequence[str]) -> None:
    """Add many viewers of an account, named by their addresses, who need not sign in."""
    if not emails:
        return
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    try:
        async with engine.begin() as connection:
            for email in emails:
                person = NewPerson(email, email.partition("@")[0])
                user_id = await creation.add(connection, Actor(SYSTEM, None), person, HASHED)
                await creation.join(connection, Actor(SYSTEM, None), account.account_id, user_id, Role.VIEWER)
    finally:
        await engine.dispose()


async def sign_in(page: Page, stack: Stack, email: str, password: str = PASSWORD) -> None:
    """Give the page's context a session. No page is opened: the log-in and Home cost more than most tests."""
    answer = await page.request.post(
        f"{stack.dashboard_url}/api/v1/auth/login",
        data={"email": email, "password": password},
        headers={"X-Clearway-Request": "1"},
    )
    assert answer.ok, await answer.text()


async def open_home(page: Page, stack: Stack) -> None:
    """Open Home, and wait for it."""
    await page.goto(stack.dashboard_url)
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()


async def sign_in_by_page(page: Page, stack: Stack, email: str, password: str = PASSWORD) -> None:
    """Sign in by the page, as a person does, and wait for Home."""
    await page.goto(f"{stack.dashboard_url}/login")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()


async def age_step_ups(stack: Stack) -> None:
    """Let the step-up of every session be of an hour ago."""
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-browser")
    try:
        async with engine.begin() as connection:
            await connection.execute(
                update(sessions).values(stepped_up_at=sessions.c.stepped_up_at - func.make_interval(0, 0, 0, 0, 1))
            )
    finally:
        await engine.dispose()


async def call_api(page: Page, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the API as the page does: with its session, and the merchant that it shows."""
    status, answer = await page.evaluate(
        """async ([method, path, body]) => {
            const me = await (await fetch("/api/v1/users/me")).json();
            const merchant = me.memberships[0].merchants.find((each) => each.mode === "test").id;
            const headers = {"X-Clearway-Request": "1", "X-Clearway-Merchant": merchant,
                "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID()};
            const response = await fetch("/api/v1" + path, {method, headers, body: body && JSON.stringify(body)});
            return [response.status, await response.json()];
        }""",
        [method, path, body],
    )
    assert status < 300, answer
    found: dict[str, Any] = answer
    return found
