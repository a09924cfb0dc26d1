"""`/health`, `/ready` and `/metrics`: no key, no limit, no log line unless something is wrong."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response

from api.http.metrics import CONTENT_TYPE, HttpMetrics
from api.http.routing import Router
from api.http.services import ServicesDep
from api.operations import readiness
from api.operations.schemas import Health, Readiness

router = Router(tags=["operations"])


@router.get("/health", summary="Alive")
async def get_health() -> Health:
    """Say that the process runs. Nothing else is asked, so that a slow database never gets it restarted."""
    return Health()


@router.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}}, summary="Ready")
async def get_readiness(services: ServicesDep, response: Response) -> Readiness:
    """Say whether payments can be taken: the database, Temporal, and workers on every task queue."""
    found = await readiness.check(services)
    if found.status != "ready":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return found


@router.get("/metrics", response_class=Response, summary="Metrics")
async def get_metrics(request: Request) -> Response:
    """Show this process's metrics to Prometheus."""
    metrics: HttpMetrics = request.app.state.metrics
    return Response(metrics.render(), media_type=CONTENT_TYPE)
