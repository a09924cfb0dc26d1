"""API keys and merchants, for requests without a known merchant and for operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    DateTime,
    Row,
    Text,
    bindparam,
    column,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.api_keys import grant_of
from clearway.db.idempotency import TTL
from clearway.db.tables import (
    api_keys,
    merchants,
)
from clearway.domain.api_key import Grant
from clearway.domain.merchant import Mode


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key with its validity and permissions."""

    id: str
    merchant_id: str
    mode: Mode
    secret: SecretHash
    previous_secret: SecretHash | None
    """Valid beside the secret for now, after a rotation."""
    grant: Grant
    usable: bool
    """Not revoked, not expired, and its merchant is active."""


FIND_KEY: Final = (
    select(
        api_keys,
        merchants.c.mode,
        (
            api_keys.c.revoked_at.is_(None)
            & merchants.c.active
            & func.coalesce(api_keys.c.expires_at > func.now(), true())
        ).label("usable"),
        (api_keys.c.previous_secret_expires_at > func.now()).label("previous_is_valid"),
    )
    .join(merchants, merchants.c.id == api_keys.c.merchant_id)
    .where(api_keys.c.id == bindparam("key_id"))
)


async def find_key(connection: AsyncConnection, key_id: str) -> StoredKey | None:
    """Return the key with this public half, or None."""
    row = (await connection.execute(FIND_KEY, {"key_id": key_id})).one_or_none()
    if row is None:
        return None
    previous = SecretHash(row.previous_pepper_id, bytes(row.previous_secret_hash)) if row.previous_is_valid else None
    return StoredKey(
        id=row.id,
        merchant_id=row.merchant_id,
        mode=Mode(row.mode),
        secret=SecretHash(row.pepper_id, bytes(row.secret_hash)),
        previous_secret=previous,
        grant=grant_of(row),
        usable=row.usable,
    )


async def owner_of_key(connection: AsyncConnection, key_id: str) -> str | None:
    """Return the merchant of a key: for operators, who know only the key's id."""
    merchant_id: str | None = await connection.scalar(select(api_keys.c.merchant_id).where(api_keys.c.id == key_id))
    return merchant_id


async def list_keys(connection: AsyncConnection, *, merchant_id: str | None, pepper_id: str | None) -> list[Row[Any]]:
    """Return keys, newest first: for operators, of one merchant or all, hashed with one pepper or any."""
    query = select(api_keys).order_by(api_keys.c.created_at.desc())
    if merchant_id is not None:
        query = query.where(api_keys.c.merchant_id == merchant_id)
    if pepper_id is not None:
        query = query.where(api_keys.c.pepper_id == pepper_id)
    return list((await connection.execute(query)).all())


async def note_use(connection: AsyncConnection, used: Mapping[str, datetime]) -> None:
    """Record when keys were last used, in one statement."""
    values = func.unnest(bindparam("ids", type_=ARRAY(Text)), bindparam("times", type_=ARRAY(DateTime(timezone=True))))
    given = values.table_valued(column("id", Text), column("at", DateTime(timezone=True)), name="used").render_derived()
    statement = (
        update(api_keys)
        .where(api_keys.c.id == given.c.id)
        .values(last_used_at=func.greatest(func.coalesce(api_keys.c.last_used_at, given.c.at), given.c.at))
    )
    await connection.execute(statement, {"ids": list(used), "times": list(used.values())})


async def put_hash(connection: AsyncConnection, key_id: str, before: SecretHash, after: SecretHash) -> None:
    """Replace the hash by one with another pepper, unless the secret has changed meanwhile."""
    this = (api_keys.c.id == key_id, api_keys.c.secret_hash == before.digest)
    values = {"secret_hash": after.digest, "pepper_id": after.pepper_id}
    await connection.execute(update(api_keys).where(*this).values(values))


async def forget_sealed_secrets(connection: AsyncConnection) -> int:
    """Delete the encrypted secrets of keys whose requests can no longer be repeated; return how many."""
    old = api_keys.c.sealed_secret.is_not(None) & (api_keys.c.secret_set_at < func.now() - TTL)
    return (await connection.execute(update(api_keys).where(old).values(sealed_secret=None))).rowcount


async def list_merchants(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return every merchant with how many usable keys it has: for operators."""
    usable = func.count(api_keys.c.id).filter(api_keys.c.revoked_at.is_(None)).label("keys")
    query = (
        select(*(merchants.c[name] for name in ("id", "account_id", "mode", "name", "active", "created_at")), usable)
        .outerjoin(api_keys, api_keys.c.merchant_id == merchants.c.id)
        .group_by(merchants.c.id)
        .order_by(merchants.c.account_id, merchants.c.mode)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]
