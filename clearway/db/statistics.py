"""Sums of a merchant's rows, for the figures of Home and for charts. Read only; no row is shown as it is.

`ix_payments_merchant_id_created_at` covers every column that is read of payments, so a period costs one scan of its
part of that index. A series is refused when that part is longer than `SUMMED_MAX`; the figures of Home are of the
newest so many. A statement that takes longer than `STATEMENT_TIMEOUT_MS` is cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Result,
    Row,
    ScalarSelect,
    Select,
    Table,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.deliveries.reading import kinds
from clearway.db.tables import payments, refunds, webhook_deliveries, webhook_endpoints
from clearway.db.walks import Way, parts_of
from clearway.domain import payment
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.ids import DELIVERY, REFUND, first_id
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus

STATEMENT_TIMEOUT_MS: Final = 3_000
SUMMED_MAX: Final = 500_000
"""Payments of a series, or of a period of Home; so too refunds, and deliveries of one type and status. To add up so
many takes about half a second of a processor."""
WAITING_MAX: Final = 10_000
"""Of each thing that waits now, so many are counted at most. Whoever has more of them needs no exact number."""
OPEN: Final = frozenset(PaymentStatus) - payment.FINAL - {PaymentStatus.AUTHORIZED, PaymentStatus.NEEDS_REVIEW}
"""Nothing is decided yet."""


class Interval(StrEnum):
    """How long a bucket of a series is."""

    HOUR = "hour"
    DAY = "day"


class SeriesBy(StrEnum):
    """What a series is divided by, besides the currency."""

    METHOD = "method"
    GATEWAY = "gateway"
    STATUS = "status"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Period:
    """The rows of a merchant that were created since (inclusive) until (exclusive)."""

    merchant_id: str
    since: datetime
    until: datetime


async def limit_statements(connection: AsyncConnection) -> None:
    """Cancel statements of this transaction that take too long."""
    await connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}"))


async def of_payments(connection: AsyncConnection, period: Period) -> Sequence[Row[Any]]:
    """Return rows of `currency, status, reason, gateway_id, payments, captured_minor`; reason: of failed ones.

    They add up the newest `SUMMED_MAX` payments of the period.
    """
    parts = (payments.c.currency, payments.c.status, _reason().label("reason"), payments.c.gateway_id)
    newest = (
        _payments_of(select(*parts, payments.c.captured_minor), period.merchant_id, period.since, period.until)
        .order_by(payments.c.created_at.desc())
        .limit(SUMMED_MAX)
        .subquery("newest")
    )
    return await _rows(connection, _summed(newest.c, *(newest.c[part.name] for part in parts)))


async def beyond_sum(connection: AsyncConnection, period: Period) -> datetime | None:
    """Return when the newest payment was made that is too many for a series; None: the whole period is not too much."""
    created_at = payments.c.created_at
    query = (
        select(created_at)
        .where(payments.c.merchant_id == period.merchant_id, created_at >= period.since, created_at < period.until)
        .order_by(created_at.desc())
        .offset(SUMMED_MAX)
        .limit(1)
    )
    beyond: datetime | None = await connection.scalar(query)
    return beyond


async def of_buckets(
    connection: AsyncConnection, period: Period, begins: Sequence[datetime], by: SeriesBy | None, currency: str | None
) -> Sequence[Row[Any]]:
    """Return rows of `bucket, part, currency, status, payments, captured_minor`.

    begins: when each bucket begins, in order; the first one at or before the period. Each is added up by itself: to
    find the bucket of every payment takes more than twice as long.
    """
    zoned = ARRAY(DateTime(timezone=True))
    bounds = func.unnest(cast(list(begins), zoned), cast([*begins[1:], period.until], zoned))
    bucket = bounds.table_valued("begin", "end", name="bucket").render_derived()
    begin = func.greatest(bucket.c.begin, cast(period.since, DateTime(timezone=True)))
    sums = _sums(
        period.merchant_id, begin, bucket.c.end, _part(by).label("part"), payments.c.currency, payments.c.status
    )
    if currency is not None:
        sums = sums.where(payments.c.currency == currency)
    if by is SeriesBy.REASON:
        sums = sums.where(payments.c.status == PaymentStatus.FAILED.value)
    each = sums.lateral("each")
    query = select(bucket.c.begin.label("bucket"), *each.c).select_from(bucket.join(each, true()))
    return await _rows(connection, query)


async def of_refunds(connection: AsyncConnection, period: Period) -> Sequence[Row[Any]]:
    """Return rows of `currency, refunds, amount_minor` of refunds that are processed or on the way.

    They add up the newest `SUMMED_MAX` of the period.
    """
    newest = (
        select(refunds.c.currency, refunds.c.amount_minor)
        .where(
            refunds.c.merchant_id == period.merchant_id,
            refunds.c.id >= first_id(REFUND, period.since),
            refunds.c.id < first_id(REFUND, period.until),
            refunds.c.status.in_([RefundStatus.PENDING.value, RefundStatus.PROCESSED.value]),
        )
        .order_by(refunds.c.id.desc())
        .limit(SUMMED_MAX)
        .subquery("newest")
    )
    sums = (func.count().label("refunds"), func.sum(newest.c.amount_minor).label("amount_minor"))
    query = select(newest.c.currency, *sums).group_by(newest.c.currency)
    return (await connection.execute(query)).all()


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How many webhook deliveries have each status. complete: none of a type and status is left out."""

    by_status: dict[str, int]
    complete: bool


async def of_deliveries(connection: AsyncConnection, period: Period) -> Deliveries:
    """Count the webhook deliveries of the period by their status, at most `SUMMED_MAX` of each type and status."""
    column = webhook_deliveries.c
    parts = parts_of(Way((), kinds()))
    counted = select(literal(1).label("one")).where(
        column.merchant_id == period.merchant_id,
        column.status == parts.c.status,
        column.event_type == parts.c.event_type,
        column.id >= first_id(DELIVERY, period.since),
        column.id < first_id(DELIVERY, period.until),
    )
    each = counted.limit(SUMMED_MAX).lateral("each")
    query = select(parts.c.status, func.count()).select_from(parts.join(each, true()))
    by_status: dict[str, int] = {}
    complete = True
    for status, number in await connection.execute(query.group_by(parts.c.status, parts.c.event_type)):
        by_status[status] = by_status.get(status, 0) + number
        complete = complete and number < SUMMED_MAX
    return Deliveries(by_status, complete=complete)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What needs somebody's attention now, however old it is. Each count ends at `WAITING_MAX`."""

    payments_open: int
    payments_in_review: int
    refunds_in_review: int
    endpoints_disabled: int


async def waiting(connection: AsyncConnection, merchant_id: str) -> Waiting:
    """Return how much is open, in review or disabled."""

    def counted(table: Table, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
        some = select(literal(1)).select_from(table).where(table.c.merchant_id == merchant_id, *conditions)
        return select(func.count()).select_from(some.limit(WAITING_MAX).subquery()).scalar_subquery()

    endpoint = webhook_endpoints.c
    query = select(
        counted(payments, payments.c.status.in_(sorted(OPEN))),
        counted(payments, payments.c.status == PaymentStatus.NEEDS_REVIEW.value),
        counted(refunds, refunds.c.status == RefundStatus.NEEDS_REVIEW.value),
        counted(webhook_endpoints, endpoint.status == EndpointStatus.DISABLED.value, endpoint.deleted_at.is_(None)),
    )
    return Waiting(*(await connection.execute(query)).one())


async def _rows(connection: AsyncConnection, query: Select[Any]) -> Sequence[Row[Any]]:
    found: Result[Any] = await connection.execute(query)
    return found.all()


def _sums(merchant_id: str, since: Any, until: Any, *parts: ColumnElement[Any]) -> Select[Any]:
    """Count the payments of a time and add what was captured, by these parts."""
    return _payments_of(_summed(payments.c, *parts), merchant_id, since, until)


def _summed(column: Any, *parts: ColumnElement[Any]) -> Select[Any]:
    """Count rows and add what was captured, by these parts. column: of the rows."""
    sums = (func.count().label("payments"), func.sum(column.captured_minor).label("captured_minor"))
    return select(*parts, *sums).group_by(*parts)


def _payments_of(query: Select[Any], merchant_id: str, since: Any, until: Any) -> Select[Any]:
    """Restrict a query to a merchant's payments of a time."""
    created_at = payments.c.created_at
    return query.where(payments.c.merchant_id == merchant_id, created_at >= since, created_at < until)


def _reason() -> ColumnElement[Any]:
    """Return the unified error code of a failed payment; another's is that of an attempt before the last."""
    return case((payments.c.status == PaymentStatus.FAILED.value, payments.c.error_code))


def _part(by: SeriesBy | None) -> ColumnElement[Any]:
    match by:
        case None:
            return cast(null(), Text)
        case SeriesBy.METHOD:
            return payments.c.method
        case SeriesBy.GATEWAY:
            return payments.c.gateway_id
        case SeriesBy.STATUS:
            return payments.c.status
        case SeriesBy.REASON:
            return payments.c.error_code
