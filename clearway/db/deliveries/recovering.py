"""Recoveries in the database: which events an endpoint has not received, and beginning their deliveries, in pages.

A recovery's row stores its progress, so a recovery that stops anywhere continues from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Result, Row, false, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import DueDelivery, due
from clearway.db.tables import events, webhook_deliveries, webhook_endpoints, webhook_recoveries
from clearway.db.writing import Rows, write
from clearway.domain.delivery import DeliveryStatus, RecoveryScope, RecoveryStatus
from clearway.domain.ids import DELIVERY, ENDPOINT, EVENT, NOUNS, first_id, new_id

SKEW: Final = timedelta(minutes=10)
"""An event's id is made by one process's clock and its time by another statement: look a little further than both."""
ENDED: Final = {
    RecoveryScope.FAILED: (DeliveryStatus.FAILED.value,),
    RecoveryScope.ALL_MISSING: (DeliveryStatus.FAILED.value, DeliveryStatus.CANCELLED.value),
}


@dataclass(frozen=True, slots=True)
class NewRecovery:
    """A recovery to be recorded: events from `since` to before `until`."""

    id: str
    merchant_id: str
    endpoint_id: str
    scope: RecoveryScope
    since: datetime
    until: datetime


async def add(connection: AsyncConnection, new: NewRecovery) -> Row[Any]:
    """Record a recovery that begins."""
    statement = (
        insert(webhook_recoveries)
        .values(
            id=new.id,
            merchant_id=new.merchant_id,
            endpoint_id=new.endpoint_id,
            scope=new.scope.value,
            since=new.since,
            until=new.until,
            reached=first_id(EVENT, new.since - SKEW),
        )
        .returning(webhook_recoveries)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def find(connection: AsyncConnection, merchant_id: str, recovery_id: str) -> Row[Any] | None:
    """Return the merchant's recovery, or None."""
    query = select(webhook_recoveries).where(
        webhook_recoveries.c.id == recovery_id, webhook_recoveries.c.merchant_id == merchant_id
    )
    return (await connection.execute(query)).one_or_none()


async def running(connection: AsyncConnection, merchant_id: str, endpoint_id: str) -> str | None:
    """Return the id of the endpoint's running recovery, or None."""
    query = select(webhook_recoveries.c.id).where(
        webhook_recoveries.c.merchant_id == merchant_id,
        webhook_recoveries.c.endpoint_id == endpoint_id,
        webhook_recoveries.c.status == RecoveryStatus.RUNNING.value,
    )
    found: str | None = await connection.scalar(query)
    return found


async def counts(connection: AsyncConnection, merchant_id: str, recovery_id: str) -> dict[str, int]:
    """Return how many deliveries of the recovery have each status."""
    column = webhook_deliveries.c
    query = (
        select(column.status, func.count().label("number"))
        .where(column.merchant_id == merchant_id, column.recovery_id == recovery_id)
        .group_by(column.status)
    )
    found: Result[Any] = await connection.execute(query)
    return {row.status: row.number for row in found}


async def unattempted(connection: AsyncConnection, merchant_id: str, recovery_id: str) -> list[DueDelivery]:
    """Return the recovery's deliveries that wait for their first attempt."""
    column = webhook_deliveries.c
    waiting = (
        (column.merchant_id == merchant_id)
        & (column.recovery_id == recovery_id)
        & (column.status == DeliveryStatus.PENDING.value)
        & (column.schedule_attempts == 0)
    )
    return await due(connection, waiting)


async def begin_page(
    connection: AsyncConnection, recovery: Row[Any], limit: int, now: datetime
) -> tuple[list[DueDelivery], bool]:
    """Begin the deliveries of the next page of events and record the progress; return them, and whether it is the last.

    The caller's transaction holds all of it. A delivery that has ended begins a new schedule; an event without a
    delivery gets one.
    """
    missed = (await connection.execute(_missed(recovery, limit))).all()
    again = [row.delivery_id for row in missed if row.delivery_id is not None]
    fresh = [_delivery_row(recovery, row, now) for row in missed if row.delivery_id is None]
    if again:
        await connection.execute(_reopened(recovery, again, now))
    if fresh:
        await write(connection, [Rows(webhook_deliveries, fresh, unless_there=True)])
    started = [*again, *(row["id"] for row in fresh)]
    column = webhook_deliveries.c
    mine = (column.merchant_id == recovery.merchant_id) & (column.recovery_id == recovery.id) & column.id.in_(started)
    begun = await due(connection, mine)
    is_last = len(missed) < limit
    values: dict[str, Any] = {"recovered": recovery.recovered + len(begun)}
    values |= {"reached": missed[-1].id} if missed else {}
    values |= {"status": RecoveryStatus.COMPLETED.value} if is_last else {}
    await change(connection, recovery, values, now)
    return begun, is_last


async def change(connection: AsyncConnection, recovery: Row[Any], values: dict[str, Any], now: datetime) -> None:
    """Set these columns of a running recovery."""
    mine = (webhook_recoveries.c.id == recovery.id) & (webhook_recoveries.c.merchant_id == recovery.merchant_id)
    await connection.execute(update(webhook_recoveries).where(mine).values(**values, updated_at=now))


async def lock(connection: AsyncConnection, merchant_id: str, recovery_id: str) -> Row[Any]:
    """Return a recovery with its endpoint's status, deleted_at and event_types; a second run of a page waits for it."""
    query = (
        select(
            webhook_recoveries,
            webhook_endpoints.c.status.label("endpoint_status"),
            webhook_endpoints.c.deleted_at.label("endpoint_deleted_at"),
            webhook_endpoints.c.event_types,
        )
        .join(webhook_endpoints, webhook_endpoints.c.id == webhook_recoveries.c.endpoint_id)
        .where(webhook_recoveries.c.id == recovery_id, webhook_recoveries.c.merchant_id == merchant_id)
        .with_for_update(of=webhook_recoveries)
    )
    row: Row[Any] = (await connection.execute(query)).one()
    return row


def _missed(recovery: Row[Any], limit: int) -> Any:
    delivery = webhook_deliveries.c
    to_endpoint = (delivery.event_id == events.c.id) & (delivery.endpoint_id == recovery.endpoint_id)
    ended = delivery.status.in_(ENDED[RecoveryScope(recovery.scope)]) & delivery.recovery_id.is_distinct_from(
        recovery.id
    )
    return (
        select(events.c.id, events.c.type, events.c.payment_id, delivery.id.label("delivery_id"))
        .outerjoin(webhook_deliveries, to_endpoint)
        .where(
            events.c.merchant_id == recovery.merchant_id,
            events.c.id > recovery.reached,
            events.c.id < first_id(EVENT, recovery.until + SKEW),
            events.c.created_at >= recovery.since,
            events.c.created_at < recovery.until,
            ended | _without_delivery(recovery),
        )
        .order_by(events.c.id)
        .limit(limit)
    )


def _without_delivery(recovery: Row[Any]) -> ColumnElement[bool]:
    """Events that had no delivery because the endpoint was disabled or not there yet, of the types it wants now."""
    if recovery.scope != RecoveryScope.ALL_MISSING.value:
        return false()
    # A test event is for the endpoint that it was sent to alone.
    wanted = webhook_deliveries.c.id.is_(None) & (events.c.subject_type != NOUNS[ENDPOINT])
    return wanted & events.c.type.in_(recovery.event_types) if recovery.event_types else wanted


def _reopened(recovery: Row[Any], delivery_ids: Sequence[str], now: datetime) -> Any:
    column = webhook_deliveries.c
    return (
        update(webhook_deliveries)
        .where(
            column.id.in_(delivery_ids),
            column.merchant_id == recovery.merchant_id,
            column.status.in_(ENDED[RecoveryScope(recovery.scope)]),
        )
        .values(
            status=DeliveryStatus.PENDING.value,
            recovery_id=recovery.id,
            schedule_attempts=0,
            next_attempt_at=now,
            updated_at=now,
        )
    )


def _delivery_row(recovery: Row[Any], event: Row[Any], now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(DELIVERY),
        "merchant_id": recovery.merchant_id,
        "event_id": event.id,
        "endpoint_id": recovery.endpoint_id,
        "event_type": event.type,
        "payment_id": event.payment_id,
        "recovery_id": recovery.id,
        "next_attempt_at": now,
        "created_at": now,
        "updated_at": now,
    }
