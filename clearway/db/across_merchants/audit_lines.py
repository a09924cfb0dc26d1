"""The audit log of one resource of any merchant: for operators."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import audit_log


async def audit_lines(connection: AsyncConnection, subject_id: str, limit: int) -> list[Row[Any]]:
    """Return the newest audit rows of a payment, key, endpoint or any other id, oldest first."""
    query = select(audit_log).where(audit_log.c.subject_id == subject_id).order_by(audit_log.c.id.desc()).limit(limit)
    return list(reversed((await connection.execute(query)).all()))
