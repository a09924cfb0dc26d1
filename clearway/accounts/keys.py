"""API keys of merchants: list, add, revoke. Each change is one transaction with its row in the audit log.

A secret is stored as a keyed hash and shown once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import hash_api_secret
from clearway.db import audit
from clearway.db import merchants as rows
from clearway.db.tables import api_keys
from clearway.domain.actor import Actor
from clearway.domain.errors import NotFoundError
from clearway.settings import Settings

KEY_BYTES: Final = 8
SECRET_BYTES: Final = 24


@dataclass(frozen=True)
class NewKey:
    """A key and its secret, which is not stored and can't be shown again."""

    merchant_id: str
    api_key: str
    api_secret: str


async def list_keys(connection: AsyncConnection, merchant_id: str) -> list[dict[str, Any]]:
    """Return a merchant's keys, newest first, without secrets."""
    await _require_merchant(connection, merchant_id)
    query = (
        select(api_keys.c.id, api_keys.c.created_at, api_keys.c.revoked_at)
        .where(api_keys.c.merchant_id == merchant_id)
        .order_by(api_keys.c.created_at.desc())
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def add_key(connection: AsyncConnection, settings: Settings, actor: Actor) -> NewKey:
    """Add a key beside those that are there."""
    await _require_merchant(connection, actor.merchant_id)
    made = NewKey(actor.merchant_id, f"key_{secrets.token_hex(KEY_BYTES)}", f"secret_{secrets.token_hex(SECRET_BYTES)}")
    pepper = settings.api_key_pepper.get_secret_value()
    secret_hash = hash_api_secret(made.api_secret, pepper)
    await rows.put_key(connection, key_id=made.api_key, merchant_id=made.merchant_id, secret_hash=secret_hash)
    await audit.record(connection, actor, "api_key.add", made.api_key)
    return made


async def revoke_key(connection: AsyncConnection, key_id: str, operator: str) -> dict[str, Any]:
    """Make a key unusable from this moment. Revoking it again changes nothing."""
    revoke = (
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(api_keys.c.merchant_id)
    )
    merchant_id = await connection.scalar(revoke)
    if merchant_id is not None:
        await audit.record(connection, Actor(operator, merchant_id), "api_key.revoke", key_id)
    found = select(api_keys.c.id, api_keys.c.merchant_id, api_keys.c.revoked_at).where(api_keys.c.id == key_id)
    row = (await connection.execute(found)).mappings().one_or_none()
    if row is None:
        detail = f"There is no API key {key_id!r}; `clearway keys list MERCHANT` shows those there are."
        raise NotFoundError("api_key_not_found", detail)
    return dict(row)


async def _require_merchant(connection: AsyncConnection, merchant_id: str) -> None:
    if await rows.merchant_name(connection, merchant_id) is None:
        detail = f"There is no merchant {merchant_id!r}; `clearway merchants list` shows those there are."
        raise NotFoundError("merchant_not_found", detail)
