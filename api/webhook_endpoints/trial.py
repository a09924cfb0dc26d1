"""Sending a test event to one endpoint: recorded and delivered like any other event, and told to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth.principal import Merchant
from api.http.services import Services
from api.webhook_endpoints.commands import lock_own
from api.webhooks import sending
from api.webhooks.lookup import find_own
from api.webhooks.schemas import DeliveryResource, delivery_resource
from clearway.db import events
from clearway.db.events import DueDelivery, Happening
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.errors import ConflictError
from clearway.domain.events import EventType
from clearway.domain.resources import EndpointTestResource

MESSAGE = "This is a test of your webhook endpoint. It tells of no payment."


async def send_test(services: Services, merchant: Merchant, endpoint_id: str, test_id: str) -> DeliveryResource:
    """Write a test event for this endpoint, start its delivery and return it. A repeat finds the same event."""
    async with services.engine.begin() as connection:
        row = await lock_own(connection, merchant.id, endpoint_id)
        step = f"test:{test_id}"
        due = await events.due_for_step(connection, step) or await _record(connection, row, step)
    await sending.start(services, due)
    return delivery_resource(await find_own(services, merchant.id, due[0].delivery_id))


async def _record(connection: AsyncConnection, endpoint: Row[tuple[object, ...]], step: str) -> list[DueDelivery]:
    if endpoint.status != EndpointStatus.ENABLED.value:
        detail = f"Endpoint {endpoint.id} is disabled, so nothing was sent. Enable it first."
        raise ConflictError("webhook_endpoint_closed", detail)
    told = Happening(
        type=EventType.ENDPOINT_TEST,
        merchant_id=endpoint.merchant_id,
        data=EndpointTestResource(endpoint_id=endpoint.id, message=MESSAGE).data(),
        step=step,
        actor="merchant",
    )
    return await events.tell(connection, [told], now=datetime.now(UTC), only_endpoint=endpoint.id)
