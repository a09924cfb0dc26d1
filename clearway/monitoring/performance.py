"""How a merchant's gateways perform: latency, technical errors, success rate and volume.

The success rate is approvals / (approvals + declines of issuers). Wrong data, cancelled pages and technical failures
are in neither: they say nothing about how a gateway's payments are judged. A payment counts once it is decided, in the
hour in which its attempt began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import performance
from clearway.db.performance import GroupBy, Scope
from clearway.domain.errors import UnprocessableError
from clearway.domain.gateway_error import Cause
from clearway.gateways.errors.table import TABLE

DAYS_MAX: Final = 92
HOURLY_DAYS_MAX: Final = 31
"""By hour there are more groups."""
ISSUER_CODES: Final = frozenset(code for code, row in TABLE.unified.items() if row.cause is Cause.ISSUER)


@dataclass(slots=True)
class Figures:
    """What happened in one group.

    percentiles_ms: p50, p95, p99; None without calls. attempts: payment attempts, decided or not. volume_minor: the
    approved amounts, by currency.
    """

    calls: int = 0
    failures: int = 0
    percentiles_ms: tuple[int, int, int] | None = None
    attempts: int = 0
    approved: int = 0
    declined: int = 0
    volume_minor: dict[str, int] = field(default_factory=dict)

    @property
    def error_rate(self) -> float | None:
        """The share of calls that failed technically; None without calls."""
        return _share(self.failures, self.calls)

    @property
    def success_rate(self) -> float | None:
        """The share of approvals in what issuers decided; None when they decided nothing."""
        return _share(self.approved, self.approved + self.declined)


@dataclass(frozen=True, slots=True)
class Performance:
    """The figures of a time, whole and by group; groups is empty when no division was asked for."""

    whole: Figures
    groups: Sequence[tuple[str, Figures]]


async def read(connection: AsyncConnection, scope: Scope, by: GroupBy | None) -> Performance:
    """Return the figures. Raises UnprocessableError for a period that is empty or too long."""
    _period_checked(scope, by)
    whole, groups = Figures(), dict[str, Figures]()
    for row in await performance.of_calls(connection, scope, by):
        for figures in _counted_in(row, whole if row.whole else None, groups):
            figures.calls, figures.failures = row.calls, row.failures
            figures.percentiles_ms = _rounded(row.percentiles)
    for row in await performance.of_payments(connection, scope, by, ISSUER_CODES):
        for figures in _counted_in(row, whole, groups):
            figures.attempts += row.attempts
            figures.approved += row.approved
            figures.declined += row.declined
            if row.approved:
                figures.volume_minor[row.currency] = figures.volume_minor.get(row.currency, 0) + int(row.approved_minor)
    return Performance(whole, sorted(groups.items()))


def _counted_in(row: Row[Any], whole: Figures | None, groups: dict[str, Figures]) -> Iterable[Figures]:
    """Return what a row counts in: the whole, if given, and its group, if that has a name (refunds have no method)."""
    if whole is not None:
        yield whole
    if row.part is not None:
        yield groups.setdefault(row.part, Figures())


def _rounded(percentiles: Sequence[float] | None) -> tuple[int, int, int] | None:
    if percentiles is None:
        return None
    p50, p95, p99 = (round(each) for each in percentiles)
    return p50, p95, p99


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _period_checked(scope: Scope, by: GroupBy | None) -> None:
    most = timedelta(days=HOURLY_DAYS_MAX if by is GroupBy.HOUR else DAYS_MAX)
    if not timedelta(0) < scope.until - scope.since <= most:
        detail = f"`until` must be after `since`, by at most {most.days} days. Ask for a shorter period."
        raise UnprocessableError("performance_period_invalid", detail)
