"""The API's metrics and reference at an address of their own, so that clients of the API do not reach them.

The processes of one `clearway api` share the port, and each request reaches one of them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from api.http import errors
from api.http.addresses import TrustedProxies
from api.http.middleware import RequestFrame
from api.http.transport import strict_transport
from api.operations.routes import metrics
from api.reference.page import ASSETS_PATH
from api.reference.routes import DOCUMENT, assets, docs
from clearway.domain.limits import REQUEST_BODY_BYTES_MAX
from clearway.listening import require_private
from clearway.settings import Settings


class _Server(uvicorn.Server):
    """Leaves signals to the server of the API, which ends this one."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signal."""
        yield


@asynccontextmanager
async def serving_metrics(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Serve the metrics of this app at METRICS_HOST and API_METRICS_PORT meanwhile, when a port is set.

    Raises SettingsError for an address that must not be listened on, and OSError for one that is taken.
    """
    if settings.api_metrics_port is None:
        yield
        return
    require_private(settings.metrics_host, "METRICS_HOST", settings)
    listener = _listener(settings.metrics_host, settings.api_metrics_port)
    config = uvicorn.Config(_metrics_app(app), log_config=None, access_log=False, lifespan="off", proxy_headers=False)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _metrics_app(app: FastAPI) -> FastAPI:
    apart = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    apart.state = app.state
    errors.install(apart)
    apart.add_middleware(
        RequestFrame,
        metrics=app.state.metrics,
        body_bytes_max=REQUEST_BODY_BYTES_MAX,
        proxies=TrustedProxies.from_settings(app.state.settings),
        transport=strict_transport(app.state.settings),
    )
    apart.include_router(metrics)
    apart.include_router(docs)
    apart.mount(ASSETS_PATH, assets)
    apart.add_api_route(DOCUMENT, app.openapi, include_in_schema=False)
    return apart


def _listener(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, reuse_port=True)
