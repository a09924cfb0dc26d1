"""The clients of one API process: made when it starts, closed when its last request is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.http.admission import Admission
from api.http.limits import RateLimits
from api.http.services import ApiServices
from clearway.db.engine import create_engine
from clearway.durable.client import connect
from clearway.durable.timing import RecordingTimer
from clearway.gateway_configs.opening import open_connections
from clearway.settings import Settings


@asynccontextmanager
async def clients_of(app: FastAPI, application_name: str) -> AsyncIterator[ApiServices]:
    """Make the clients by `app.state.settings` and `app.state.admission`, as `app.state.services`; close them after.

    application_name: how Postgres names the connections.
    """
    settings: Settings = app.state.settings
    admission: Admission = app.state.admission
    engine = create_engine(settings, application_name=application_name)
    gateways = open_connections(settings, engine)
    app.state.services = services = ApiServices(
        settings=settings,
        engine=engine,
        # It connects when it is first used, so the process starts before Temporal does, and /ready tells.
        temporal=await connect(settings, lazy=True, interceptors=[RecordingTimer(admission.observe)]),
        gateways=gateways,
        rate_limits=RateLimits(settings),
        admission=admission,
    )
    _ = services.keyring  # wrong peppers and keys are found now, not at the first request
    try:
        yield services
    finally:
        await gateways.aclose()
        await engine.dispose()
