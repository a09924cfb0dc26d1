"""The simulator service as an ASGI application: puts the parts together and answers errors in the gateway's form."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from clearway.security_headers import SecurityHeaders
from clearway.simulator import control_routes, exchange_rates, page_routes, routes, settlement_routes
from clearway.simulator.clocks import Courier, DecisionClock
from clearway.simulator.decisions import Oracle
from clearway.simulator.engine import Engine, KeyReusedError, PaymentUnknownError
from clearway.simulator.exchange_rates import ExchangeRates
from clearway.simulator.facades.browser import routes as browser_routes
from clearway.simulator.facades.hosted import app as hosted
from clearway.simulator.facades.hosted.serving import Foundation
from clearway.simulator.facades.paypal import routes as paypal_routes
from clearway.simulator.facades.paypal.facade import build as build_paypal
from clearway.simulator.facades.square import routes as square_routes
from clearway.simulator.facades.square.facade import build as build_square
from clearway.simulator.facades.stripe import routes as stripe_routes
from clearway.simulator.facades.stripe.facade import build as build_stripe
from clearway.simulator.faults import FaultSwitches
from clearway.simulator.misbehaviour import OfferingToDrop
from clearway.simulator.notices import OwnChannel
from clearway.simulator.outbox import Outbox
from clearway.simulator.records import SIMULATOR, Records
from clearway.simulator.service import Service
from clearway.simulator.settings import SimulatorSettings
from clearway.simulator.settlement import Settlement
from clearway.simulator.store import Store
from clearway.simulator.wire import error_body

log = structlog.get_logger(__name__)

TOKENS_PATH = "/v1/tokens"


def create_app(settings: SimulatorSettings) -> ASGIApp:
    """Return the service; its state is opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _running(app, settings):
            yield

    app = FastAPI(title="Clearway gateway simulator", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(control_routes.router)
    app.include_router(routes.router)
    app.include_router(settlement_routes.router)
    app.include_router(browser_routes.router)
    app.include_router(stripe_routes.router)
    app.include_router(paypal_routes.router)
    app.include_router(hosted.router)
    app.include_router(square_routes.router)
    app.include_router(exchange_rates.router)
    app.include_router(page_routes.router)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    app.add_exception_handler(KeyReusedError, _refuse_reused_key)
    app.add_exception_handler(PaymentUnknownError, _refuse_unknown_payment)
    return OfferingToDrop(SecurityHeaders(_TokensFromBrowsers(app)))


@asynccontextmanager
async def _running(app: FastAPI, settings: SimulatorSettings) -> AsyncIterator[None]:
    # Separate random sources, so that a fault does not change which payments fail.
    seed = settings.simulator_seed
    outcomes, mishaps = (random.Random(f"{seed}:{use}" if seed is not None else None) for use in ("outcome", "fault"))  # noqa: S311
    store = Store(settings.simulator_state)
    records = Records(store)
    switches = FaultSwitches(mishaps)
    own = OwnChannel(
        settings.public_url, settings.simulator_webhook_url, settings.simulator_webhook_secret.get_secret_value()
    )
    outbox = Outbox(store, switches, {SIMULATOR: own})
    life_s = settings.simulator_upi_intent_life_s
    engine = Engine(records, Oracle(settings, outcomes), outbox, settings.public_url, intent_life_s=life_s)
    settlement = Settlement(store, switches, settings)
    stripe = build_stripe(records, engine, switches.at("stripe"), outbox, settings)
    paypal = build_paypal(records, engine, switches.at("paypal"), outbox, settings, settlement=settlement)
    hosted_gateways = hosted.build(Foundation(records, engine, switches, outbox, settings))
    square = build_square(records, engine, switches.at("square"), outbox, settings, settlement=settlement)
    clock = DecisionClock(engine, records, square.payments)
    courier = Courier(outbox)
    engine.on_change = [clock.alarm.ring, courier.alarm.ring]
    tasks = (asyncio.create_task(clock.run()), asyncio.create_task(courier.run()))
    for task in tasks:
        task.add_done_callback(_report_end)
    app.state.service = Service(store, engine, switches, tasks)
    app.state.settlement = settlement
    app.state.stripe = stripe
    app.state.paypal = paypal
    app.state.hosted = hosted_gateways
    app.state.square = square
    app.state.exchange_rates = ExchangeRates()
    log.info("simulator started", state=str(settings.simulator_state), webhooks_to=settings.simulator_webhook_url)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()


def _report_end(task: asyncio.Task[None]) -> None:
    """Log why a clock stopped. Health reports it from then on, so that a supervisor can restart the service."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.critical("the simulator stopped deciding or sending", exc_info=error)


async def _refuse_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Pydantic's errors repeat the input, which may be a card number: only place and reason are passed on.
    problems = [{"param": _place(problem), "message": problem["msg"]} for problem in error.errors()]
    return JSONResponse(error_body("invalid_request", "The request is not valid.", problems=problems), 400)


def _place(problem: dict[str, Any]) -> str:
    """Return the field's name; not of an unknown field, whose name is the caller's input too."""
    known = [] if problem["type"] == "extra_forbidden" else problem["loc"][1:]
    return ".".join(str(part) for part in known) or "body"


async def _refuse_reused_key(_request: Request, _error: Exception) -> Response:
    message = "This idempotency key was used for another request. Nothing was done."
    return JSONResponse(error_body("idempotency_key_reused", message), 409)


async def _refuse_unknown_payment(_request: Request, _error: Exception) -> Response:
    return JSONResponse(error_body("unknown_payment", "There is no such payment. Nothing was done."), 404)


class _TokensFromBrowsers:
    """Lets pages of any origin tokenise a card, and nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(app, allow_origins=["*"], allow_methods=["POST"], allow_headers=["content-type"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        app = self._open if scope.get("path") == TOKENS_PATH else self._app
        await app(scope, receive, send)
