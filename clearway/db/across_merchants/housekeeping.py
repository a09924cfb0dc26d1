"""Queries of the maintenance workflow, for all merchants at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    delete,
    func,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import DueDelivery, due
from clearway.db.idempotency import TTL
from clearway.db.tables import (
    card_declines,
    idempotency_keys,
    webhook_deliveries,
    webhook_recoveries,
)
from clearway.domain.card_limits import COUNTED_FOR
from clearway.domain.delivery import DeliveryStatus, RecoveryStatus

PARTITIONS_AHEAD: Final = 6
"""Months. A round runs every few minutes: this is how long it may fail before rows go to the default partition."""


@dataclass(frozen=True, slots=True)
class RecoveryName:
    """The input of a recovery's workflow."""

    recovery_id: str
    merchant_id: str


async def overdue_deliveries(
    connection: AsyncConnection, before: datetime, limit: int, after: DueDelivery | None = None
) -> list[DueDelivery]:
    """Return pending deliveries whose next attempt is overdue, longest first: their workflow may be lost.

    `TemporalDeliveries.resume` asks Temporal, and does not touch a running workflow. after: the last id of the previous
    page.
    """
    column = webhook_deliveries.c
    overdue = (column.status == DeliveryStatus.PENDING.value) & (column.next_attempt_at < before)
    if after is not None:
        overdue &= tuple_(column.next_attempt_at, column.id) > (after.next_attempt_at, after.delivery_id)
    return await due(connection, overdue, limit=limit, order=(column.next_attempt_at, column.id))


@dataclass(frozen=True, slots=True)
class PartitionState:
    """The partitions of one table after a round.

    made: months created. missing: months that could not be created. outside: rows in the default partition, counted to
    10,000.
    """

    table: str
    made: int
    missing: int
    outside: int


async def ensure_partitions(connection: AsyncConnection) -> list[PartitionState]:
    """Create the missing partitions of this month and the next PARTITIONS_AHEAD months."""
    rows = await connection.execute(text("SELECT * FROM ensure_partitions(:ahead)"), {"ahead": PARTITIONS_AHEAD})
    return [PartitionState(*row) for row in rows]


async def expire_audit_log(connection: AsyncConnection, months: int) -> list[str]:
    """Drop the partitions of the audit log that end more than `months` ago; return their names."""
    found = await connection.execute(text("SELECT expire_audit_log(:months)"), {"months": months})
    return [str(name) for name in found.scalars()]


async def stale_recoveries(connection: AsyncConnection, before: datetime, limit: int) -> list[RecoveryName]:
    """Return running recoveries without progress since then: their workflow is lost."""
    column = webhook_recoveries.c
    stale = (column.status == RecoveryStatus.RUNNING.value) & (column.updated_at < before)
    query = select(column.id, column.merchant_id).where(stale).order_by(column.updated_at).limit(limit)
    return [RecoveryName(*row) for row in await connection.execute(query)]


async def forget_idempotency_keys(connection: AsyncConnection) -> int:
    """Delete the keys that have expired; return how many."""
    expired = idempotency_keys.c.created_at < func.now() - TTL
    return (await connection.execute(delete(idempotency_keys).where(expired))).rowcount


async def forget_card_declines(connection: AsyncConnection) -> int:
    """Delete the declines of cards that no limit counts any more; return how many."""
    expired = card_declines.c.declined_at < func.now() - COUNTED_FOR
    return (await connection.execute(delete(card_declines).where(expired))).rowcount
