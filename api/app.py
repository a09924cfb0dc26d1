"""The composition root of the API: settings to clients to routers. `uvicorn api.app:create_app --factory` serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, Depends, FastAPI

from api.api_keys.routes import router as api_keys
from api.checkout.routes import router as checkout
from api.errors.routes import overrides as error_overrides
from api.errors.routes import router as error_reference
from api.events.routes import router as events
from api.fx.routes import router as fx
from api.gateway_events.routes import router as gateway_events
from api.gateways.health import router as gateway_health
from api.gateways.inbound import router as gateway_webhooks
from api.gateways.performance import router as performance
from api.gateways.routes import router as gateways
from api.http import errors
from api.http.addresses import TrustedProxies
from api.http.admission import Admission
from api.http.limits import RateLimits
from api.http.metrics import HttpMetrics
from api.http.middleware import RequestFrame
from api.http.openapi import DESCRIPTION, TAGS, ClearwayAPI, declare_webhooks, operation_id, servers
from api.http.paging import refuse_unclear_query
from api.http.services import ApiServices
from api.operations.metrics_server import serving_metrics
from api.operations.routes import metrics
from api.operations.routes import router as operations
from api.orders.routes import router as orders
from api.payments.routes import router as payments
from api.public.routes import router as public
from api.reconciliations.imports import router as settlement_imports
from api.reconciliations.routes import router as reconciliations
from api.reference.page import ASSETS_PATH
from api.reference.routes import DOCUMENT, assets, docs
from api.reference.routes import router as reference
from api.refunds.routes import router as refunds
from api.resolving.routes import router as resolving
from api.returns.routes import returns
from api.returns.routes import router as return_secret
from api.routing.breakers import router as breakers
from api.routing.routes import router as routing
from api.testing.routes import router as testing
from api.webhook_endpoints.routes import router as webhook_endpoints
from api.webhooks.routes import router as webhooks
from clearway import collector
from clearway.db.engine import create_engine
from clearway.domain.limits import REQUEST_BODY_BYTES_MAX
from clearway.durable.client import connect
from clearway.durable.timing import RecordingTimer
from clearway.gateway_configs.opening import open_connections
from clearway.settings import Settings
from clearway.telemetry.logs import configure_logging

PREFIX: Final = "/api/v1"
ROUTERS: Final[tuple[APIRouter, ...]] = (
    orders,
    public,
    payments,
    checkout,
    refunds,
    webhook_endpoints,
    webhooks,
    events,
    api_keys,
    performance,
    gateway_health,
    gateways,
    gateway_events,
    return_secret,
    resolving,
    error_overrides,
    error_reference,
    routing,
    breakers,
    settlement_imports,
    reconciliations,
    fx,
)
"""The table of contents. `public` comes before `payments`, so that `/payments/public` is not read as an id.
`performance` comes before `gateways` for the same reason."""
UNCHECKED: Final[tuple[APIRouter, ...]] = (returns, gateway_webhooks)
"""Others decide with which query these are asked for: customers' browsers, and gateways."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the API for these settings, or for those of the environment."""
    settings = settings or Settings()
    configure_logging(settings.log_level, settings.log_format, "api")
    app = ClearwayAPI(
        title="Clearway",
        version=version("clearway"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        generate_unique_id_function=operation_id,
        servers=servers(settings.api_public_url),
        openapi_url=DOCUMENT if settings.serves_docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.admission = Admission(settings.overload_target_ms / 1_000)
    app.state.metrics = HttpMetrics(app.state.admission)
    errors.install(app)
    app.add_middleware(
        RequestFrame,
        metrics=app.state.metrics,
        body_bytes_max=REQUEST_BODY_BYTES_MAX,
        proxies=TrustedProxies.from_settings(settings),
    )
    _include_routers(app, settings)
    declare_webhooks(app)
    return app


def _include_routers(app: FastAPI, settings: Settings) -> None:
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(refuse_unclear_query)])
    for router in UNCHECKED:
        app.include_router(router, prefix=PREFIX)
    if not settings.is_production:
        app.include_router(testing, prefix=PREFIX)
    probes = [operations] if settings.api_metrics_port else [operations, metrics]
    for router in probes:
        app.include_router(router)
        app.include_router(router, prefix=PREFIX, include_in_schema=False)
    app.include_router(reference)
    if settings.serves_docs:
        app.include_router(docs)
        app.mount(ASSETS_PATH, assets)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the clients, and close them when the last request is answered."""
    settings: Settings = app.state.settings
    engine = create_engine(settings, application_name="clearway-api")
    gateways = open_connections(settings, engine)
    admission: Admission = app.state.admission
    app.state.services = services = ApiServices(
        settings=settings,
        engine=engine,
        # It connects when it is first used, so the API starts before Temporal does, and /ready tells.
        temporal=await connect(settings, lazy=True, interceptors=[RecordingTimer(admission.observe)]),
        gateways=gateways,
        rate_limits=RateLimits(settings),
        admission=admission,
    )
    app.state.metrics.count_taken_up(services.recovery.taken_up)
    _ = services.keyring  # wrong peppers and keys are found now, not at the first request
    beside = [asyncio.create_task(services.used_keys.run()), asyncio.create_task(services.breakers.run())]
    app.state.metrics.show_breakers(services.breakers.open_by_operation)
    app.state.metrics.show_put_last(services.success_rates.put_last)
    collector.settle()
    try:
        async with serving_metrics(app, settings):
            yield
    finally:
        for task in beside:
            task.cancel()
        await services.used_keys.write()
        await gateways.aclose()
        await engine.dispose()
