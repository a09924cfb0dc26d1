"""Members of an account: change a role, remove, leave. Each change and its audit row are one transaction.

Nobody gives, changes or takes away a role with more permissions than they have. An account keeps an owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.accounts.merchant_settings import check_account
from clearway.db import audit, memberships
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, ForbiddenError, NotFoundError
from clearway.domain.ids import USER, is_id
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission
from clearway.domain.roles import Role, may_give
from clearway.mail import letters, outbox
from clearway.services import Services


@dataclass(frozen=True, slots=True)
class Acting:
    """Who changes members: the actor, their permissions, and whether they are a person or an API key of a mode."""

    actor: Actor
    permissions: frozenset[Permission]
    mode: Mode
    is_key: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """A member who is removed, and the API keys of the account that they created, which still work."""

    user_id: str
    keys: list[str]


def check_role(acting: Acting, *roles: Role) -> None:
    """Refuse roles that the acting person or key may not give, change or take away. Raises ForbiddenError."""
    above = next((role for role in roles if not may_give(acting.permissions, role)), None)
    if above is not None:
        detail = f"The role {above.value} has permissions that you do not have. Nothing was changed. Ask an owner."
        raise ForbiddenError("role_above_own", detail)


async def change_role(services: Services, acting: Acting, user_id: str, role: Role) -> Row[Any]:
    """Give a member another role. The same role again changes nothing."""
    async with services.engine.begin() as connection:
        account, member = await _lock(connection, acting, user_id)
        check_account(acting.mode, is_key=acting.is_key)
        check_role(acting, Role(member.role), role)
        if Role(member.role) is role:
            return member
        if member.role == Role.OWNER:
            await _keep_an_owner(connection, account.id, user_id)
        await memberships.change_role(connection, account.id, user_id, role)
        detail = {"user_id": user_id, "before": {"role": member.role}, "after": {"role": role.value}}
        await audit.record(connection, acting.actor, "membership.change", account.id, detail)
        letter = letters.membership_changed(member.email, account_name=account.name, role=role.value)
        mail_id = await outbox.record(connection, services.cipher, letter, user_id=user_id)
        changed = await memberships.find(connection, account.id, user_id)
    await outbox.start(services.temporal, mail_id)
    assert changed is not None, "the account is locked"
    return changed


async def remove(services: Services, acting: Acting, user_id: str) -> Removed:
    """End a membership with immediate effect."""
    async with services.engine.begin() as connection:
        account, member = await _lock(connection, acting, user_id)
        check_account(acting.mode, is_key=acting.is_key)
        check_role(acting, Role(member.role))
        removed = await _end(connection, acting.actor, account.id, member)
        letter = letters.membership_changed(member.email, account_name=account.name, role=None)
        mail_id = await outbox.record(connection, services.cipher, letter, user_id=user_id)
    await outbox.start(services.temporal, mail_id)
    return removed


async def leave(connection: AsyncConnection, actor: Actor, account_id: str, user_id: str) -> Removed:
    """End one's own membership. Raises NotFoundError, and ConflictError for the last owner."""
    await memberships.lock_account(connection, account_id)
    member = await memberships.find(connection, account_id, user_id)
    if member is None:
        raise _not_found(user_id)
    return await _end(connection, actor, account_id, member)


async def _end(connection: AsyncConnection, actor: Actor, account_id: str, member: Row[Any]) -> Removed:
    if member.role == Role.OWNER:
        await _keep_an_owner(connection, account_id, member.user_id)
    await memberships.remove(connection, account_id, member.user_id)
    keys = await memberships.keys_made_by(connection, account_id, f"user:{member.user_id}")
    detail = {"user_id": member.user_id, "before": {"role": member.role}, "after": {"role": None}, "keys_left": keys}
    await audit.record(connection, actor, "membership.remove", account_id, detail)
    return Removed(member.user_id, keys)


async def _lock(connection: AsyncConnection, acting: Acting, user_id: str) -> tuple[Row[Any], Row[Any]]:
    """Return the account and its member; nobody else changes members until the transaction ends."""
    account = await memberships.account_of(connection, acting.actor.merchant_id)
    await memberships.lock_account(connection, account.id)
    member = await memberships.find(connection, account.id, user_id) if is_id(USER, user_id) else None
    if member is None:
        raise _not_found(user_id)
    return account, member


async def _keep_an_owner(connection: AsyncConnection, account_id: str, user_id: str) -> None:
    if not await memberships.has_another_owner(connection, account_id, user_id):
        detail = "The account has no other owner. Nothing was changed. Make somebody else an owner first."
        raise ConflictError("last_owner", detail)


def _not_found(user_id: str) -> NotFoundError:
    return NotFoundError("member_not_found", f"The account has no member {user_id!r}. Nothing was changed.")
