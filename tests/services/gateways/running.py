"""Real servers for the tests of gateways, each on a free port: the simulator, and any application."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from clearway.gateways.simulator.client import SimulatorGateway
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from clearway.simulator.app import create_app
from clearway.simulator.settings import SimulatorSettings

PATIENCE_S = 30.0
LONG_S = 60.0
"""A delay that a test ends by an event, or by moving the clock: no machine is so slow that it passes by itself."""


class _Server(uvicorn.Server):
    """A server that leaves the signals of the test process alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket, **tls: Any) -> AsyncIterator[None]:
    """Serve an application on a bound socket. tls: settings of uvicorn."""
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1, **tls)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def free_listener() -> tuple[socket.socket, str]:
    """Bind a free loopback port; return the socket and its URL."""
    # Without the protocol asyncio does not set TCP_NODELAY on what is accepted, and each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@dataclass
class Simulator:
    """A running simulator: its own HTTP API, and our connector to it."""

    http: httpx.AsyncClient
    gateway: SimulatorGateway

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.http.base_url).rstrip("/")

    async def effects(self, payment_id: str, type: str | None = None) -> list[dict[str, Any]]:  # noqa: A002 - its name
        """Return what the journal says of a payment."""
        query = {"payment_id": payment_id} | ({"type": type} if type else {})
        return (await self.http.get("/journal", params=query)).json()["effects"]

    async def charges(self, payment_id: str) -> int:
        """Count how often money was really taken."""
        return len(await self.effects(payment_id, "captured"))

    async def switch(self, **rule: Any) -> None:
        """Put one fault rule in force."""
        (await self.http.put("/faults", json=[rule])).raise_for_status()

    async def until_met(self) -> None:
        """Wait until the fault rule in force has met a request."""
        async with asyncio.timeout(PATIENCE_S):
            while not (await self.http.get("/faults")).json()[0]["applied"]:
                await asyncio.sleep(0.02)

    async def release(self) -> None:
        """Remove the fault rules: a slow answer that waits is given now."""
        (await self.http.delete("/faults")).raise_for_status()


@asynccontextmanager
async def running_simulator(
    state: Path, *, delay_ms: int | None = 0, timeout_s: float = PATIENCE_S, **settings: Any
) -> AsyncIterator[Simulator]:
    """Run the service in this process. delay_ms: TEST_PROCESSING_DELAY; timeout_s: the connector's deadline."""
    listener, url = free_listener()
    chosen = {
        "simulator_state": state,
        "simulator_public_url": url,
        "simulator_webhook_url": "http://127.0.0.1:9/nobody",
        "test_processing_delay": delay_ms,
        "test_payment_success": None,
        "test_mode": True,
        "simulator_seed": 1,
        "simulator_square_currencies": "USD,JPY,INR",
        "simulator_square_list_lag_s": 0.1,
    } | settings
    gateway = SimulatorGateway(url, DEVELOPMENT_SIMULATOR_SECRET, timeout_s=timeout_s)
    async with (
        serving(create_app(SimulatorSettings(_env_file=None, **chosen)), listener),
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False) as http,
    ):
        try:
            yield Simulator(http, gateway)
        finally:
            await gateway.aclose()
