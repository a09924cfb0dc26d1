"""Merchants, their API keys and the encryption of their secrets, as an installation's operator changes them.

Each change is one transaction with its line in the audit log. A secret is stored as a keyed hash and shown once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.cli.problems import CommandError
from clearway.cli.running import settings_in_use
from clearway.crypto.encryption import Cipher, hash_api_secret
from clearway.db import audit
from clearway.db import merchants as rows
from clearway.db.endpoints import secret_context
from clearway.db.tables import api_keys, merchants, webhook_endpoints
from clearway.domain.ids import MERCHANT, new_id

KEY_BYTES: Final = 8
SECRET_BYTES: Final = 24


@dataclass(frozen=True)
class NewKey:
    """A key and its secret, which is not stored and can't be shown again."""

    merchant_id: str
    api_key: str
    api_secret: str


async def list_merchants(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return every merchant with how many usable keys it has."""
    usable = func.count(api_keys.c.id).filter(api_keys.c.revoked_at.is_(None)).label("keys")
    query = (
        select(merchants.c.id, merchants.c.name, merchants.c.active, merchants.c.created_at, usable)
        .outerjoin(api_keys, api_keys.c.merchant_id == merchants.c.id)
        .group_by(merchants.c.id)
        .order_by(merchants.c.id)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def add_merchant(connection: AsyncConnection, name: str, operator: str) -> NewKey:
    """Add a merchant with a first key."""
    merchant_id = new_id(MERCHANT)
    await rows.add_merchant(connection, merchant_id=merchant_id, name=name)
    await _note(connection, merchant_id, operator, "merchant.add", merchant_id)
    return await add_key(connection, merchant_id, operator)


async def list_keys(connection: AsyncConnection, merchant_id: str) -> list[dict[str, Any]]:
    """Return a merchant's keys, newest first, without secrets."""
    await _require_merchant(connection, merchant_id)
    query = (
        select(api_keys.c.id, api_keys.c.created_at, api_keys.c.revoked_at)
        .where(api_keys.c.merchant_id == merchant_id)
        .order_by(api_keys.c.created_at.desc())
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def add_key(connection: AsyncConnection, merchant_id: str, operator: str) -> NewKey:
    """Add a key beside those that are there."""
    await _require_merchant(connection, merchant_id)
    made = NewKey(merchant_id, f"key_{secrets.token_hex(KEY_BYTES)}", f"secret_{secrets.token_hex(SECRET_BYTES)}")
    pepper = settings_in_use().api_key_pepper.get_secret_value()
    secret_hash = hash_api_secret(made.api_secret, pepper)
    await rows.put_key(connection, key_id=made.api_key, merchant_id=merchant_id, secret_hash=secret_hash)
    await _note(connection, merchant_id, operator, "api_key.add", made.api_key)
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
        await _note(connection, merchant_id, operator, "api_key.revoke", key_id)
    found = select(api_keys.c.id, api_keys.c.merchant_id, api_keys.c.revoked_at).where(api_keys.c.id == key_id)
    row = (await connection.execute(found)).mappings().one_or_none()
    if row is None:
        raise CommandError(f"There is no API key {key_id!r}; `clearway keys list MERCHANT` shows those there are.")
    return dict(row)


async def reencrypt(connection: AsyncConnection, operator: str) -> int:
    """Encrypt every secret with the first of SECRET_KEYS that is not yet, and return how many were."""
    cipher = Cipher.from_settings(settings_in_use().secret_keys.get_secret_value())
    column = webhook_endpoints.c
    query = select(column.id, column.secret, column.previous_secret).with_for_update()
    changed = 0
    for row in (await connection.execute(query)).all():
        context = secret_context(row.id)
        tokens = {"secret": row.secret, "previous_secret": row.previous_secret}
        fresh = {
            name: cipher.encrypt(cipher.decrypt(token, context), context)
            for name, token in tokens.items()
            if token is not None and cipher.needs_rotation(token)
        }
        if fresh:
            await connection.execute(update(webhook_endpoints).where(column.id == row.id).values(**fresh))
            changed += len(fresh)
    await audit.record(
        connection,
        merchant_id=None,
        actor=f"operator:{operator}",
        action="secrets.reencrypt",
        subject="webhook_endpoints",
        detail={"secrets": changed},
    )
    return changed


async def _require_merchant(connection: AsyncConnection, merchant_id: str) -> None:
    if await rows.merchant_name(connection, merchant_id) is None:
        raise CommandError(f"There is no merchant {merchant_id!r}; `clearway merchants list` shows those there are.")


async def _note(connection: AsyncConnection, merchant_id: str, operator: str, action: str, subject: str) -> None:
    await audit.record(
        connection, merchant_id=merchant_id, actor=f"operator:{operator}", action=action, subject=subject
    )
