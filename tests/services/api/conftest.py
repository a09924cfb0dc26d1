"""The API for tests: the real app on a real database, and for payments Temporal's dev server, workers and simulator.

Tests keep apart by merchant: each gets one of its own, with a key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

import worker
from api.app import create_app
from clearway.db.engine import create_engine
from clearway.db.seed import TEST_MERCHANT, Credentials, seed_key, seed_merchant
from clearway.db.tables import merchants
from clearway.dev.postgres import APPLICATION_ROLE
from clearway.dev.reporting import SilentReporter
from clearway.dev.temporal import DevServer, DevServerOptions
from clearway.dev.toolchain import find_temporal
from clearway.domain.api import API_PREFIX
from clearway.domain.ids import MERCHANT, new_id
from clearway.domain.merchant import Mode
from clearway.durable.client import connect
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import TASK_QUEUES
from clearway.gateway_configs.opening import open_connections
from clearway.monitoring import schedules
from clearway.monitoring.calls import CallLog
from clearway.settings import Settings
from tests.services.gateways.running import Simulator, free_listener, running_simulator
from tests.support.database import Databases
from tests.support.other_merchant import OTHER_MERCHANT
from tests.support.patience import patient

PATIENCE_S = 30.0


def free_port() -> int:
    """Return a port that was free a moment ago."""
    listener, _ = free_listener()
    with listener:
        return int(listener.getsockname()[1])


def changed(settings: Settings, **changes: object) -> Settings:
    """Return other settings; a copy would keep what was derived from the old ones."""
    return Settings(_env_file=None, **(settings.model_dump() | changes))


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Temporal take its time with schedules: what is not done within seconds is left to maintenance."""
    monkeypatch.setattr(schedules, "PATIENCE_S", 60.0)


@pytest.fixture(scope="package")
async def api_simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """Run a simulator that decides in its answer."""
    folder = tmp_path_factory.mktemp("api-simulator")
    async with running_simulator(folder / "simulator.sqlite3", test_payment_success=True) as running:
        yield running


@pytest.fixture(scope="package")
async def api_settings(databases: Databases, api_simulator: Simulator) -> Settings:
    """Read the settings of the API under test; nothing listens at its Temporal address until `temporal` runs."""
    return Settings(
        _env_file=None,
        clearway_env="test",
        database_url=await databases.create("api", role=APPLICATION_ROLE),
        temporal_address=f"127.0.0.1:{free_port()}",
        simulator_url=str(api_simulator.http.base_url),
        dashboard_url="http://api.test",  # sessions count there
        webhook_allowed_networks=("127.0.0.0/8",),
        rate_limit_address="100000/minute",
        rate_limit_failed_logins="100000/minute",
        card_limits="visa:30d:2:amount,other:30d:9",
        card_limits_in_test_mode=True,
        payment_poll_intervals_s="1,15,30,60,120,300",  # no event arrives; what a customer decides at once is seen soon
        overload_target_ms=0,  # however slow the machine of the tests is
    )


@pytest.fixture(scope="package")
async def api_engine(api_settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Connect to the API's database."""
    engine = create_engine(api_settings, application_name="tests-api")
    yield engine
    await engine.dispose()


@pytest.fixture(scope="package")
async def app(api_settings: Settings, api_engine: AsyncEngine) -> AsyncIterator[FastAPI]:
    """Run the app with its lifespan, on a seeded database."""
    async with api_engine.begin() as connection:
        for credentials in (TEST_MERCHANT, OTHER_MERCHANT):
            await seed_merchant(connection, api_settings, credentials)
    app = create_app(api_settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="package")
async def temporal(api_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """Run Temporal's dev server where the API looks for it."""
    folder = tmp_path_factory.mktemp("api-temporal")
    options = DevServerOptions(
        binary=await find_temporal(SilentReporter()),
        database=folder / "temporal.db",
        log=folder / "temporal.log",
        port=int(api_settings.temporal_address.rpartition(":")[2]),
        ui_port=None,
    )
    server = DevServer(options)
    await server.start()
    try:
        yield await connect(api_settings)
    finally:
        await server.stop()


@pytest.fixture(scope="package")
async def workers(
    temporal: Client, api_settings: Settings, api_engine: AsyncEngine, api_simulator: Simulator
) -> AsyncIterator[None]:
    """Run workers for every task queue."""
    deliveries = TemporalDeliveries(temporal, api_settings.webhook_retry_intervals_s)
    gateways = open_connections(api_settings, api_engine)
    calls = CallLog(api_engine)
    built = worker.build_workers(
        temporal, TASK_QUEUES, api_settings, engine=api_engine, gateways=gateways, deliveries=deliveries, calls=calls
    )
    async with worker.working(patient(built)):
        yield
    await calls.settle()
    await gateways.aclose()


def client_of(app: FastAPI, credentials: Credentials | None = None) -> httpx.AsyncClient:
    """Return a client of the app, with the credentials if given."""
    headers = {"X-Api-Key": credentials.api_key, "X-Api-Secret": credentials.api_secret} if credentials else {}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"http://api.test{API_PREFIX}", headers=headers, timeout=60)


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Call without credentials."""
    async with client_of(app) as client:
        yield client


@dataclass
class Caller:
    """A merchant of one test alone, with their client."""

    id: str
    credentials: Credentials
    http: httpx.AsyncClient

    async def order(self, amount: int = 50_000, currency: str = "INR", **more: object) -> str:
        """Create an order and return its id."""
        response = await self.http.post("/orders", json={"amount": amount, "currency": currency, **more})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])


NewCaller = Callable[[], Awaitable[Caller]]


@pytest.fixture
async def new_caller(app: FastAPI, api_engine: AsyncEngine, api_settings: Settings) -> AsyncIterator[NewCaller]:
    """Make merchants with keys, each with a client that is closed after the test."""
    async with AsyncExitStack() as stack:

        async def make() -> Caller:
            merchant_id = new_id(MERCHANT)
            suffix = merchant_id.removeprefix("mer_")
            credentials = Credentials(merchant_id, "A Shop", f"key_{suffix}", f"secret_{suffix}")
            async with api_engine.begin() as connection:
                await seed_merchant(connection, api_settings, credentials)
            http = await stack.enter_async_context(client_of(app, credentials))
            return Caller(merchant_id, credentials, http)

        yield make


@pytest.fixture
async def caller(new_caller: NewCaller) -> Caller:
    """Make a merchant with a key."""
    return await new_caller()


@pytest.fixture
async def live_caller(
    app: FastAPI, api_engine: AsyncEngine, api_settings: Settings, caller: Caller
) -> AsyncIterator[Caller]:
    """Give the live merchant of the caller's account a key."""
    live = (merchants.c.account_id == caller.credentials.account_id) & (merchants.c.mode == Mode.LIVE.value)
    async with api_engine.begin() as connection:
        merchant_id = str(await connection.scalar(select(merchants.c.id).where(live)))
        suffix = merchant_id.removeprefix("mer_")
        credentials = Credentials(merchant_id, "A Shop", f"key_live_{suffix}", f"secret_{suffix}")
        await seed_key(connection, api_settings, credentials)
    async with client_of(app, credentials) as http:
        yield Caller(merchant_id, credentials, http)


@dataclass
class Payer(Caller):
    """A merchant with everything that payments need running."""

    async def post_payment(
        self, order_id: str | None = None, *, key: str | None = None, **fields: object
    ) -> httpx.Response:
        """Request a payment: UPI to success@razorpay of a fresh order, by default."""
        body = {"order_id": order_id or await self.order(), "method": "upi"} | fields
        if body["method"] == "upi":
            body.setdefault("vpa", "success@razorpay")
        return await self.http.post("/payments", json=body, headers={"Idempotency-Key": key} if key else {})

    async def payment(self, order_id: str | None = None, *, until: str = "success", **fields: object) -> dict[str, Any]:
        """Create a payment and wait for a status."""
        made = await self.post_payment(order_id, **fields)
        assert made.status_code == 201, made.text
        return await self.payment_in(made.json()["id"], until)

    async def payment_in(self, payment_id: str, status: str) -> dict[str, Any]:
        """Wait until the payment has the status."""
        path = f"/payments/{payment_id}"
        return await eventually(lambda: self._read(path), lambda read: read["status"] == status)

    async def refund_in(self, refund_id: str, status: str) -> dict[str, Any]:
        """Wait until the refund has the status."""
        path = f"/refunds/{refund_id}"
        return await eventually(lambda: self._read(path), lambda read: read["status"] == status)

    async def _read(self, path: str) -> dict[str, Any]:
        return dict((await self.http.get(path)).json())


async def eventually(
    read: Callable[[], Awaitable[dict[str, Any]]], good: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Read until it is good, and return it."""
    until = time.monotonic() + PATIENCE_S
    while not good(last := await read()):
        assert time.monotonic() < until, f"still not so after {PATIENCE_S} s: {last}"
        await asyncio.sleep(0.05)
    return last


@pytest.fixture
async def payer(caller: Caller, workers: None) -> Payer:
    """Make a merchant who can take payments."""
    return Payer(caller.id, caller.credentials, caller.http)
