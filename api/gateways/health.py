"""`/gateways/{gateway_id}/health`: whether a gateway passes its checks, since when, and its history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.gateways.schemas import AlertSettings
from api.http.paging import Page, page_of, page_request
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.db import gateway_health
from clearway.db.gateway_health import Uptime
from clearway.db.pages import PageRequest
from clearway.domain.ids import HEALTH_CHECK
from clearway.domain.permissions import Permission
from clearway.domain.resources import HealthResource, Moment, Resource
from clearway.gateway_configs.finding import find
from clearway.monitoring.health import health_resource

router = Router(prefix="/gateways", tags=["gateways"])

Reader = Annotated[Principal, requires(Permission.GATEWAYS_READ)]


class GatewayUptime(BaseModel):
    """The share of good checks in a period."""

    window: Annotated[str, Field(description="24h, 7d or 30d, until now.")]
    checks: int
    uptime: Annotated[float | None, Field(description="The share of good checks, from 0 to 1; null: no checks.")]


class GatewayHealth(HealthResource):
    """The health of a gateway, with its uptime and its thresholds."""

    uptime: list[GatewayUptime]
    alerts: AlertSettings


class HealthCheck(Resource):
    """One check of a gateway."""

    id: str
    object: str = "gateway_health_check"
    ok: bool
    message: str
    latency_ms: Annotated[int | None, Field(description="null: the gateway did not answer.")]
    created_at: Moment


@router.get(
    "/{gateway_id}/health", responses=declare(*TO_MERCHANTS, "gateway_not_found"), summary="Read a gateway's health"
)
async def get_gateway_health(gateway_id: str, principal: Reader, services: ServicesDep) -> GatewayHealth:
    """Read whether a gateway passes its health checks, since when, and its uptime. It is checked every few minutes."""
    row = await find(services, principal.merchant_id, gateway_id)
    async with services.reader.connect() as connection:
        state = await gateway_health.find(connection, principal.merchant_id, gateway_id)
        found = await gateway_health.uptimes(connection, principal.merchant_id, gateway_id, datetime.now(UTC))
    shown = health_resource(gateway_id, state)
    return GatewayHealth(
        **dict(shown), uptime=[_uptime(each) for each in found], alerts=AlertSettings.model_validate(row.alerts)
    )


@router.get(
    "/{gateway_id}/health/checks",
    responses=declare(*TO_MERCHANTS, "gateway_not_found", "cursor_invalid"),
    summary="List the checks of a gateway",
)
async def list_gateway_checks(
    gateway_id: str,
    principal: Reader,
    services: ServicesDep,
    page: Annotated[PageRequest, Depends(page_request(HEALTH_CHECK))],
) -> Page[HealthCheck]:
    """List the checks of a gateway, newest first."""
    await find(services, principal.merchant_id, gateway_id)
    async with services.reader.connect() as connection:
        found = await gateway_health.list_checks(connection, principal.merchant_id, gateway_id, page)
    checks = (
        HealthCheck(id=row.id, ok=row.ok, message=row.message, latency_ms=row.latency_ms, created_at=row.created_at)
        for row in found.rows
    )
    return page_of(checks, found.next_cursor)


def _uptime(found: Uptime) -> GatewayUptime:
    share = round(found.good / found.checks, 5) if found.checks else None
    return GatewayUptime(window=found.window, checks=found.checks, uptime=share)
