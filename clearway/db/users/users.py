"""Rows of people, and the accounts that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import accounts, memberships, merchants, users
from clearway.db.tables.base import search_key
from clearway.domain.roles import Role


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person whose e-mail address is verified."""

    id: str
    email: str
    name: str
    password_hash: str
    is_operator: bool = False


def totp_context(user_id: str) -> str:
    """Return the context that binds an encrypted TOTP secret to its user."""
    return f"users/{user_id}/totp"


FIND_BY_EMAIL: Final = select(users).where(search_key(users.c.email) == search_key(bindparam("email")))


async def add(connection: AsyncConnection, new: NewUser, now: datetime) -> bool:
    """Add a user. Return False, with nothing done, when the address has one."""
    values = {
        "id": new.id,
        "email": new.email.strip(),
        "name": new.name,
        "password_hash": new.password_hash,
        "password_changed_at": now,
        "is_operator": new.is_operator,
        "created_at": now,
    }
    added = await connection.execute(upsert(users).values(values).on_conflict_do_nothing().returning(users.c.id))
    return added.first() is not None


async def find_by_email(connection: AsyncConnection, email: str) -> Row[Any] | None:
    """Return the user with this address, however it is capitalised."""
    return (await connection.execute(FIND_BY_EMAIL, {"email": email})).one_or_none()


async def find(connection: AsyncConnection, user_id: str) -> Row[Any] | None:
    """Return the user, unless they are deleted."""
    query = select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None))
    return (await connection.execute(query)).one_or_none()


async def lock_for_sign_in(connection: AsyncConnection, user_id: str) -> Row[Any] | None:
    """Return the user if they may sign in; nobody disables or deletes them until this transaction ends."""
    may = (users.c.id == user_id) & users.c.deleted_at.is_(None) & users.c.disabled_at.is_(None)
    return (await connection.execute(select(users).where(may).with_for_update(read=True))).one_or_none()


async def list_newest(connection: AsyncConnection, limit: int, text: str | None) -> Sequence[Row[Any]]:
    """Return the newest users who are not deleted, or those of them whose address or name has the text."""
    query = select(users).where(users.c.deleted_at.is_(None)).order_by(users.c.id.desc()).limit(limit)
    if text is not None:
        has_text = [column.icontains(text, autoescape=True) for column in (users.c.email, users.c.name)]
        query = query.where(or_(*has_text))
    return (await connection.execute(query)).all()


async def lock(connection: AsyncConnection, user_id: str) -> Row[Any] | None:
    """Return the user, unless they are deleted; nobody else changes them until this transaction ends."""
    query = select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None)).with_for_update()
    return (await connection.execute(query)).one_or_none()


async def change(connection: AsyncConnection, user_id: str, values: dict[str, Any]) -> None:
    """Set these columns."""
    await connection.execute(update(users).where(users.c.id == user_id).values(values))


async def has_account(connection: AsyncConnection, account_id: str) -> bool:
    """Return whether there is such an account."""
    return await connection.scalar(select(accounts.c.id).where(accounts.c.id == account_id)) is not None


async def join(connection: AsyncConnection, account_id: str, user_id: str, role: Role, created_by: str) -> None:
    """Make the user a member of an account. A member keeps the role that they have."""
    values = {"account_id": account_id, "user_id": user_id, "role": role.value, "created_by": created_by}
    await connection.execute(upsert(memberships).values(values).on_conflict_do_nothing())


async def memberships_of(connection: AsyncConnection, user_id: str) -> list[Row[Any]]:
    """Return the merchants of the user's accounts, with their role in each, by the accounts' names."""
    query = (
        select(
            accounts.c.id.label("account_id"),
            accounts.c.name.label("account_name"),
            accounts.c.totp_required,
            memberships.c.role,
            merchants.c.id.label("merchant_id"),
            merchants.c.mode,
            merchants.c.name.label("merchant_name"),
        )
        .join(memberships, memberships.c.account_id == accounts.c.id)
        .join(merchants, merchants.c.account_id == accounts.c.id)
        .where(memberships.c.user_id == user_id, merchants.c.active)
        .order_by(accounts.c.name, accounts.c.id, merchants.c.mode)
    )
    return list(await connection.execute(query))


async def lock_membership(connection: AsyncConnection, account_id: str, user_id: str) -> str | None:
    """Return the user's role in an account, or None; nobody changes the account's members meanwhile."""
    await connection.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())
    mine = (memberships.c.account_id == account_id) & (memberships.c.user_id == user_id)
    return await connection.scalar(select(memberships.c.role).where(mine))


async def lock_accounts_of(connection: AsyncConnection, user_id: str) -> list[str]:
    """Return the user's accounts; nobody changes their members until this transaction ends."""
    mine = select(memberships.c.account_id).where(memberships.c.user_id == user_id)
    query = select(accounts.c.id).where(accounts.c.id.in_(mine)).order_by(accounts.c.id).with_for_update()
    return list((await connection.execute(query)).scalars())


async def accounts_without_another_owner(
    connection: AsyncConnection, account_ids: list[str], user_id: str
) -> list[str]:
    """Return those of the accounts that the user owns, and nobody else who may sign in."""
    owner = memberships.c.role == Role.OWNER.value
    among = memberships.c.account_id.in_(account_ids)
    enabled = select(users.c.id).where(users.c.disabled_at.is_(None))
    others = select(memberships.c.account_id).where(
        owner, memberships.c.user_id != user_id, memberships.c.user_id.in_(enabled)
    )
    query = select(memberships.c.account_id).where(
        owner, among, memberships.c.user_id == user_id, memberships.c.account_id.not_in(others)
    )
    return sorted((await connection.execute(query)).scalars())


async def remove_membership(connection: AsyncConnection, account_id: str, user_id: str) -> None:
    """End a membership."""
    mine = (memberships.c.account_id == account_id) & (memberships.c.user_id == user_id)
    await connection.execute(delete(memberships).where(mine))
