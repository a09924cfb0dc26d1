"""`/health`, `/ready`, and apart `/metrics`: no key, no limit, no log line unless something is wrong."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import Request, Response
from sqlalchemy.exc import SQLAlchemyError

from api.http.metrics import CONTENT_TYPE, HttpMetrics
from api.http.routing import RootRouter
from api.http.services import ServicesDep
from api.operations import readiness
from api.operations.schemas import Health, Readiness
from clearway.db import across_merchants

COUNTS_TIMEOUT_S: Final = 2.0

log = structlog.get_logger(__name__)

router = RootRouter(tags=["operations"])
metrics = RootRouter(tags=["operations"])
"""Apart, because it may be served at another address."""


@router.get("/health", summary="Alive")
async def get_health() -> Health:
    """Say that the process runs. It checks nothing else, so a slow database never causes a restart."""
    return Health()


@router.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}}, summary="Ready")
async def get_readiness(services: ServicesDep, response: Response) -> Readiness:
    """Say whether payments can be accepted. It checks the database, Temporal, and a worker on every task queue."""
    found = await readiness.check(services)
    if found.status != "ready":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return found


@metrics.get("/metrics", response_class=Response, summary="Metrics")
async def get_metrics(request: Request, services: ServicesDep) -> Response:
    """Return the metrics of this process for Prometheus, and counts of the whole installation."""
    counted: HttpMetrics = request.app.state.metrics
    try:
        async with asyncio.timeout(COUNTS_TIMEOUT_S), services.reader.connect() as connection:
            counted.set_reviews_open(await across_merchants.count_open_reviews(connection))
            counted.set_gateways_ailing(await across_merchants.count_ailing_gateways(connection))
    except (SQLAlchemyError, OSError, TimeoutError):
        log.warning("installation_not_counted")  # the process's own metrics matter most while the database is away
    return Response(counted.render(), media_type=CONTENT_TYPE)
