"""Mails that somebody asked for by an address: stored with the answer, and taken when the mail is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import mail_requests


def request_context(request_id: str) -> str:
    """Return the context that binds an encrypted request to its row."""
    return f"mail_requests/{request_id}/request"


async def add(connection: AsyncConnection, request_id: str, sealed_request: str) -> None:
    """Store a request."""
    values = {"id": request_id, "sealed_request": sealed_request}
    await connection.execute(insert(mail_requests).values(values))


async def take(connection: AsyncConnection, request_id: str) -> str | None:
    """Remove a request and return it; None: it is taken. It is back when this transaction does not commit."""
    taken = delete(mail_requests).where(mail_requests.c.id == request_id).returning(mail_requests.c.sealed_request)
    return (await connection.execute(taken)).scalar_one_or_none()


async def waiting(connection: AsyncConnection, before: datetime, limit: int) -> Sequence[str]:
    """Return requests that nobody took since then, the oldest first."""
    old = mail_requests.c.created_at < before
    query = select(mail_requests.c.id).where(old).order_by(mail_requests.c.created_at).limit(limit)
    return list((await connection.execute(query)).scalars())
