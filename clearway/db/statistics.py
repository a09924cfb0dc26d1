"""Sums of a merchant's rows, for the figures of Home and for charts. Read only; no row is shown as it is.

`ix_payments_merchant_id_created_at` covers every column that is read of payments, so a period costs one scan of its
part of that index. A series is refused when that part is longer than `SUMMED_MAX`. A statement that takes longer than
`STATEMENT_TIMEOUT_MS` is cancelled.
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
    Select,
    Text,
    case,
    cast,
    func,
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
"""Payments of a series. To add up so many takes about half a second of a processor."""
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
    """Return rows of `currency, status, reason, gateway_id, payments, captured_minor`; reason: of failed ones."""
    parts = (payments.c.currency, payments.c.status, _reason().label("reason"), payments.c.gateway_id)
    return await _rows(connection, _sums(period.merchant_id, period.since, period.until, *parts))


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
    """Return rows of `currency, refunds, amount_minor` of refunds that are processed or on the way."""
    query = (
        select(
            refunds.c.currency, func.count().label("refunds"), func.sum(refunds.c.amount_minor).label("amount_minor")
        )
        .where(
            refunds.c.merchant_id == period.merchant_id,
            refunds.c.id >= first_id(REFUND, period.since),
            refunds.c.id < first_id(REFUND, period.until),
            refunds.c.status.in_([RefundStatus.PENDING.value, RefundStatus.PROCESSED.value]),
        )
        .group_by(refunds.c.currency)
    )
    return (await connection.execute(query)).all()


async def of_deliveries(connection: AsyncConnection, period: Period) -> dict[str, int]:
    """Return how many webhook deliveries have each status."""
    column = webhook_deliveries.c
    parts = parts_of(Way((), kinds()))
    counted = select(func.count().label("number")).where(
        column.merchant_id == period.merchant_id,
        column.status == parts.c.status,
        column.event_type == parts.c.event_type,
        column.id >= first_id(DELIVERY, period.since),
        column.id < first_id(DELIVERY, period.until),
    )
    each = counted.lateral("each")
    number = func.sum(each.c.number)
    query = select(parts.c.status, number).select_from(parts.join(each, true())).group_by(parts.c.status)
    rows = (await connection.execute(query.having(number > 0))).all()
    return {row[0]: int(row[1]) for row in rows}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What needs somebody's attention now, however old it is."""

    payments_open: int
    payments_in_review: int
    refunds_in_review: int
    endpoints_disabled: int


async def waiting(connection: AsyncConnection, merchant_id: str) -> Waiting:
    """Return how much is open, in review or disabled."""
    of_payments = select(func.count()).where(payments.c.merchant_id == merchant_id)
    of_refunds = select(func.count()).where(refunds.c.merchant_id == merchant_id)
    of_endpoints = select(func.count()).where(webhook_endpoints.c.merchant_id == merchant_id)
    query = select(
        of_payments.where(payments.c.status.in_(sorted(OPEN))).scalar_subquery(),
        of_payments.where(payments.c.status == PaymentStatus.NEEDS_REVIEW.value).scalar_subquery(),
        of_refunds.where(refunds.c.status == RefundStatus.NEEDS_REVIEW.value).scalar_subquery(),
        of_endpoints.where(
            webhook_endpoints.c.status == EndpointStatus.DISABLED.value, webhook_endpoints.c.deleted_at.is_(None)
        ).scalar_subquery(),
    )
    return Waiting(*(await connection.execute(query)).one())


async def _rows(connection: AsyncConnection, query: Select[Any]) -> Sequence[Row[Any]]:
    found: Result[Any] = await connection.execute(query)
    return found.all()


def _sums(merchant_id: str, since: Any, until: Any, *parts: ColumnElement[Any]) -> Select[Any]:
    """Count the payments of a time and add what was captured, by these parts."""
    created_at = payments.c.created_at
    return (
        select(
            *parts,
            func.count().label("payments"),
            func.sum(payments.c.captured_minor).label("captured_minor"),
        )
        .where(payments.c.merchant_id == merchant_id, created_at >= since, created_at < until)
        .group_by(*parts)
    )


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
