"""Open payments and refunds, for the sweep that finds lost workflows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Row,
    Select,
    Table,
    exists,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.reconciliation.items import CLOSED_BY_A_PERSON
from clearway.db.tables import (
    captures,
    gateway_events,
    payments,
    reconciliation_items,
    refunds,
)
from clearway.domain import payment, refund
from clearway.domain.gateway_event import Verdict
from clearway.domain.payment import PaymentStatus
from clearway.domain.reconciliation import Comparison, operation_subject
from clearway.domain.refund import RefundStatus


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A payment or refund that has not ended. untouched_since: when its row was last written."""

    id: str
    merchant_id: str
    status: str
    untouched_since: datetime


_OPEN_PAYMENTS: Final = payments.c.status.in_(sorted(frozenset(PaymentStatus) - payment.FINAL))


_OPEN_REFUNDS: Final = refunds.c.status.in_(sorted(frozenset(RefundStatus) - refund.FINAL))


async def open_payments(
    connection: AsyncConnection, untouched_since: datetime, *, after: str, limit: int
) -> list[OpenRow]:
    """Return open payments by id, after the id `after`."""
    query = _open(payments, untouched_since, after).where(_OPEN_PAYMENTS)
    return [OpenRow(*row) for row in await connection.execute(query.limit(limit))]


async def open_refunds(
    connection: AsyncConnection, untouched_since: datetime, *, after: str, limit: int
) -> list[OpenRow]:
    """Return open refunds by id, after the id `after`."""
    query = _open(refunds, untouched_since, after).where(_OPEN_REFUNDS)
    return [OpenRow(*row) for row in await connection.execute(query.limit(limit))]


def _open(table: Table, untouched_since: datetime, after: str) -> Select[Any]:
    column = table.c
    query = select(column.id, column.merchant_id, column.status, column.updated_at)
    return query.where(column.id > after, column.updated_at < untouched_since).order_by(column.id)


async def payment_row(connection: AsyncConnection, payment_id: str) -> Row[Any] | None:
    """Return any merchant's payment with all columns: for a run that continues from it."""
    return (await connection.execute(select(payments).where(payments.c.id == payment_id))).one_or_none()


async def refund_row(connection: AsyncConnection, refund_id: str) -> Row[Any] | None:
    """Return any merchant's refund with all columns, and its payment's order: for a run that continues from it."""
    query = (
        select(refunds, payments.c.order_id)
        .join(payments, payments.c.id == refunds.c.payment_id)
        .where(refunds.c.id == refund_id)
    )
    return (await connection.execute(query)).one_or_none()


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of the stored rows. payments: status and captured amount by id. captures: gateway references."""

    payments: Mapping[str, tuple[str, int]]
    refunds: Mapping[str, str]
    captures: frozenset[str]


async def standing(
    connection: AsyncConnection,
    payment_ids: Collection[str],
    refund_ids: Collection[str],
    capture_references: Collection[str],
) -> Standing:
    """Return the state of these payments, refunds and captures; those without a row are left out."""
    found = select(payments.c.id, payments.c.status, payments.c.captured_minor).where(payments.c.id.in_(payment_ids))
    there = {row.id: (row.status, row.captured_minor) for row in await connection.execute(found)}
    refunded = select(refunds.c.id, refunds.c.status).where(refunds.c.id.in_(refund_ids))
    statuses = {row.id: row.status for row in await connection.execute(refunded)}
    booked = select(captures.c.gateway_reference).where(
        captures.c.payment_id.in_(payment_ids), captures.c.gateway_reference.in_(capture_references)
    )
    return Standing(there, statuses, frozenset((await connection.execute(booked)).scalars()))


async def settled_operations(connection: AsyncConnection, gateway_id: str, keys: Collection[str]) -> frozenset[str]:
    """Return which of a gateway's operations have a reconciliation item that a person closed, by operation key."""
    item = reconciliation_items.c
    query = select(item.subject).where(
        item.gateway_id == gateway_id,
        item.comparison == Comparison.OPERATIONS.value,
        item.subject.in_([operation_subject(key) for key in keys]),
        CLOSED_BY_A_PERSON,
    )
    closed = set((await connection.execute(query)).scalars())
    return frozenset(key for key in keys if operation_subject(key) in closed)


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A gateway event about a payment or refund that has no row."""

    gateway: str
    event_id: str
    operation_key: str
    received_at: datetime


UNKNOWN_EVENTS_MAX: Final = 1_000


async def unknown_events(connection: AsyncConnection, since: datetime) -> list[UnknownEvent]:
    """Return the newest gateway events about payments and refunds without a row."""
    column = gateway_events.c
    is_payment = exists().where(payments.c.id == column.subject_id)
    is_refund = exists().where(refunds.c.id == column.subject_id)
    query = (
        select(column.gateway, column.event_id, column.operation_key, column.received_at)
        .where(column.verdict == Verdict.VERIFIED.value, column.received_at >= since, ~is_payment, ~is_refund)
        .order_by(column.received_at.desc())
        .limit(UNKNOWN_EVENTS_MAX)
    )
    return [UnknownEvent(*row) for row in await connection.execute(query)]
