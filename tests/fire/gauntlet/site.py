"""Where a run takes place: a stack of its own with two workers and two API processes, merchants, and receivers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.engine import create_engine
from clearway.db.seed import Credentials, seed_merchant
from clearway.dev import toolchain
from clearway.dev.ports import Ports
from clearway.dev.reporting import SilentReporter
from clearway.dev.stack import Stack, StackOptions
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.roles import Role
from clearway.settings import Settings
from clearway.users import creation
from clearway.users.creation import NewPerson
from tests.fire.gauntlet.client import MERCHANT_HEADER, PREFIX, Client, Exchange, Shop
from tests.fire.gauntlet.faults import GatewayFaults
from tests.fire.gauntlet.past import Listed, Restore
from tests.fire.gauntlet.plan import SHOPS, Plan
from tests.fire.gauntlet.receivers import Receiver, receiver_of
from tests.fire.gauntlet.shop_gateways import connect
from tests.services.api.people import PASSWORD, password_hash

WORKERS: Final = ("worker", "worker-2")
APIS: Final = ("api", "api-2")
SETTINGS: Final = {
    "TEST_PROCESSING_DELAY": "300",
    "PAYMENT_RETRY_FIRST_S": "3",
    "PAYMENT_POLL_INTERVALS_S": "2,3,5",
    "PAYMENT_DEADLINE_S": "70",
    "AUTHORISATION_EXPIRY_S": "50",
    "REFUND_DEADLINE_S": "120",
    "MAINTENANCE_EVERY_S": "10",
    "RECOVERY_AFTER_S": "8",
    "GATEWAY_TIMEOUT_S": "4",
    "WEBHOOK_TIMEOUT_S": "3",
    "RATE_LIMIT_ADDRESS": "1000000/minute",
    "RATE_LIMIT_WEBHOOK_RETRIES": "1000000/minute",
    "RATE_LIMIT_FAILED_LOGINS": "1000000/minute",
    "RATE_LIMIT_MERCHANT": "1000000/minute",
    "LOG_LEVEL": "WARNING",
}
"""Short waits where they are settings, so that deadlines and schedules end within a run."""
KEEPING: Final = {"fsync": "off", "synchronous_commit": "on"}
"""A process that is killed loses nothing that was committed; only the machine's own crash would."""


class Notes(SilentReporter):
    """Keeps what the stack says of its processes: above all, that one died which nobody had killed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)


@dataclass
class Site:
    """Everything a run touches."""

    plan: Plan
    stack: Stack
    notes: Notes
    shops: list[Shop]
    receivers: list[Receiver]
    gateway: httpx.AsyncClient
    faults: GatewayFaults
    log: list[Exchange] = field(default_factory=list)
    ended_runs: set[str] = field(default_factory=set)
    """Workflows of which the nemesis ended a run: that run is terminated, and is no failure."""
    restores: list[Restore] = field(default_factory=list)
    listed: dict[str, Listed] = field(default_factory=dict)
    """Operations that `clearway recover` listed after a restore, by key, with what it did about each."""
    stores_lost: list[float] = field(default_factory=list)
    """When Temporal's store was removed, in Unix seconds."""
    ledgers_seen: list[list[dict[str, Any]]] = field(default_factory=list)

    def client(self, shop: int, business: int) -> Client:
        """Return a client for one business of a shop. Its chance only decides when and where it repeats."""
        chance = random.Random(f"{self.plan.seed}/client/{business}")  # noqa: S311 - chance that repeats itself
        return Client(self.shops[shop], self.log, business, chance, self.gateway)

    async def restore(self) -> None:
        """Let everything run that is stopped or down, and end every fault."""
        for name, service in self.stack.supervisor.services.items():
            if service.child is None or service.child.exit_code is not None:
                await self.stack.start(name)
            else:
                service.child.resume()
        await self.faults.clear()


@asynccontextmanager
async def site_of(plan: Plan, folder: Path) -> AsyncIterator[Site]:
    """Run a site; in the end, its processes are always ended."""
    notes = Notes()
    ports = Ports.free_numbers(len(WORKERS) + len(APIS) - 2)
    options = StackOptions(
        state_dir=folder,
        ports=Ports.free(),
        services=frozenset({"simulator", "api", "worker"}),
        further=dict(zip((*APIS[1:], *WORKERS[1:]), ports, strict=True)),
        env=SETTINGS | {"SIMULATOR_SEED": str(plan.seed)},
        temporal_binary=await toolchain.find_temporal(SilentReporter()),
        temporal_ui=False,
        postgres_settings=KEEPING,
        reporter=notes,
    )
    async with AsyncExitStack() as cleanup:
        stack = await cleanup.enter_async_context(Stack(options))
        cleanup.callback(_wake, stack)
        shops = await _open_shops(stack)
        for shop in shops:
            cleanup.push_async_callback(shop.aclose)
        limits = httpx.Limits(max_connections=50)
        gateway = httpx.AsyncClient(base_url=stack.simulator_url, timeout=10, trust_env=False, limits=limits)
        cleanup.push_async_callback(gateway.aclose)
        if plan.gateways > 1:
            await asyncio.gather(*(connect(shop, gateway) for shop in shops))
        receivers = [receiver_of(endpoint) for endpoint in plan.endpoints]
        for receiver in receivers:
            cleanup.push_async_callback(receiver.close)
        site = Site(plan, stack, notes, shops, receivers, gateway, GatewayFaults(gateway))
        await asyncio.gather(*(_register(site, receiver) for receiver in receivers))
        yield site


def _wake(stack: Stack) -> None:
    """A process that is stopped can't be asked to end: a run that is broken off must not wait for it."""
    for service in stack.supervisor.services.values():
        if service.child is not None:
            service.child.resume()


async def _open_shops(stack: Stack) -> list[Shop]:
    settings = Settings(_env_file=None, database_url=stack.database_url)
    engine = create_engine(settings, application_name="gauntlet-seed")
    shops = []
    for number in range(SHOPS):
        credentials = Credentials(
            f"mer_{'0' * 20}sh0p0{number}", f"Shop {number}", f"key_gauntlet_{number}", f"secret_gauntlet_{number}"
        )
        async with engine.begin() as connection:
            await seed_merchant(connection, settings, credentials)
        headers = {"X-Api-Key": credentials.api_key, "X-Api-Secret": credentials.api_secret}
        shop = Shop.open(number, credentials.merchant_id, stack.api_urls(), headers)
        owner, viewer = [await _through(stack, engine, shop, credentials, role) for role in (Role.OWNER, Role.VIEWER)]
        shops.append(replace(shop, by_owner=owner, by_viewer=viewer))
    await engine.dispose()
    return shops


async def _through(stack: Stack, engine: AsyncEngine, shop: Shop, credentials: Credentials, role: Role) -> Shop:
    """Return the shop through the session of a new member: a cookie, which counts at the dashboard's address."""
    email = f"{role}-{shop.number}@example.test"
    async with engine.begin() as connection:
        actor = Actor(SYSTEM, None)
        user_id = await creation.add(connection, actor, NewPerson(email, "Ada Tester"), password_hash())
        await creation.join(connection, actor, credentials.account_id, user_id, role)
    headers = {"Host": stack.dashboard_url.partition("//")[2], "X-Clearway-Request": "1"}
    async with httpx.AsyncClient(base_url=stack.api_url + PREFIX, headers=headers, trust_env=False) as http:
        answer = await http.post("/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return Shop.open(
        shop.number,
        shop.merchant_id,
        stack.api_urls(),
        headers | {"Cookie": cookie, MERCHANT_HEADER: shop.merchant_id},
    )


async def _register(site: Site, receiver: Receiver) -> None:
    await receiver.open()
    endpoint = receiver.endpoint
    body = {
        "url": receiver.url,
        "event_types": list(endpoint.event_types),
        "retry_intervals_s": list(endpoint.retry_intervals_s),
        "description": endpoint.kind,
    }
    client = site.client(endpoint.shop, -1 - endpoint.number)
    exchange = await client.insist("/webhook_endpoints", body, key=f"endpoint-{endpoint.number}")
    assert exchange.is_success, exchange.content
    receiver.register(exchange.answer["id"], exchange.answer["secret"])
