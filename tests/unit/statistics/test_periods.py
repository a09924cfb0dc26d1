"""Days and hours of time zones: where days begin, and days in which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clearway.db.statistics import Interval
from clearway.domain.errors import UnprocessableError
from clearway.statistics.periods import buckets, compared, period_checked

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def test_today_begins_at_the_midnight_of_the_zone() -> None:
    """In India 12:00 UTC is 17:30, so today began at 18:30 UTC the day before; the others end at 17:30 too."""
    found = compared(NOON, "Asia/Kolkata")

    assert found.today == (datetime(2026, 3, 4, 18, 30, tzinfo=UTC), NOON)
    assert found.yesterday == (datetime(2026, 3, 3, 18, 30, tzinfo=UTC), NOON - timedelta(days=1))
    assert found.last_week == (datetime(2026, 2, 25, 18, 30, tzinfo=UTC), NOON - timedelta(days=7))


def test_the_same_time_of_day_is_compared_when_clocks_changed_between() -> None:
    """On Monday after the change of 29 March, 12:00 UTC is 14:00 in Berlin: a week ago 14:00 was 13:00 UTC."""
    now = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)
    assert compared(now, "Europe/Berlin").last_week == (
        datetime(2026, 3, 22, 23, 0, tzinfo=UTC),
        datetime(2026, 3, 23, 13, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(("day", "hours"), [(29, 23), (30, 24)])
def test_a_day_of_the_change_has_its_own_number_of_hours(day: int, hours: int) -> None:
    """No hour is missing and none is there twice."""
    since = datetime(2026, 3, day, 0, 0, tzinfo=UTC) - timedelta(hours=1 if day == 29 else 2)
    found = buckets(since, since + timedelta(hours=hours), Interval.HOUR, "Europe/Berlin")
    assert len(found) == hours
    assert len(buckets(since, since + timedelta(hours=hours), Interval.DAY, "Europe/Berlin")) == 1


def test_hours_may_begin_at_half_past() -> None:
    """In India an hour begins at half past in UTC, and the last one that has begun is there."""
    found = buckets(NOON, NOON + timedelta(minutes=45), Interval.HOUR, "Asia/Kolkata")
    assert found == [NOON - timedelta(minutes=30), NOON + timedelta(minutes=30)]


@pytest.mark.parametrize(
    ("length", "interval"),
    [(timedelta(0), Interval.DAY), (timedelta(days=32), Interval.HOUR), (timedelta(days=367), Interval.DAY)],
)
def test_a_period_has_bounds(length: timedelta, interval: Interval) -> None:
    """A period that is empty, or would have too many buckets, is refused."""
    with pytest.raises(UnprocessableError):
        period_checked(NOON, NOON + length, interval)
