"""Days and hours of a time zone: what is compared on Home, and where the buckets of a chart begin. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from clearway.db.statistics import Interval
from clearway.domain.errors import UnprocessableError

DAYS_MAX: Final = 366
HOURLY_DAYS_MAX: Final = 31
WEEK: Final = timedelta(days=7)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Compared:
    """The part of a day that has passed, and the same part of yesterday and of the same day last week."""

    today: tuple[datetime, datetime]
    yesterday: tuple[datetime, datetime]
    last_week: tuple[datetime, datetime]


def compared(now: datetime, time_zone: str) -> Compared:
    """Return what is compared at this moment: from local midnight to the present time of day."""
    zone = ZoneInfo(time_zone)
    local = now.astimezone(zone)
    return Compared(
        (_moment(local.date(), time(), zone), now),
        _part_of_day(local - DAY, zone),
        _part_of_day(local - WEEK, zone),
    )


def period_checked(since: datetime, until: datetime, interval: Interval) -> None:
    """Refuse a period that is empty, or would have too many buckets. Raises UnprocessableError."""
    most = timedelta(days=HOURLY_DAYS_MAX if interval is Interval.HOUR else DAYS_MAX)
    if not timedelta(0) < until - since <= most:
        detail = f"`until` must be after `since`, by at most {most.days} days by {interval}. Ask for a shorter period."
        raise UnprocessableError("statistics_period_invalid", detail)


def period_too_full(beyond: datetime, begins: Sequence[datetime], most: int) -> UnprocessableError:
    """Return the refusal of a period with more payments than are added up at once. It says where a shorter one begins.

    beyond: when the newest payment was made that is too many. begins: of the buckets, in order.
    """
    later = [begin for begin in begins if begin > beyond]
    way = f"the newest one may begin at {later[0].isoformat()}" if later else "a part may be shorter than a bucket"
    detail = (
        f"The period has more than {most:,} payments, too many to add up at once. Nothing is shown, and payments are "
        f"not affected. Ask for it in parts: {way}."
    )
    return UnprocessableError("statistics_period_invalid", detail)


def buckets(since: datetime, until: datetime, interval: Interval, time_zone: str) -> list[datetime]:
    """Return when each hour or day of the period begins. The first one may begin before the period.

    A day in which clocks change has 23 or 25 hours, and in some zones hours begin at half past in UTC.
    """
    zone = ZoneInfo(time_zone)
    begins = _days(since, until, zone) if interval is Interval.DAY else _hours(since, until, zone)
    return sorted(set(begins))


def _part_of_day(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _moment(local.date(), time(), zone), _moment(local.date(), local.time(), zone)


def _days(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = since.astimezone(zone).date()
    while (begin := _moment(day, time(), zone)) < until:
        yield begin
        day += DAY


def _hours(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    at = since
    while at < until:
        yield at.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        at += timedelta(hours=1)
    yield (
        (until - timedelta(microseconds=1)).astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    )


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
