"""Sending a test event to one endpoint: recorded and delivered like any other event, and sent to no other endpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import events
from clearway.db.events import DueDelivery, Happening
from clearway.deliveries import finding, sending
from clearway.domain.actor import Actor
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.errors import ConflictError
from clearway.domain.events import EventType
from clearway.domain.resources import EndpointTestResource
from clearway.endpoints.commands import lock_own
from clearway.services import Services

MESSAGE = "This is a test of your webhook endpoint. It tells of no payment."


async def send_test(services: Services, actor: Actor, endpoint_id: str, test_id: str) -> Row[Any]:
    """Write a test event for this endpoint, start its delivery and return it. A repeat finds the same event."""
    async with services.engine.begin() as connection:
        row = await lock_own(connection, actor.merchant_id, endpoint_id)
        step = f"test:{test_id}"
        due = await events.due_for_step(connection, row.merchant_id, row.id, step) or await _record(
            connection, row, step
        )
    await sending.start(services, due)
    return await finding.find(services, actor.merchant_id, due[0].delivery_id)


async def _record(connection: AsyncConnection, endpoint: Row[tuple[object, ...]], step: str) -> list[DueDelivery]:
    if endpoint.status != EndpointStatus.ENABLED.value:
        detail = f"Endpoint {endpoint.id} is disabled, so nothing was sent. Enable it first."
        raise ConflictError("webhook_endpoint_closed", detail)
    happening = Happening(
        type=EventType.ENDPOINT_TEST,
        merchant_id=endpoint.merchant_id,
        data=EndpointTestResource(endpoint_id=endpoint.id, message=MESSAGE).data(),
        step=step,
        subject_id=endpoint.id,
        actor="merchant",
    )
    return await events.record_events(connection, [happening], now=datetime.now(UTC), only_endpoint=endpoint.id)
