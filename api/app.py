"""The composition root of the API: settings to clients to routers. `uvicorn api.app:create_app --factory` serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, FastAPI

from api.api_keys.routes import router as api_keys
from api.audit.routes import router as audit_log
from api.checkout.routes import router as checkout
from api.customers.routes import router as customers
from api.errors.routes import overrides as error_overrides
from api.errors.routes import router as error_reference
from api.events.catalogue import router as event_types
from api.events.routes import router as events
from api.exports.routes import router as exports
from api.fx.routes import router as fx
from api.gateway_events.routes import router as gateway_events
from api.gateways.health import router as gateway_health
from api.gateways.inbound import router as gateway_webhooks
from api.gateways.kinds import router as gateway_kinds
from api.gateways.performance import router as performance
from api.gateways.routes import router as gateways
from api.http import errors
from api.http.addresses import TrustedProxies
from api.http.admission import Admission
from api.http.clients import clients_of
from api.http.metrics import HttpMetrics
from api.http.middleware import RequestFrame
from api.http.openapi import DESCRIPTION, TAGS, ClearwayAPI, declare_webhooks, servers
from api.http.routing import operation_id
from api.http.transport import strict_transport
from api.installation.routes import router as installation
from api.live.socket import router as live_socket
from api.live.stream import router as event_stream
from api.members.invitations import router as invitations
from api.members.routes import router as members
from api.notices.routes import router as notices
from api.operations.metrics_server import serving_metrics
from api.operations.routes import metrics
from api.operations.routes import router as operations
from api.operator.dead_letters import router as dead_letters
from api.operator.jobs import router as jobs
from api.operator.routes import router as operators
from api.operator.system import router as system
from api.orders.routes import router as orders
from api.payments.books import router as payment_books
from api.payments.routes import router as payments
from api.public.routes import router as public
from api.reconciliations.imports import router as settlement_imports
from api.reconciliations.routes import router as reconciliations
from api.reference.page import ASSETS_PATH
from api.reference.routes import DOCUMENT, assets, docs
from api.reference.routes import router as reference
from api.refunds.routes import router as refunds
from api.request_log.routes import router as request_log
from api.resolving.routes import router as resolving
from api.returns.routes import returns
from api.returns.routes import router as return_secret
from api.routing.breakers import router as breakers
from api.routing.routes import router as routing
from api.saved_views.routes import router as saved_views
from api.settings.routes import router as merchant_settings
from api.statistics.routes import router as statistics
from api.testing.data import router as test_data
from api.testing.faults import router as faults
from api.testing.routes import router as testing
from api.users.auth import router as auth
from api.users.me import router as me
from api.users.registration import router as registration
from api.users.security import router as security
from api.users.tokens import router as tokens
from api.webhook_endpoints.routes import router as webhook_endpoints
from api.webhooks.routes import router as webhooks
from clearway import collector
from clearway.domain.api import API_PREFIX
from clearway.domain.limits import REQUEST_BODY_BYTES_MAX
from clearway.live.tail import Tail
from clearway.monitoring.requests import RequestLog
from clearway.settings import Settings
from clearway.telemetry.logs import configure_logging

ROUTERS: Final[tuple[APIRouter, ...]] = (
    gateway_webhooks,
    returns,
    live_socket,
    orders,
    public,
    payments,
    payment_books,
    checkout,
    refunds,
    customers,
    statistics,
    webhook_endpoints,
    webhooks,
    event_stream,
    events,
    event_types,
    api_keys,
    performance,
    gateway_kinds,
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
    merchant_settings,
    members,
    invitations,
    operators,
    jobs,
    dead_letters,
    system,
    audit_log,
    auth,
    registration,
    tokens,
    me,
    request_log,
    exports,
    notices,
    saved_views,
    security,
    installation,
)
"""The table of contents. Routes are tried in this order, so what every payment needs comes first: a route at the end
costs 0.1 ms. `public` comes before `payments`, so that `/payments/public` is not read as an id.
`performance` and `gateway_kinds` come before `gateways`, and `event_stream` before `events`, for the same reason."""
TESTING: Final[tuple[APIRouter, ...]] = (testing, faults, test_data)
"""For development and tests; left out in production."""


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
    app.state.request_log = None
    app.state.admission = Admission(settings.overload_target_ms / 1_000)
    app.state.metrics = HttpMetrics(app.state.admission)
    errors.install(app)
    app.add_middleware(
        RequestFrame,
        metrics=app.state.metrics,
        body_bytes_max=REQUEST_BODY_BYTES_MAX,
        proxies=TrustedProxies.from_settings(settings),
        transport=strict_transport(settings),
    )
    _add_routes(app, settings)
    declare_webhooks(app)
    return app


def _add_routes(app: FastAPI, settings: Settings) -> None:
    """Add routes as they are: `include_router` would make each a second time, at the first request of a process."""
    probes = [operations] if settings.api_metrics_port else [operations, metrics]
    for router in (*ROUTERS, *(() if settings.is_production else TESTING), *probes, reference):
        app.router.routes.extend(router.routes)
    for router in probes:
        app.include_router(router, prefix=API_PREFIX, include_in_schema=False)
    if settings.serves_docs:
        app.router.routes.extend(docs.routes)
        app.mount(ASSETS_PATH, assets)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the clients, and close them when the last request is answered."""
    settings: Settings = app.state.settings
    async with clients_of(app, "clearway-api") as services:
        app.state.request_log = requests = RequestLog(services.engine)
        app.state.metrics.count_taken_up(services.recovery.taken_up)
        beside = [
            asyncio.create_task(services.used_keys.run()),
            asyncio.create_task(services.breakers.run()),
            asyncio.create_task(Tail(services.reader, services.listeners).run()),
        ]
        app.state.metrics.show_listeners(services.listeners)
        app.state.metrics.show_breakers(services.breakers.open_by_operation)
        app.state.metrics.show_put_last(services.success_rates.put_last)
        collector.settle()
        try:
            async with serving_metrics(app, settings):
                yield
        finally:
            services.listeners.end()
            for task in beside:
                task.cancel()
            await services.used_keys.write()
            await requests.settle()
            await services.background.settle()
