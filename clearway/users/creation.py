"""New users: whose e-mail address is verified, or whom an operator creates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit
from clearway.db.users import users
from clearway.db.users.users import NewUser
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.ids import USER, new_id
from clearway.domain.roles import Role


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person with a verified e-mail address."""

    email: str
    name: str
    is_operator: bool = False


async def add(connection: AsyncConnection, actor: Actor | None, new: NewPerson, password_hash: str) -> str:
    """Add a user and return their id. actor None: the new user. Raises ConflictError when the address has a user."""
    user = NewUser(new_id(USER), new.email, new.name, password_hash, new.is_operator)
    if not await users.add(connection, user, datetime.now(UTC)):
        detail = "There is a user with this e-mail address already. Nothing was created."
        raise ConflictError("user_exists", detail)
    acting = actor or Actor(f"user:{user.id}", None)
    await audit.record(connection, acting, "user.create", user.id, {"is_operator": new.is_operator})
    return user.id


async def join(connection: AsyncConnection, actor: Actor, account_id: str, user_id: str, role: Role) -> None:
    """Make a user a member of an account."""
    if not await users.has_account(connection, account_id):
        raise NotFoundError("account_not_found", f"There is no account {account_id!r}. Nothing was done.")
    await users.join(connection, account_id, user_id, role, actor.name)
    detail = {"user_id": user_id, "role": role.value}
    await audit.record(connection, actor, "membership.create", account_id, detail)
