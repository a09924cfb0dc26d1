"""Invitations to an account, as stored. The secret of a link comes in hashed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import accounts, invitations, memberships, users
from clearway.db.tables.base import search_key
from clearway.domain.roles import Role


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to be recorded."""

    id: str
    account_id: str
    email: str
    role: Role
    secret: SecretHash
    created_by: str
    expires_at: datetime


async def add(connection: AsyncConnection, new: NewInvitation, now: datetime) -> Row[Any]:
    """Record an invitation."""
    values = {
        "id": new.id,
        "account_id": new.account_id,
        "email": new.email,
        "role": new.role.value,
        "secret_hash": new.secret.digest,
        "pepper_id": new.secret.pepper_id,
        "created_by": new.created_by,
        "created_at": now,
        "expires_at": new.expires_at,
    }
    row: Row[Any] = (await connection.execute(insert(invitations).values(values).returning(invitations))).one()
    return row


async def find(connection: AsyncConnection, account_id: str, invitation_id: str) -> Row[Any] | None:
    """Return the account's invitation, locked until the transaction ends."""
    this = (invitations.c.account_id == account_id) & (invitations.c.id == invitation_id)
    return (await connection.execute(select(invitations).where(this).with_for_update())).one_or_none()


async def find_any(connection: AsyncConnection, invitation_id: str, *, lock: bool = False) -> Row[Any] | None:
    """Return an invitation with its account's name: for somebody who has the link, whose secret decides."""
    query = (
        select(invitations, accounts.c.name.label("account_name"))
        .join(accounts, accounts.c.id == invitations.c.account_id)
        .where(invitations.c.id == invitation_id)
    )
    query = query.with_for_update(of=invitations) if lock else query
    return (await connection.execute(query)).one_or_none()


async def find_open(connection: AsyncConnection, account_id: str, email: str) -> Row[Any] | None:
    """Return the invitation of this address that is neither accepted nor revoked; it may have expired."""
    this = (invitations.c.account_id == account_id) & (search_key(invitations.c.email) == search_key(literal(email)))
    return (await connection.execute(select(invitations).where(this))).one_or_none()


async def count_open(connection: AsyncConnection, account_id: str, now: datetime) -> int:
    """Return how many open invitations the account has."""
    is_open = (invitations.c.account_id == account_id) & invitations.c.email.is_not(None)
    counted = select(func.count()).select_from(invitations).where(is_open, invitations.c.expires_at > now)
    return int(await connection.scalar(counted) or 0)


async def is_member(connection: AsyncConnection, account_id: str, email: str) -> bool:
    """Return whether a user with this address is a member of the account."""
    query = (
        select(users.c.id)
        .join(memberships, memberships.c.user_id == users.c.id)
        .where(memberships.c.account_id == account_id, search_key(users.c.email) == search_key(literal(email)))
    )
    return await connection.scalar(query) is not None


async def list_page(connection: AsyncConnection, account_id: str, page: PageRequest) -> Rows:
    """Return one page of the account's invitations, newest first."""
    query = select(invitations).where(invitations.c.account_id == account_id)
    return await fetch_page(connection, query, invitations.c.id, page)


async def change(connection: AsyncConnection, invitation_id: str, values: dict[str, Any]) -> Row[Any]:
    """Set these columns."""
    statement = update(invitations).where(invitations.c.id == invitation_id).values(values).returning(invitations)
    row: Row[Any] = (await connection.execute(statement)).one()
    return row
