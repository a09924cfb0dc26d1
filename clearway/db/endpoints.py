"""Webhook endpoints, as stored: where a merchant's webhooks go, and the secrets that sign them.

Secrets come in and go out encrypted, never in plain text. Deleted endpoints stay as rows, because their
deliveries refer to them. Only `repeated` returns them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import audit_log, merchants, webhook_endpoints
from clearway.domain.ids import AUDIT_ENTRY, earliest
from clearway.domain.limits import WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX

ROTATION: Final = "webhook_endpoint.rotate_secret"
"""The action of a rotation in the audit log; its detail has the id of the request."""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint to be recorded. event_types empty: all. secret: encrypted."""

    id: str
    merchant_id: str
    url: str
    description: str | None
    event_types: tuple[str, ...]
    retry_intervals_s: tuple[int, ...] | None
    secret: str


async def repeated(connection: AsyncConnection, merchant_id: str, endpoint_id: str) -> Row[Any] | None:
    """Return the endpoint that the same request recorded before, even if deleted since."""
    query = select(webhook_endpoints).where(
        webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.merchant_id == merchant_id
    )
    return (await connection.execute(query)).one_or_none()


async def has_room(connection: AsyncConnection, merchant_id: str) -> bool:
    """Return whether the merchant may have one more; nobody else adds one until this transaction ends."""
    # FOR NO KEY UPDATE: creations of one merchant wait for each other; payments, which refer to the row, do not wait.
    lock = select(merchants.c.id).where(merchants.c.id == merchant_id).with_for_update(key_share=True)
    await connection.execute(lock)
    count = await connection.scalar(select(func.count()).where(*_live(merchant_id)))
    return int(count or 0) < WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX


async def add(connection: AsyncConnection, new: NewEndpoint) -> Row[Any]:
    """Record an endpoint."""
    statement = (
        insert(webhook_endpoints)
        .values(
            id=new.id,
            merchant_id=new.merchant_id,
            url=new.url,
            description=new.description,
            event_types=list(new.event_types),
            retry_intervals_s=None if new.retry_intervals_s is None else list(new.retry_intervals_s),
            secret=new.secret,
        )
        .returning(webhook_endpoints)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def find(connection: AsyncConnection, merchant_id: str, endpoint_id: str) -> Row[Any] | None:
    """Return the merchant's endpoint, or None."""
    query = select(webhook_endpoints).where(*_live(merchant_id), webhook_endpoints.c.id == endpoint_id)
    return (await connection.execute(query)).one_or_none()


async def lock(connection: AsyncConnection, merchant_id: str, endpoint_id: str) -> Row[Any] | None:
    """Return the merchant's endpoint, locked until this transaction ends, or None."""
    query = select(webhook_endpoints).where(*_live(merchant_id), webhook_endpoints.c.id == endpoint_id)
    row: Row[Any] | None = (await connection.execute(query.with_for_update(key_share=True))).one_or_none()
    return row


async def list_endpoints(connection: AsyncConnection, merchant_id: str, page: PageRequest) -> Rows:
    """Return one page of the merchant's endpoints, newest first."""
    query = select(webhook_endpoints).where(*_live(merchant_id))
    return await fetch_page(connection, query, webhook_endpoints.c.id, page)


async def change(
    connection: AsyncConnection, merchant_id: str, endpoint_id: str, values: dict[str, Any], now: datetime
) -> Row[Any]:
    """Set these columns and return the changed endpoint."""
    statement = (
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.merchant_id == merchant_id)
        .values(**values, updated_at=now)
        .returning(webhook_endpoints)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def rotation_is_recorded(
    connection: AsyncConnection, merchant_id: str, endpoint_id: str, rotation_id: str
) -> bool:
    """Return whether the secret was already rotated with this id: a second rotation would lose the secret in use."""
    query = select(audit_log.c.id).where(
        audit_log.c.merchant_id == merchant_id,
        audit_log.c.subject_id == endpoint_id,
        audit_log.c.action == ROTATION,
        audit_log.c.id >= earliest(AUDIT_ENTRY, rotation_id),
        audit_log.c.detail["rotation_id"].astext == rotation_id,
    )
    return await connection.scalar(query) is not None


def secret_context(endpoint_id: str) -> str:
    """Return the context that binds an endpoint's encrypted secret to its row."""
    return f"webhook_endpoints/{endpoint_id}/secret"


def _live(merchant_id: str) -> tuple[Any, ...]:
    return (webhook_endpoints.c.merchant_id == merchant_id, webhook_endpoints.c.deleted_at.is_(None))
