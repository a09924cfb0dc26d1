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
    """Write one line. action: `payment.capture` and the like."""
    await connection.execute(
        insert(audit_log).values(
            id=new_id(AUDIT_ENTRY),
            merchant_id=actor.merchant,
            actor=actor.name,
            action=action,
            subject_type=noun_of(subject_id),
            subject_id=subject_id,
            detail=detail or {},
            request_id=actor.request_id,
            address=actor.address,
        )
    )
