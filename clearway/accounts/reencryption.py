"""Encrypting stored secrets with the first of SECRET_KEYS, so that an older key can be taken away."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher
from clearway.db import audit
from clearway.db.endpoints import secret_context
from clearway.db.tables import webhook_endpoints
from clearway.domain.actor import Actor
from clearway.domain.ids import INSTALLATION
from clearway.settings import Settings


async def reencrypt(connection: AsyncConnection, settings: Settings, actor: Actor) -> int:
    """Encrypt every secret with the first of SECRET_KEYS that is not yet, and return how many were."""
    cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
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
    await audit.record(connection, actor, "secrets.reencrypt", INSTALLATION, {"secrets": changed})
    return changed
