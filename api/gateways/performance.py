"""`/gateways/performance`: latency, technical errors, success rate and volume of a merchant's gateways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import Time
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.db.performance import GroupBy, Scope
from clearway.domain.permissions import Permission
from clearway.domain.resources import Minor, Moment
from clearway.gateway_configs.finding import find
from clearway.monitoring import performance
from clearway.monitoring.performance import Figures
from clearway.services import Services

router = Router(prefix="/gateways", tags=["gateways"])

Reader = Annotated[Principal, requires(Permission.GATEWAYS_READ)]
Since = Annotated[Time | None, Query(description="RFC 3339, inclusive. Default: 24 hours before `until`.")]
Until = Annotated[Time | None, Query(description="RFC 3339, exclusive. Default: now.")]
By = Annotated[GroupBy | None, Query(description="Divide the figures. An hour or a day is in UTC.")]
USUAL: Final = timedelta(days=1)


class Latency(BaseModel):
    """How long calls took: half, 95 % and 99 % of them were answered within these times."""

    p50: Annotated[int, Field(description="Milliseconds.")]
    p95: int
    p99: int


class Volume(BaseModel):
    """The amount of approved payments in one currency."""

    currency: str
    amount: Minor


class PerformanceFigures(BaseModel):
    """Figures of one group, or of the whole time."""

    calls: Annotated[int, Field(description="Calls to gateways: authorisations, captures, refunds, status queries …")]
    technical_errors: Annotated[
        int, Field(description="Calls without an answer, not sent, too slow, or with wrong credentials. No declines.")
    ]
    technical_error_rate: Annotated[float | None, Field(description="From 0 to 1; null: there were no calls.")]
    latency_ms: Latency | None
    attempts: Annotated[int, Field(description="Payment attempts, decided or not, of payments created in the time.")]
    approved: int
    declined: Annotated[int, Field(description="Declined by an issuer.")]
    success_rate: Annotated[
        float | None,
        Field(description="approved / (approved + declined), from 0 to 1. Other failures do not count."),
    ]
    volume: Annotated[list[Volume], Field(description="The approved amounts, by currency.")]


class PerformanceGroup(PerformanceFigures):
    """Figures of one group."""

    group: Annotated[str, Field(description="A gateway, hour, day, operation, method or currency.")]


class GatewayPerformance(BaseModel):
    """How gateways performed."""

    object: Literal["gateway_performance"] = "gateway_performance"
    gateway_id: Annotated[str | None, Field(description="null: all your gateways.")]
    since: Moment
    until: Moment
    by: GroupBy | None
    total: PerformanceFigures
    data: Annotated[list[PerformanceGroup], Field(description="By group, in order. Empty without `by`.")]


@router.get(
    "/performance",
    responses=declare(*TO_MERCHANTS, "performance_period_invalid"),
    summary="Read the performance of all gateways",
)
async def get_performance(
    principal: Reader, services: ServicesDep, *, since: Since = None, until: Until = None, by: By = None
) -> GatewayPerformance:
    """Read latency, technical errors, success rate and volume over all your gateways."""
    return await _read(services, _scope(principal.merchant_id, since, until), by)


@router.get(
    "/{gateway_id}/performance",
    responses=declare(*TO_MERCHANTS, "gateway_not_found", "performance_period_invalid"),
    summary="Read the performance of a gateway",
)
async def get_gateway_performance(
    gateway_id: str,
    principal: Reader,
    services: ServicesDep,
    *,
    since: Since = None,
    until: Until = None,
    by: By = None,
) -> GatewayPerformance:
    """Read latency, technical errors, success rate and volume of one gateway."""
    await find(services, principal.merchant_id, gateway_id)
    return await _read(services, _scope(principal.merchant_id, since, until, gateway_id), by)


def _scope(merchant_id: str, since: datetime | None, until: datetime | None, gateway_id: str | None = None) -> Scope:
    ends = until or datetime.now(UTC)
    return Scope(merchant_id, since or ends - USUAL, ends, gateway_id)


async def _read(services: Services, scope: Scope, by: GroupBy | None) -> GatewayPerformance:
    async with services.reader.connect() as connection:
        found = await performance.read(connection, scope, by)
    return GatewayPerformance(
        gateway_id=scope.gateway_id,
        since=scope.since,
        until=scope.until,
        by=by,
        total=PerformanceFigures.model_validate(_shown(found.whole)),
        data=[PerformanceGroup.model_validate(_shown(each) | {"group": group}) for group, each in found.groups],
    )


def _shown(figures: Figures) -> dict[str, object]:
    latency = dict(zip(("p50", "p95", "p99"), figures.percentiles_ms, strict=True)) if figures.percentiles_ms else None
    return {
        "calls": figures.calls,
        "technical_errors": figures.failures,
        "technical_error_rate": figures.error_rate,
        "latency_ms": latency,
        "attempts": figures.attempts,
        "approved": figures.approved,
        "declined": figures.declined,
        "success_rate": figures.success_rate,
        "volume": [{"currency": code, "amount": amount} for code, amount in sorted(figures.volume_minor.items())],
    }
