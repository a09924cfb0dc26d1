"""Merchants with a client of the API: on the database alone, or with the durable side in skipped time behind it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.enums.v1 import EventType as HistoryEventType
from temporalio.client import Client, WorkflowHandle

from api.app import create_app
from api.http.admission import Admission
from api.http.limits import RateLimits
from api.http.services import ApiServices
from clearway.db import events
from clearway.db.events import DueDelivery, Happening
from clearway.db.seed import Credentials, seed_merchant
from clearway.db.tables import webhook_deliveries
from clearway.domain.api import API_PREFIX
from clearway.domain.events import EventType
from clearway.domain.ids import MERCHANT, new_id
from clearway.durable.client import connect
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import DeliveryResult, delivery_workflow_id
from clearway.gateway_configs.opening import open_connections
from clearway.settings import Settings
from tests.support.durable import Durable, result_of
from tests.support.receiver import PATIENCE_S, Receiver, running_receiver
from workflows.webhook_delivery import WebhookDeliveryWorkflow

ATTEMPT_ENDS: Final = {
    HistoryEventType.EVENT_TYPE_MARKER_RECORDED,  # the first attempt, made within the workflow task
    HistoryEventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
}

NOWHERE = "https://shop.example/hooks"
Json = dict[str, Any]


@dataclass
class Shop:
    """A merchant of one test alone, with their client of the API."""

    id: str
    http: httpx.AsyncClient
    engine: AsyncEngine
    settings: Settings

    async def endpoint(self, url: str = NOWHERE, **fields: Any) -> Json:
        """Register an endpoint; the answer holds its secret."""
        made = await self.http.post("/webhook_endpoints", json={"url": url, **fields})
        assert made.status_code == 201, made.text
        return dict(made.json())

    async def get(self, path: str, **query: Any) -> Json:
        """Read something that must be there."""
        found = await self.http.get(path, params=query)
        assert found.status_code == 200, found.text
        return dict(found.json())

    async def record(
        self,
        kind: EventType = EventType.PAYMENT_SUCCESS,
        *,
        payment_id: str | None = None,
        subject_id: str | None = None,
    ) -> list[DueDelivery]:
        """Write an event as a payment's step does; return the deliveries that are due for it."""
        data = {"object": "payment", "id": payment_id or "pay_of_a_test", "note": "schön"}
        happening = Happening(
            kind, self.id, data, step=new_id("step"), subject_id=subject_id or data["id"], payment_id=payment_id
        )
        async with self.engine.begin() as connection:
            return await events.record_events(connection, [happening], now=datetime.now(UTC))

    async def row(self, delivery_id: str) -> Any:
        """Return a delivery's row."""
        async with self.engine.connect() as connection:
            query = select(webhook_deliveries).where(webhook_deliveries.c.id == delivery_id)
            return (await connection.execute(query)).one()


@dataclass
class DurableShop(Shop):
    """A merchant whose webhooks are really delivered, in skipped time."""

    durable: Durable

    async def announce(self, kind: EventType = EventType.PAYMENT_SUCCESS) -> list[DueDelivery]:
        """Write an event and start its deliveries."""
        due = await self.record(kind)
        await self.starter.start(due)
        return due

    @property
    def starter(self) -> TemporalDeliveries:
        """Start deliveries as workers do."""
        return TemporalDeliveries(self.durable.client, self.settings.webhook_retry_intervals_s)

    def handle(self, due: DueDelivery) -> WorkflowHandle[Any, DeliveryResult]:
        """Return the newest run of a delivery's workflow."""
        workflow_id = delivery_workflow_id(due.event_id, due.endpoint_id)
        return self.durable.client.get_workflow_handle_for(WebhookDeliveryWorkflow.run, workflow_id)

    async def delivered(self, due: DueDelivery) -> DeliveryResult:
        """Skip time until a delivery has ended."""
        return (await self.all_delivered([due]))[0]

    async def all_delivered(self, due: Sequence[DueDelivery]) -> list[DeliveryResult]:
        """Skip time until these deliveries have ended."""
        # A handle that did not start its workflow does not skip time by itself; and the server counts who lets time
        # pass together with its own locks, so two who do so at once leave it standing still for good.
        async with self.durable.environment.time_skipping_unlocked():  # type: ignore[attr-defined]
            return await asyncio.gather(*(result_of(self.handle(delivery)) for delivery in due))

    async def until_timer(self, due: DueDelivery) -> None:
        """Wait, in real time, until a delivery's run waits for its next attempt.

        A run that is terminated within a workflow task leaves the test server's clock locked: from then on every wait,
        also of the tests after it, takes as long as it says.
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async for event in self.handle(due).fetch_history_events():
                    if event.event_type == HistoryEventType.EVENT_TYPE_TIMER_STARTED:
                        return
                await asyncio.sleep(0.02)

    async def standing(self, due: DueDelivery) -> list[DueDelivery]:
        """Return a delivery as the sweep finds it: how far it has come stands in its row."""
        async with self.engine.connect() as connection:
            return await events.due(connection, webhook_deliveries.c.id == due.delivery_id)

    async def starts(self, due: DueDelivery) -> list[tuple[str, float]]:
        """Return the summary of each attempt of the schedule with the second at which it began."""
        found = [("attempt 1, at once", 0.0)]
        first: datetime | None = None
        async for event in self.handle(due).fetch_history_events():
            moment = event.event_time.ToDatetime(tzinfo=UTC)
            if event.event_type in ATTEMPT_ENDS and first is None:
                first = moment
            if event.event_type == HistoryEventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED and first is not None:
                summary = json.loads(event.user_metadata.summary.data)
                found.append((summary, (moment - first) / timedelta(seconds=1)))
        return found

    async def waits_s(self, due: DueDelivery) -> list[float]:
        """Return the seconds between each attempt's end and the next one's start, as the history has them."""
        ends, waits = None, []
        async for event in self.handle(due).fetch_history_events():
            moment = event.event_time.ToDatetime(tzinfo=UTC)
            if event.event_type in ATTEMPT_ENDS:
                ends = moment
            if event.event_type == HistoryEventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED and ends is not None:
                waits.append((moment - ends) / timedelta(seconds=1))
        return waits


def credentials_of(merchant_id: str) -> Credentials:
    """Make up a key for a merchant."""
    suffix = merchant_id.removeprefix("mer_")
    return Credentials(merchant_id, "A Shop", f"key_{suffix}", f"secret_{suffix}")


@asynccontextmanager
async def api_client(settings: Settings, engine: AsyncEngine, temporal: Client) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the app over these clients instead of those its lifespan would make; nobody is logged in."""
    app = create_app(settings)
    gateways = open_connections(settings, engine)
    app.state.services = ApiServices(
        settings,
        engine,
        temporal,
        gateways,
        RateLimits(settings),
        Admission(0),
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://api.test{API_PREFIX}") as client:
        yield client
    await gateways.aclose()


async def log_in(client: httpx.AsyncClient, settings: Settings, engine: AsyncEngine) -> str:
    """Make a merchant and put their credentials on the client."""
    credentials = credentials_of(new_id(MERCHANT))
    async with engine.begin() as connection:
        await seed_merchant(connection, settings, credentials)
    client.headers.update({"X-Api-Key": credentials.api_key, "X-Api-Secret": credentials.api_secret})
    return credentials.merchant_id


@pytest.fixture
async def nobody(settings: Settings) -> Client:
    """Return a client of a Temporal that is not there."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    return await connect(settings.model_copy(update={"temporal_address": address}), lazy=True)


@pytest.fixture
async def shop(settings: Settings, engine: AsyncEngine, nobody: Client) -> AsyncIterator[Shop]:
    """Make a merchant on the database alone."""
    async with api_client(settings, engine, nobody) as client:
        yield Shop(await log_in(client, settings, engine), client, engine, settings)


@pytest.fixture
async def other_shop(settings: Settings, engine: AsyncEngine, nobody: Client) -> AsyncIterator[Shop]:
    """Make another merchant."""
    async with api_client(settings, engine, nobody) as client:
        yield Shop(await log_in(client, settings, engine), client, engine, settings)


@pytest.fixture
async def durable_shop(durable: Durable) -> AsyncIterator[DurableShop]:
    """Make a merchant whose webhooks are delivered."""
    settings, engine = durable.settings, durable.engine
    async with api_client(settings, engine, durable.client) as client:
        yield DurableShop(await log_in(client, settings, engine), client, engine, settings, durable)


@pytest.fixture
async def front() -> AsyncIterator[Receiver]:
    """Run a merchant's server that accepts every webhook by default."""
    async with running_receiver() as running:
        yield running
