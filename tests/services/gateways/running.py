"""Real servers for the tests of gateways: the simulator and a receiver of its webhooks, each on a free port."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from clearway.gateways.simulator.client import SimulatorGateway
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from clearway.simulator.app import create_app
from clearway.simulator.settings import SimulatorSettings

PATIENCE_S = 15.0


class _Server(uvicorn.Server):
    """A server that leaves the signals of the test process alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application on a bound socket."""
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
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
class Delivery:
    """One webhook request as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The parsed body."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A merchant-side endpoint that records what it gets. statuses: the answers to give first; then 200."""

    url: str
    statuses: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record one request and answer it."""
        if scope["type"] != "http":
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.deliveries.append(Delivery(headers, body))
        self._arrived.set()
        await send({"type": "http.response.start", "status": self.statuses.pop(0) if self.statuses else 200})
        await send({"type": "http.response.body", "body": b""})

    async def wait_for(self, count: int, about: str) -> list[Delivery]:
        """Return the deliveries about a payment id or key once there are at least `count`."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.about(about)) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return found

    def about(self, text: str) -> list[Delivery]:
        """Return the deliveries so far whose body has this text in it."""
        return [delivery for delivery in self.deliveries if text.encode() in delivery.body]


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """Run a receiver of webhooks."""
    listener, url = free_listener()
    receiver = Receiver(url)
    async with serving(receiver, listener):
        yield receiver


@dataclass
class Simulator:
    """A running simulator: its own HTTP API, and our connector to it."""

    http: httpx.AsyncClient
    gateway: SimulatorGateway

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


@asynccontextmanager
async def running_simulator(
    state: Path, *, delay_ms: int | None = 0, timeout_s: float = 10, **settings: Any
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
    } | settings
    gateway = SimulatorGateway(url, DEVELOPMENT_SIMULATOR_SECRET, timeout_s=timeout_s)
    async with (
        serving(create_app(SimulatorSettings(_env_file=None, **chosen)), listener),
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        try:
            yield Simulator(http, gateway)
        finally:
            await gateway.aclose()
