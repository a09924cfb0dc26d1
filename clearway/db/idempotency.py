"""Idempotency keys, as stored: one row for each key of a merchant, with its allocated id and later the answer.

This module does not depend on HTTP; the rules for merchants are in `api/http/idempotency.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import idempotency_keys as keys
from clearway.domain.limits import IDEMPOTENCY_KEY_TTL_S

TTL: Final = timedelta(seconds=IDEMPOTENCY_KEY_TTL_S)

SEALED_ANSWER: Final = (b'{"sealed":"', b'"}')
"""The text around the token of an encrypted answer (`api/http/sealing.py`)."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer that every repeat gets, byte for byte."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """The stored row of a key."""

    fingerprint: bytes
    resource_id: str
    answer: StoredAnswer | None


_INSERT: Final = insert(keys).values(created_at=func.now())
RESERVE: Final = _INSERT.on_conflict_do_update(
    index_elements=["merchant_id", "key"],
    set_={
        "fingerprint": _INSERT.excluded.fingerprint,
        "resource_id": _INSERT.excluded.resource_id,
        "created_at": _INSERT.excluded.created_at,
        "response_status": None,
        "response_body": None,
    },
    where=keys.c.created_at < func.now() - TTL,
)
_THIS: Final = (keys.c.merchant_id == bindparam("of_merchant"), keys.c.key == bindparam("of_key"))
FIND: Final = select(keys).where(*_THIS)
KEEP_ANSWER: Final = (
    update(keys)
    .where(*_THIS, keys.c.fingerprint == bindparam("of_request"), keys.c.response_body.is_(None))
    .values(
        response_status=bindparam("status", type_=keys.c.response_status.type),
        response_body=bindparam("body", type_=keys.c.response_body.type),
    )
)


def answer_context(merchant_id: str, key: str | None) -> str:
    """Return the context that binds an encrypted answer to its merchant and key."""
    return f"idempotency_keys/{merchant_id}/{key}/response_body"


async def reserve(
    connection: AsyncConnection, *, merchant_id: str, key: str, fingerprint: bytes, resource_id: str
) -> Reservation:
    """Reserve the key for `resource_id` unless it is reserved and not expired; return the valid reservation."""
    values = {"merchant_id": merchant_id, "key": key, "fingerprint": fingerprint, "resource_id": resource_id}
    if (await connection.execute(RESERVE, values)).rowcount == 1:
        return Reservation(fingerprint, resource_id, None)
    found = await _find(connection, merchant_id, key)
    if found is not None:
        return found
    # The key expired and was deleted between the two statements: insert again.
    return await reserve(connection, merchant_id=merchant_id, key=key, fingerprint=fingerprint, resource_id=resource_id)


async def _find(connection: AsyncConnection, merchant_id: str, key: str) -> Reservation | None:
    row = (await connection.execute(FIND, {"of_merchant": merchant_id, "of_key": key})).one_or_none()
    if row is None:
        return None
    answer = None if row.response_body is None else StoredAnswer(row.response_status, bytes(row.response_body))
    return Reservation(bytes(row.fingerprint), row.resource_id, answer)


async def keep_answer(
    connection: AsyncConnection, *, merchant_id: str, key: str, fingerprint: bytes, answer: StoredAnswer
) -> StoredAnswer | None:
    """Store the answer unless one is stored; return the stored one, which counts."""
    values = {
        "of_merchant": merchant_id,
        "of_key": key,
        "of_request": fingerprint,
        "status": answer.status,
        "body": answer.body,
    }
    if (await connection.execute(KEEP_ANSWER, values)).rowcount == 1:
        return None
    # The key expired while this request ran, so its row is gone or is another request's. The answer is still true.
    found = await _find(connection, merchant_id, key)
    return found.answer if found is not None and found.fingerprint == fingerprint else None


async def replace_resource(
    connection: AsyncConnection, *, merchant_id: str, key: str, old_id: str, new_id: str
) -> None:
    """Allocate another id for the key, because no row will ever have the old one."""
    await connection.execute(
        update(keys)
        .where(
            keys.c.merchant_id == merchant_id,
            keys.c.key == key,
            keys.c.resource_id == old_id,
            keys.c.response_body.is_(None),
        )
        .values(resource_id=new_id)
    )
