"""Read the figures of a merchant: the overview of today, and series by hour or day.

All statements of one answer see the same state of the database, and each is cancelled when it takes too long.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db import gateway_health, gateways, statistics
from clearway.db.statistics import Deliveries, Interval, Period, SeriesBy, Waiting
from clearway.domain.errors import UnavailableError
from clearway.domain.gateway_health import HealthStatus
from clearway.statistics.periods import buckets, compared, period_checked, period_too_full
from clearway.statistics.tally import Tally, tally

CANCELLED: Final = "57014"
"""SQLSTATE of a statement that took too long."""


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """The figures of one period. refunds: rows of `currency, refunds, amount_minor`. deliveries: by status.

    complete: payments, refunds are all of the period; else the newest `SUMMED_MAX`, and there may be more.
    """

    since: datetime
    until: datetime
    payments: Tally
    refunds: Sequence[Row[Any]]
    deliveries: Deliveries
    complete: bool
    refunds_complete: bool


@dataclass(frozen=True, slots=True)
class GatewayFigures:
    """A gateway's configuration, its health (None: it was never checked) and its payments of today."""

    config: Row[Any]
    health: HealthStatus | None
    payments: Tally


@dataclass(frozen=True, slots=True)
class Overview:
    """Today beside yesterday and the same day last week, and what waits now."""

    today: PeriodFigures
    yesterday: PeriodFigures
    last_week: PeriodFigures
    waiting: Waiting
    gateways: Sequence[GatewayFigures]


@dataclass(frozen=True, slots=True)
class Line:
    """One series: the counts of each bucket that has payments."""

    currency: str
    group: str | None
    at: dict[datetime, Tally]


@dataclass(frozen=True, slots=True)
class Series:
    """Series over the same buckets."""

    buckets: Sequence[datetime]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """Which series. currency None: one of each."""

    period: Period
    interval: Interval
    by: SeriesBy | None
    time_zone: str
    currency: str | None


async def overview(engine: AsyncEngine, merchant_id: str, now: datetime, time_zone: str) -> Overview:
    """Return the figures of Home. Raises UnavailableError when they take too long."""
    periods = compared(now, time_zone)
    async with _limited(engine) as connection:
        read = [
            await _figures(connection, Period(merchant_id, *each))
            for each in (periods.today, periods.yesterday, periods.last_week)
        ]
        (today, rows), (yesterday, _), (last_week, _) = read
        return Overview(
            today,
            yesterday,
            last_week,
            await statistics.waiting(connection, merchant_id),
            await _gateways(connection, merchant_id, rows),
        )


async def series(engine: AsyncEngine, wanted: SeriesRequest) -> Series:
    """Return series for charts. Raises UnprocessableError for a period that is wrong or too full, UnavailableError."""
    period = wanted.period
    period_checked(period.since, period.until, wanted.interval)
    begins = buckets(period.since, period.until, wanted.interval, wanted.time_zone)
    async with _limited(engine) as connection:
        beyond = await statistics.beyond_sum(connection, period)
        if beyond is not None:
            raise period_too_full(beyond, begins, statistics.SUMMED_MAX)
        rows = await statistics.of_buckets(connection, period, begins, wanted.by, wanted.currency)
    lines: dict[tuple[str, str], Line] = {}
    for row in rows:
        line = lines.setdefault((row.currency, row.part or ""), Line(row.currency, row.part, {}))
        line.at.setdefault(row.bucket, Tally()).add(row)
    return Series(begins, [lines[key] for key in sorted(lines)])


async def _figures(connection: AsyncConnection, period: Period) -> tuple[PeriodFigures, Sequence[Row[Any]]]:
    rows = await statistics.of_payments(connection, period)
    payments, refunds = tally(rows), await statistics.of_refunds(connection, period)
    figures = PeriodFigures(
        period.since,
        period.until,
        payments,
        refunds,
        await statistics.of_deliveries(connection, period),
        complete=payments.created < statistics.SUMMED_MAX,
        refunds_complete=sum(row.refunds for row in refunds) < statistics.SUMMED_MAX,
    )
    return figures, rows


async def _gateways(connection: AsyncConnection, merchant_id: str, rows: Sequence[Row[Any]]) -> list[GatewayFigures]:
    health = await gateway_health.statuses(connection, merchant_id)
    return [
        GatewayFigures(config, health.get(config.id), tally(row for row in rows if row.gateway_id == config.id))
        for config in await gateways.list_all(connection, merchant_id)
    ]


@asynccontextmanager
async def _limited(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a read-only snapshot whose statements may not take long. Raises UnavailableError when one does."""
    try:
        async with engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            await statistics.limit_statements(connection)
            yield connection
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != CANCELLED:
            raise
        detail = (
            "The query for these figures took too long, so nothing is shown. Payments are not affected. "
            "Ask for a shorter period, or try again in a minute."
        )
        raise UnavailableError("statistics_too_slow", detail) from error
