"""People of every role on the fuzzed stack, who send a recorded request in their own name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import unquote

import httpx
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.accounts.keys import Keyring
from clearway.accounts.merchants import add_account
from clearway.db.engine import create_engine
from clearway.db.seed import TEST_MERCHANT
from clearway.db.tables import accounts, sign_in_failures
from clearway.dev.stack import Stack
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.ids import USER, new_id
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission
from clearway.domain.roles import OPERATOR, Role, permissions_of_role
from clearway.settings import Settings
from clearway.users import creation
from clearway.users.creation import NewPerson
from tests.fire.fuzz.contract import Sample
from tests.services.api.people import PASSWORD, password_hash

ID: Final = re.compile(r"\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b")
COME_AGAIN: Final = frozenset({"session_ended", "totp_required_by_account", "merchant_not_found"})
"""What somebody is answered whose session, membership or user an act before has ended."""
VISITS_MAX: Final = 3
OWNER_ELSEWHERE: Final = "owner of another account"
NOBODY: Final = "nobody"
ONE_AT_A_TIME: Final = asyncio.Lock()
"""Where somebody signs in, nobody else's failed attempts are deleted."""


@dataclass(frozen=True)
class Answer:
    """What came back, with the ids in it that the member never sent."""

    response: httpx.Response
    ids: frozenset[str]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def problem(self) -> dict[str, Any]:
        """The problem, or nothing when the request was accepted."""
        is_problem = self.response.headers.get("content-type", "").startswith("application/problem+json")
        return dict(self.response.json()) if is_problem else {}

    @property
    def code(self) -> str | None:
        """The problem's code."""
        return self.problem.get("code")


@dataclass
class Member:
    """Somebody who acts for a merchant. role None: no membership, an operator or nobody at all."""

    stack: Stack
    name: str
    role: Role | None
    is_operator: bool = False
    account_id: str = TEST_MERCHANT.account_id
    merchant_id: str = TEST_MERCHANT.merchant_id
    headers: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    """Ids in what the member has sent: answers repeat them, and so does the request log."""

    @classmethod
    def every(cls, stack: Stack) -> list[Self]:
        """Return a member of each role, an operator, and somebody without any credentials."""
        roles = [cls(stack, role.value, role) for role in Role]
        return [*roles, cls(stack, "operator", None, is_operator=True), cls(stack, NOBODY, None)]

    @classmethod
    async def elsewhere(cls, stack: Stack) -> Self:
        """Return the owner of an account that is made for them."""
        async with _database(stack) as connection:
            added = await add_account(connection, Keyring.from_settings(Settings()), "Another Shop", SYSTEM)
        return cls(stack, OWNER_ELSEWHERE, Role.OWNER, False, added.account_id, added.test.merchant_id)

    @property
    def allowed(self) -> frozenset[Permission]:
        """What the table says."""
        if self.role is not None:
            return permissions_of_role(self.role, Mode.TEST)
        return OPERATOR if self.is_operator else frozenset()

    async def arrive(self, http: httpx.AsyncClient) -> None:
        """Become a new user, and get an access token."""
        if self.name == NOBODY:
            return
        async with ONE_AT_A_TIME:
            token = await self._token_of_a_new_user(http)
        self.headers = {"Authorization": f"Bearer {token}", "X-Clearway-Merchant": self.merchant_id}

    async def _token_of_a_new_user(self, http: httpx.AsyncClient) -> str:
        email = f"{new_id(USER)}@example.test"
        async with _database(self.stack) as connection:
            actor, new = Actor(SYSTEM, None), NewPerson(email, "Ada Tester", is_operator=self.is_operator)
            user_id = await creation.add(connection, actor, new, password_hash())
            if self.role is not None:
                await creation.join(connection, actor, self.account_id, user_id, self.role)
            await connection.execute(update(accounts).values(totp_required=False))  # an owner may have required it
            await connection.execute(delete(sign_in_failures))  # all that guessed passwords came from this network
        answer = await http.post("/api/v1/auth/token", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def send(self, http: httpx.AsyncClient, sample: Sample) -> Answer:
        """Send the request with the member's token instead of the key, as a new user if need be."""
        answer = await self._sent(http, sample)
        for _ in range(VISITS_MAX):
            if self.name == NOBODY or answer.code not in COME_AGAIN:
                break
            await self.arrive(http)
            answer = await self._sent(http, sample)
        return answer

    async def _sent(self, http: httpx.AsyncClient, sample: Sample) -> Answer:
        request = sample.request
        types = {name: values[0] for name, values in request.headers.items() if name.casefold() == "content-type"}
        headers = types | self.headers
        response = await http.request(request.method, request.uri, headers=headers, content=request.body)
        self.sent |= set(ID.findall(f"{unquote(request.uri)} {(request.body or b'').decode(errors='replace')}"))
        return Answer(response, frozenset(ID.findall(response.text)) - self.sent)


@asynccontextmanager
async def _database(stack: Stack) -> AsyncIterator[AsyncConnection]:
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tests-fuzz")
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()
