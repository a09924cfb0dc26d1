"""Idempotency keys, as stored: one row for a key of a merchant, with the id allocated for it and, later, the answer.

This module knows nothing of HTTP; the rules merchants rely on are in `api/http/idempotency.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import idempotency_keys as keys
from clearway.domain.limits import IDEMPOTENCY_KEY_TTL_S

TTL: Final = timedelta(seconds=IDEMPOTENCY_KEY_TTL_S)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer every repeat gets, byte for byte."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """What stands under a key. first: this call put it there."""

    fingerprint: bytes
    resource_id: str
    answer: StoredAnswer | None
    first: bool


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
    .where(*_THIS, keys.c.resource_id == bindparam("of_resource"))
    .values(
        response_status=func.coalesce(keys.c.response_status, bindparam("status", type_=keys.c.response_status.type)),
        response_body=func.coalesce(keys.c.response_body, bindparam("body", type_=keys.c.response_body.type)),
    )
    .returning(keys.c.response_status, keys.c.response_body)
)


async def reserve(
    connection: AsyncConnection, *, merchant_id: str, key: str, fingerprint: bytes, resource_id: str
) -> Reservation:
    """Put `resource_id` under the key unless something that has not expired is there; return what is there then."""
    values = {"merchant_id": merchant_id, "key": key, "fingerprint": fingerprint, "resource_id": resource_id}
    if (await connection.execute(RESERVE, values)).rowcount == 1:
        return Reservation(fingerprint, resource_id, None, first=True)
    found = await _find(connection, merchant_id, key)
    if found is not None:
        return found
    # Released between the two statements: the next insert meets it, or nothing.
    return await reserve(connection, merchant_id=merchant_id, key=key, fingerprint=fingerprint, resource_id=resource_id)


async def _find(connection: AsyncConnection, merchant_id: str, key: str) -> Reservation | None:
    row = (await connection.execute(FIND, {"of_merchant": merchant_id, "of_key": key})).one_or_none()
    if row is None:
        return None
    answer = None if row.response_body is None else StoredAnswer(row.response_status, bytes(row.response_body))
    return Reservation(bytes(row.fingerprint), row.resource_id, answer, first=False)


async def keep_answer(
    connection: AsyncConnection, *, merchant_id: str, key: str, resource_id: str, answer: StoredAnswer
) -> StoredAnswer:
    """Keep the first answer given for this resource and return it: what is stored wins over what is offered."""
    values = {
        "of_merchant": merchant_id,
        "of_key": key,
        "of_resource": resource_id,
        "status": answer.status,
        "body": answer.body,
    }
    row = (await connection.execute(KEEP_ANSWER, values)).one_or_none()
    # No row: it expired while this request ran, and the answer is still true.
    return StoredAnswer(row.response_status, bytes(row.response_body)) if row else answer


async def release(connection: AsyncConnection, *, merchant_id: str, key: str, resource_id: str) -> None:
    """Forget a key whose request changed nothing, so that the key can be used again."""
    await connection.execute(
        delete(keys).where(
            keys.c.merchant_id == merchant_id,
            keys.c.key == key,
            keys.c.resource_id == resource_id,
            keys.c.response_body.is_(None),
        )
    )


async def replace_resource(
    connection: AsyncConnection, *, merchant_id: str, key: str, old_id: str, new_id: str
) -> None:
    """Allocate another id for the key, because nothing was or will be recorded under the old one."""
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
