"""The audit log: who did what to which resource. It is append-only: a trigger refuses changes.

`detail` must hold no secret, no card data and no personal data: people read the log, and nothing is ever deleted. The
code that makes an `Actor` encrypts its network address, so no workflow and no row has it in plain text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import audit_log
from clearway.db.writing import Rows, Write
from clearway.domain.actor import Actor
from clearway.domain.ids import AUDIT_ENTRY, new_id, noun_of


def address_context(request_id: str | None) -> str:
    """Return the context that binds an encrypted network address to its request."""
    return f"requests/{request_id}/address"


async def record(
    connection: AsyncConnection,
    actor: Actor,
    action: str,
    subject_id: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one row, in the transaction of the action. action: a name such as `api_key.create`."""
    row = entry(actor, action, subject_id, detail or {})
    await connection.execute(insert(audit_log).values(row))


def entry(actor: Actor, action: str, subject_id: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Return a row, for the statement that writes the action itself."""
    return {
        "id": new_id(AUDIT_ENTRY),
        "merchant_id": actor.merchant,
        "actor": actor.name,
        "action": action,
        "subject_type": noun_of(subject_id),
        "subject_id": subject_id,
        "detail": detail,
        "request_id": actor.request_id,
        "address": actor.address,
    }


def beside(actor: Actor | None, action: str, subject_id: str, detail: dict[str, Any], *, now: datetime) -> list[Write]:
    """Return the write of one row, for the statement of the action. Empty without an actor: Clearway itself acted."""
    if actor is None:
        return []
    return [Rows(audit_log, [entry(actor, action, subject_id, detail) | {"created_at": now}])]
