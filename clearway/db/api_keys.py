"""API keys of a merchant, as stored. Secrets come in hashed or encrypted, never in plain text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import api_keys, merchants
from clearway.domain.api_key import Grant
from clearway.domain.limits import API_KEYS_PER_MERCHANT_MAX
from clearway.domain.resources import ApiKeyResource


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key to be recorded. sealed_secret: encrypted, for a request that may be repeated."""

    id: str
    merchant_id: str
    name: str
    grant: Grant
    secret: SecretHash
    sealed_secret: str | None
    created_by: str


def grant_of(row: Row[Any]) -> Grant:
    """Return what a row of `api_keys` allows."""
    permissions = None if row.permissions is None else tuple(row.permissions)
    return Grant(permissions, tuple(row.allowed_networks), row.expires_at)


def api_key_resource(row: Row[Any]) -> ApiKeyResource:
    """Render a row of `api_keys`."""
    return ApiKeyResource(
        id=row.id,
        name=row.name,
        permissions=["*"] if row.permissions is None else row.permissions,
        allowed_networks=row.allowed_networks,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        previous_secret_expires_at=row.previous_secret_expires_at,
        created_by=row.created_by,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


async def has_room(connection: AsyncConnection, merchant_id: str) -> bool:
    """Return whether the merchant may have one more; nobody else adds one until this transaction ends."""
    lock = select(merchants.c.id).where(merchants.c.id == merchant_id).with_for_update(key_share=True)
    await connection.execute(lock)
    usable = (api_keys.c.merchant_id == merchant_id) & api_keys.c.revoked_at.is_(None)
    count = await connection.scalar(select(func.count()).select_from(api_keys).where(usable))
    return int(count or 0) < API_KEYS_PER_MERCHANT_MAX


async def add(connection: AsyncConnection, new: NewApiKey, now: datetime) -> Row[Any]:
    """Record a key."""
    statement = (
        insert(api_keys)
        .values(
            id=new.id,
            merchant_id=new.merchant_id,
            name=new.name,
            permissions=None if new.grant.permissions is None else list(new.grant.permissions),
            allowed_networks=list(new.grant.networks),
            expires_at=new.grant.expires_at,
            secret_hash=new.secret.digest,
            pepper_id=new.secret.pepper_id,
            secret_set_at=now,
            sealed_secret=new.sealed_secret,
            created_by=new.created_by,
        )
        .returning(api_keys)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def find(connection: AsyncConnection, merchant_id: str, key_id: str) -> Row[Any] | None:
    """Return the merchant's key, revoked or not, or None."""
    query = select(api_keys).where(api_keys.c.merchant_id == merchant_id, api_keys.c.id == key_id)
    return (await connection.execute(query)).one_or_none()


async def lock(connection: AsyncConnection, merchant_id: str, key_id: str) -> Row[Any] | None:
    """Return the merchant's key, locked until this transaction ends, or None."""
    query = select(api_keys).where(api_keys.c.merchant_id == merchant_id, api_keys.c.id == key_id)
    row: Row[Any] | None = (await connection.execute(query.with_for_update())).one_or_none()
    return row


async def list_keys(connection: AsyncConnection, merchant_id: str, page: PageRequest) -> Rows:
    """Return one page of the merchant's keys, newest first, revoked ones too."""
    return await fetch_page(
        connection, select(api_keys).where(api_keys.c.merchant_id == merchant_id), api_keys.c.id, page
    )


async def change(connection: AsyncConnection, merchant_id: str, key_id: str, values: dict[str, Any]) -> Row[Any]:
    """Set these columns and return the changed key."""
    this = (api_keys.c.merchant_id == merchant_id, api_keys.c.id == key_id)
    row: Row[Any] = (await connection.execute(update(api_keys).where(*this).values(values).returning(api_keys))).one()
    return row


def secret_context(key_id: str) -> str:
    """Return the context that binds a key's encrypted secret to its row."""
    return f"api_keys/{key_id}/secret"
