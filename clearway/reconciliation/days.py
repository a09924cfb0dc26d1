"""Which gateways are due: those whose last whole day, by the gateway's time zone, is not compared yet.

A day is compared once its last moment is older than the lags of the gateway's lists; those that may be days late do not
count, because a run compares them for earlier days (`Page.window`). Days that were missed are one period with the next,
up to a limit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from clearway.db import across_merchants
from clearway.db.reconciliation import runs
from clearway.domain.gateway import GatewayConfig
from clearway.gateways.connections import GatewayUnusableError
from clearway.gateways.contract import Lists
from clearway.reconciliation.commands import Period
from clearway.reconciliation.running import DAY, Reconciler

CATCH_UP_MAX: Final = timedelta(days=7)
SETTLED_AFTER: Final = timedelta(minutes=15)
"""Beyond the lag: a workflow may still be recording what happened at the end of the day."""
UTC_ZONE: Final = "UTC"


def zone_of(settings: Mapping[str, Any]) -> ZoneInfo:
    """Return the time zone of the gateway's days, from its settings."""
    return ZoneInfo(str(settings.get("time_zone") or UTC_ZONE))


def day_of(settings: Mapping[str, Any], date: str) -> Period:
    """Return a day of the gateway with these settings. Raises ValueError for what is no date."""
    zone = zone_of(settings)
    begin = datetime.fromisoformat(date).replace(tzinfo=zone)
    return Period(begin, (begin.replace(tzinfo=None) + DAY).replace(tzinfo=zone))


def last_day_end(config: GatewayConfig, lists: Lists, now: datetime) -> datetime:
    """Return the end of the last day that the gateway reports in full."""
    lags = [timedelta(seconds=lag or 0) for lag in (lists.operations_lag_s, lists.balance_lag_s, lists.payouts_lag_s)]
    settled = now - max((lag for lag in lags if lag < DAY), default=timedelta()) - SETTLED_AFTER
    local = settled.astimezone(zone_of(config.settings))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


async def due(reconciler: Reconciler, now: datetime, page: int) -> AsyncIterator[tuple[str, str, Period]]:
    """Yield the gateways that are due, each with its merchant and period. Those that list nothing never are."""
    after = ""
    while True:
        async with reconciler.reader.connect() as connection:
            found = await across_merchants.gateways_in_use(connection, after, page)
        for config in found:
            period = await _due_of(reconciler, config, now)
            if period is not None:
                yield config.id, config.merchant_id, period
        if len(found) < page:
            return
        after = found[-1].id


async def _due_of(reconciler: Reconciler, config: GatewayConfig, now: datetime) -> Period | None:
    try:
        lists = (await reconciler.gateways.get(config.id)).gateway.abilities.lists
    except GatewayUnusableError:
        return None
    if lists == Lists():
        return None
    until = last_day_end(config, lists, now)
    async with reconciler.reader.connect() as connection:
        covered = await runs.covered_until(connection, config.merchant_id, config.id)
    if covered is not None and covered >= until:
        return None
    since = until - DAY
    if covered is not None:
        since = max(covered, until - CATCH_UP_MAX)
    return Period(min(since, until - DAY), until)
