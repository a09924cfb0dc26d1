"""`/statistics`: what a merchant's payments add up to. docs/statistics.md defines each figure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import CurrencyCode, Time, TimeZone
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ApiServices, ServicesDep
from api.statistics.schemas import OverviewResource, SeriesResource, overview_resource, series_resource
from clearway.accounts import merchant_settings
from clearway.db.statistics import Interval, Period, SeriesBy
from clearway.domain.permissions import Permission
from clearway.statistics import reading
from clearway.statistics.periods import WEEK
from clearway.statistics.reading import SeriesRequest

router = Router(prefix="/statistics", tags=["statistics"])

Reader = Annotated[Principal, requires(Permission.STATISTICS_READ)]
Zone = Annotated[TimeZone | None, Query(description="Where days begin: an IANA name. Default: that of your settings.")]


@router.get("/overview", responses=declare(*TO_MERCHANTS, "statistics_too_slow"), summary="Read the figures of today")
async def get_overview(principal: Reader, services: ServicesDep, time_zone: Zone = None) -> OverviewResource:
    """Read the figures of today, beside yesterday and the same day last week, and what needs attention now.

    Each of the three periods ends at the current time of day, so that they can be compared.
    """
    now = datetime.now(UTC)
    zone = time_zone or await _own_zone(services, principal)
    found = await reading.overview(services.engine, principal.merchant_id, now, zone)
    return overview_resource(found, now, zone)


@router.get(
    "/series",
    responses=declare(*TO_MERCHANTS, "statistics_period_invalid", "statistics_too_slow"),
    summary="Read series for charts",
)
async def get_series(
    principal: Reader,
    services: ServicesDep,
    *,
    since: Annotated[Time | None, Query(description="RFC 3339, inclusive. Default: 7 days before `until`.")] = None,
    until: Annotated[Time | None, Query(description="RFC 3339, exclusive. Default: now.")] = None,
    interval: Annotated[Interval, Query(description="At most 31 days by hour, 366 by day.")] = Interval.DAY,
    by: Annotated[SeriesBy | None, Query(description="`reason`: only failed payments.")] = None,
    currency: CurrencyCode | None = None,
    time_zone: Zone = None,
) -> SeriesResource:
    """Read counts and volume of payments by the hour or day in which they were created: one series per currency.

    A period with more than 500,000 payments is refused; `detail` names the earliest `since` that is accepted.
    """
    ends = until or datetime.now(UTC)
    period = Period(principal.merchant_id, since or ends - WEEK, ends)
    zone = time_zone or await _own_zone(services, principal)
    asked = SeriesRequest(period, interval, by, zone, currency)
    return series_resource(await reading.series(services.engine, asked), asked)


async def _own_zone(services: ApiServices, principal: Principal) -> str:
    async with services.reader.connect() as connection:
        return await merchant_settings.time_zone(connection, principal.merchant_id)
