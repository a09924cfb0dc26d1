"""What the bench runs on: the stack of `make dev` in a folder of its own, and beside it a receiver of webhooks.

The stack is as `make dev` makes it, but for what would measure something else: the sample merchant does not run, the
simulator decides without chance and after a fixed time, and the rate limit of a merchant does not bind.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import asyncpg

from clearway.db.seed import TEST_MERCHANT_ID
from clearway.dev.ports import HOST, Ports
from clearway.dev.stack import Stack, StackOptions, TemporalKind
from clearway.domain.ids import ORDER, new_id
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from scripts.bench import statements
from scripts.bench.agents import Agent
from scripts.bench.cpu import Pids
from scripts.bench.http_client import Answer, HttpClient

BESIDE: Final = ("simulator", "receiver", "clients")
"""Somebody else's: the gateway, and what makes the load. Their CPU is told, and is not in the totals."""
PREFIX: Final = "/api/v1"
AMOUNT_MINOR: Final = 50_000
ENV: Final = {
    "RATE_LIMIT_MERCHANT": "100000000/minute",
    "TEST_PAYMENT_SUCCESS": "true",
    "LOG_LEVEL": "WARNING",
    # Payments that stay open wait on one timer, and are not asked about while we measure.
    "PAYMENT_POLL_INTERVALS_S": "7200",
    "PAYMENT_DEADLINE_S": "7200",
}
RETRY_INTERVALS_S: Final = [2] * 19
CREDENTIALS: Final = {"x-api-key": TEST_API_KEY, "x-api-secret": TEST_API_SECRET}


class BenchError(Exception):
    """Something did not work that must for the numbers to mean anything."""


@dataclass(frozen=True, kw_only=True)
class StandOptions:
    """How to set the stand up.

    gateway_delay_ms: from acceptance to decision at the gateway; 0: it decides in its answer.
    apis, workers: how many processes of each; `make dev` runs one. temporal_server: `dev`, or `postgres` with so many
    `shards`. temporal_pid, postgres_pid: of servers that run already, so that their CPU can be told.
    """

    folder: Path
    gateway_delay_ms: int = 0
    apis: int = 1
    workers: int = 1
    temporal_server: TemporalKind = "dev"
    shards: int = 16
    database_url: str | None = None
    temporal_address: str | None = None
    temporal_pid: int | None = None
    postgres_pid: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)


class Stand:
    """A running stack with its receiver, and a merchant who uses it."""

    def __init__(self, options: StandOptions, stack: Stack, receiver: Agent, receiver_port: int) -> None:
        self.options = options
        self.stack = stack
        self.receiver = receiver
        self._receiver_url = f"http://{HOST}:{receiver_port}/"
        ports = [int(url.rpartition(":")[2]) for url in stack.api_urls()]
        self.clients = [HttpClient(HOST, port, CREDENTIALS) for port in ports]
        self._turns = itertools.cycle(self.clients)

    @property
    def http(self) -> HttpClient:
        """A client of an API process, each in its turn."""
        return next(self._turns)

    async def heard(self) -> int:
        """How many webhooks came since they were last taken."""
        return int(await self.receiver.ask("count"))

    @property
    def dsn(self) -> str:
        """The database for asyncpg."""
        return self.stack.owner_url.replace("+asyncpg", "")

    @property
    def postgres_log(self) -> Path:
        """The log of the embedded server."""
        return self.stack.log_dir / "postgres.log"

    def pids(self) -> Pids:
        """The processes whose CPU is measured: those of a deployment, and of `BESIDE` those that are not this one."""
        given = {"temporal": self.options.temporal_pid, "postgres": self.options.postgres_pid}
        own = {name: self.stack.process(name).pid for name in self.stack.supervisor.services}
        return {**{name: pid for name, pid in given.items() if pid is not None}, **own, "receiver": self.receiver.pid}

    async def subscribe(self, event_types: Sequence[str], intervals_s: Sequence[int] = RETRY_INTERVALS_S) -> str:
        """Let the receiver get these events and no others; returns the endpoint's id."""
        for endpoint in (await self._read("/webhook_endpoints"))["data"]:
            await self.http.request("DELETE", f"{PREFIX}/webhook_endpoints/{endpoint['id']}")
        body = {"url": self._receiver_url, "event_types": list(event_types), "retry_intervals_s": list(intervals_s)}
        return str((await self.post("/webhook_endpoints", body)).json()["id"])

    async def make_orders(self, count: int) -> list[str]:
        """Insert orders to be paid: set-up, so it does not go through the API."""
        ids = [new_id(ORDER) for _ in range(count)]
        now = datetime.now(UTC)
        async with self.database() as connection:
            await connection.executemany(
                "INSERT INTO orders (id, merchant_id, amount_minor, currency, created_at, updated_at)"
                " VALUES ($1, $2, $3, 'INR', $4, $4)",
                [(order_id, TEST_MERCHANT_ID, AMOUNT_MINOR, now) for order_id in ids],
            )
        return ids

    async def pay(self, order_id: str, **fields: Any) -> str | None:
        """Create a payment as a careful client does: repeated with the same key until the answer is final."""
        body = {"order_id": order_id, "method": "upi", "vpa": "success@razorpay", **fields}
        return await self._insist("/payments", body)

    async def pay_once(self, order_id: str) -> Answer:
        """Request a payment once, as a client that does not retry."""
        body = {"order_id": order_id, "method": "upi", "vpa": "success@razorpay"}
        return await self.http.request("POST", f"{PREFIX}/payments", body, {"idempotency-key": str(uuid.uuid4())})

    async def refund(self, payment_id: str) -> str | None:
        """Refund a payment in full."""
        return await self._insist(f"/payments/{payment_id}/refunds", {})

    async def post(self, path: str, body: object) -> Answer:
        """Send one request that must succeed."""
        answer = await self.http.request("POST", PREFIX + path, body, {"idempotency-key": str(uuid.uuid4())})
        if answer.status != HTTPStatus.CREATED:
            raise BenchError(f"POST {path}: {answer.status} {answer.body.decode(errors='replace')[:500]}")
        return answer

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """Connect to our database."""
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    async def _insist(self, path: str, body: object) -> str | None:
        headers = {"idempotency-key": str(uuid.uuid4())}
        for _ in range(2):
            answer = await self.http.request("POST", PREFIX + path, body, headers)
            if answer.status == HTTPStatus.CREATED:
                return str(answer.json()["id"])
            if 0 < answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return None
        return None

    async def _read(self, path: str) -> Any:
        answer = await self.http.request("GET", PREFIX + path)
        if answer.status != HTTPStatus.OK:
            raise BenchError(f"GET {path}: {answer.status} {answer.body.decode(errors='replace')[:500]}")
        return answer.json()


@asynccontextmanager
async def stand(options: StandOptions) -> AsyncIterator[Stand]:
    """Start the stack and the receiver; both end with the block, however it ends."""
    env = {**ENV, "TEST_PROCESSING_DELAY": str(options.gateway_delay_ms), **options.env}
    stack = Stack(
        StackOptions(
            state_dir=options.folder,
            ports=Ports.free(),
            env=env,
            services=frozenset({"simulator", "api", "worker"}),
            further=_further(options),
            temporal_server=options.temporal_server,
            temporal_shards=options.shards,
            database_url=options.database_url,
            temporal_address=options.temporal_address,
            postgres_settings=statements.SERVER_SETTINGS,
        )
    )
    async with AsyncExitStack() as exits:
        await exits.enter_async_context(stack)
        receiver = await Agent.start("scripts.bench.receiver", stack.environment(), stack.log_dir)
        exits.push_async_callback(receiver.stop)
        running = Stand(options, stack, receiver, int(receiver.ready))
        for client in running.clients:
            exits.callback(client.close)
        yield running


def _further(options: StandOptions) -> dict[str, int]:
    """Name the processes beyond the first of each kind, with a port for each."""
    api = [f"api-{number}" for number in range(2, options.apis + 1)]
    worker = [f"worker-{number}" for number in range(2, options.workers + 1)]
    return {name: Ports.free().api for name in (*api, *worker)}


async def quiet(count: Callable[[], Awaitable[int]], wanted: int, *, patience_s: float, still_s: float = 1.0) -> int:
    """Wait until `wanted` are counted and no more come, or patience ends; returns the last count."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    seen, since = -1, loop.time()
    while loop.time() < deadline:
        now = await count()
        if now != seen:
            seen, since = now, loop.time()
        elif now >= wanted and loop.time() - since >= still_s:
            break
        await asyncio.sleep(0.1)
    return seen
