"""The audit log: who did what to what, kept for good (a trigger refuses changes).

`detail` must hold no secret, no card data and no personal data: the log is read by people and never deleted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import audit_log
from clearway.domain.actor import Actor
from clearway.domain.ids import AUDIT_ENTRY, new_id, noun_of


async def record(
    connection: AsyncConnection,
    actor: Actor,
    action: str,
    subject_id: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one row. action: `payment.capture` and the like."""
    row = entry(actor, action, subject_id, detail or {})
    await connection.execute(insert(audit_log).values(row))


def entry(actor: Actor, action: str, subject_id: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Return a row, for a statement that writes it together with what it tells of."""
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
