"""Encrypting stored secrets with the first of SECRET_KEYS, so that an older key can be taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher
from clearway.db import api_keys as keys
from clearway.db import audit, endpoints
from clearway.db.tables import api_keys, webhook_endpoints
from clearway.domain.actor import Actor
from clearway.domain.ids import INSTALLATION
from clearway.settings import Settings

ContextOf = Callable[[str], str]

SEALED: Final[tuple[tuple[Table, tuple[str, ...], ContextOf], ...]] = (
    (webhook_endpoints, ("secret", "previous_secret"), endpoints.secret_context),
    (api_keys, ("sealed_secret",), keys.secret_context),
)
"""Tables with encrypted columns, and what binds the columns of a row to it."""


async def reencrypt(connection: AsyncConnection, settings: Settings, actor: Actor) -> int:
    """Encrypt every secret with the first of SECRET_KEYS that is not yet, and return how many were."""
    cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
    changed = 0
    for table, columns, context_of in SEALED:
        changed += await _reencrypt_table(connection, cipher, table, columns, context_of)
    await audit.record(connection, actor, "secrets.reencrypt", INSTALLATION, {"secrets": changed})
    return changed


async def _reencrypt_table(
    connection: AsyncConnection,
    cipher: Cipher,
    table: Table,
    columns: tuple[str, ...],
    context_of: Callable[[str], str],
) -> int:
    query = select(table.c.id, *(table.c[name] for name in columns)).with_for_update()
    changed = 0
    for row in (await connection.execute(query)).all():
        tokens = {name: getattr(row, name) for name in columns}
        fresh = {
            name: cipher.encrypt(cipher.decrypt(token, context_of(row.id)), context_of(row.id))
            for name, token in tokens.items()
            if token is not None and cipher.needs_rotation(token)
        }
        if fresh:
            await connection.execute(update(table).where(table.c.id == row.id).values(**fresh))
            changed += len(fresh)
    return changed
