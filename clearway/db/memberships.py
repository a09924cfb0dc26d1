"""The members of an account, as stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import accounts, api_keys, memberships, merchants, sessions, users
from clearway.domain.roles import Role

_LAST_SEEN = (
    select(func.max(sessions.c.last_used_at))
    .where(sessions.c.user_id == memberships.c.user_id)
    .scalar_subquery()
    .label("last_seen_at")
)
_SHOWN = (
    memberships.c.account_id,
    memberships.c.user_id,
    memberships.c.user_id.label("id"),
    memberships.c.role,
    memberships.c.created_at,
    users.c.email,
    users.c.name,
    users.c.totp_enabled_at.is_not(None).label("totp_enabled"),
    _LAST_SEEN,
)
_MEMBERS = select(*_SHOWN).join(users, users.c.id == memberships.c.user_id)


async def account_of(connection: AsyncConnection, merchant_id: str) -> Row[Any]:
    """Return the account of a merchant."""
    query = select(accounts).join(merchants, merchants.c.account_id == accounts.c.id)
    row: Row[Any] = (await connection.execute(query.where(merchants.c.id == merchant_id))).one()
    return row


async def lock_account(connection: AsyncConnection, account_id: str) -> None:
    """Let nobody else change the account's members or invitations until the transaction ends."""
    await connection.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update(key_share=True))


async def list_page(connection: AsyncConnection, account_id: str, page: PageRequest) -> Rows:
    """Return one page of the members, those who registered last first."""
    return await fetch_page(
        connection, _MEMBERS.where(memberships.c.account_id == account_id), memberships.c.user_id, page
    )


async def find(connection: AsyncConnection, account_id: str, user_id: str) -> Row[Any] | None:
    """Return a member of the account."""
    this = (memberships.c.account_id == account_id) & (memberships.c.user_id == user_id)
    return (await connection.execute(_MEMBERS.where(this))).one_or_none()


async def has_another_owner(connection: AsyncConnection, account_id: str, user_id: str) -> bool:
    """Return whether somebody else owns the account, and may sign in."""
    query = select(memberships.c.user_id).join(users, users.c.id == memberships.c.user_id)
    owners = (memberships.c.account_id == account_id) & (memberships.c.role == Role.OWNER.value)
    others = owners & (memberships.c.user_id != user_id) & users.c.disabled_at.is_(None)
    return (await connection.execute(query.where(others).limit(1))).first() is not None


async def change_role(connection: AsyncConnection, account_id: str, user_id: str, role: Role) -> None:
    """Give a member another role."""
    this = (memberships.c.account_id == account_id) & (memberships.c.user_id == user_id)
    await connection.execute(update(memberships).where(this).values(role=role.value))


async def remove(connection: AsyncConnection, account_id: str, user_id: str) -> None:
    """End a membership."""
    this = (memberships.c.account_id == account_id) & (memberships.c.user_id == user_id)
    await connection.execute(delete(memberships).where(this))


async def keys_made_by(connection: AsyncConnection, account_id: str, actor: str) -> list[str]:
    """Return the keys of the account's merchants that this actor created and that are not revoked."""
    query = (
        select(api_keys.c.id)
        .join(merchants, merchants.c.id == api_keys.c.merchant_id)
        .where(merchants.c.account_id == account_id, api_keys.c.created_by == actor, api_keys.c.revoked_at.is_(None))
        .order_by(api_keys.c.id)
    )
    return list((await connection.execute(query)).scalars())
