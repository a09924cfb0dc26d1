"""The composition root of the checkout. `uvicorn api.hosted.app:create_app --factory` serves it at CHECKOUT_URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from api.hosted import problems
from api.hosted.assets import Assets
from api.hosted.pages import Pages
from api.hosted.routes import order, router
from api.hosted.sdk.routes import router as sdk
from api.http.addresses import TrustedProxies
from api.http.admission import Admission
from api.http.clients import clients_of
from api.http.metrics import HttpMetrics
from api.http.middleware import RequestFrame
from api.http.transport import strict_transport
from clearway import collector
from clearway.checkout.watching import Watch
from clearway.domain.limits import REQUEST_BODY_BYTES_MAX
from clearway.settings import Settings
from clearway.telemetry.logs import configure_logging


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the checkout for these settings, or for those of the environment."""
    settings = settings or Settings()
    configure_logging(settings.log_level, settings.log_format, "checkout")
    app = FastAPI(
        title="Clearway checkout",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_run,
    )
    app.state.settings = settings
    app.state.admission = Admission(settings.overload_target_ms / 1_000)
    app.state.metrics = HttpMetrics(app.state.admission)
    app.state.pages = Pages(settings, Assets.read())
    problems.install(app)
    app.include_router(router)
    app.include_router(order)
    app.include_router(sdk)
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(
        RequestFrame,
        metrics=app.state.metrics,
        body_bytes_max=REQUEST_BODY_BYTES_MAX,
        proxies=TrustedProxies.from_settings(settings),
        transport=strict_transport(settings),
    )
    return app


@asynccontextmanager
async def _run(app: FastAPI) -> AsyncIterator[None]:
    """Make the clients, and close them when the last request is answered."""
    async with clients_of(app, "clearway-checkout") as services:
        app.state.watch = Watch(services)
        beside = [asyncio.create_task(services.breakers.run()), asyncio.create_task(app.state.watch.run())]
        collector.settle()
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
