"""Sending a test event to one endpoint: recorded and delivered like any other event, and sent to no other endpoint.

A test event is of type `endpoint.test`, or in test mode of any type, with the data of its example in the catalogue or
with data that the merchant wrote and `composing` let pass.
Its subject is the endpoint, so no payment has it in its history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import events
from clearway.db.events import DueDelivery, Happening
from clearway.deliveries import finding, sending
from clearway.domain.actor import Actor, in_history
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.errors import ConflictError
from clearway.domain.event_examples import TEST_MESSAGE
from clearway.domain.events import EventType
from clearway.domain.merchant import Mode
from clearway.domain.resources import EndpointTestResource
from clearway.endpoints.commands import lock_own
from clearway.endpoints.composing import data_to_edit
from clearway.services import Services


@dataclass(frozen=True, slots=True)
class TestEvent:
    """A test event to send. data None: that of the example."""

    __test__ = False  # not a test of pytest

    type: EventType = EventType.ENDPOINT_TEST
    data: dict[str, Any] | None = None


def check_mode(mode: Mode, asked: TestEvent) -> None:
    """Raise ConflictError for an event that a live server would take for a real one."""
    if mode is Mode.LIVE and asked.type is not EventType.ENDPOINT_TEST:
        detail = (
            f"A live endpoint gets {asked.type.value} only when it happens. Nothing was sent. Use the test merchant."
        )
        raise ConflictError("test_mode_only", detail)
    if mode is Mode.LIVE and asked.data is not None:
        detail = "A live endpoint gets no data that were written by hand. Nothing was sent. Use the test merchant."
        raise ConflictError("test_mode_only", detail)


async def send_test(services: Services, actor: Actor, endpoint_id: str, test_id: str, asked: TestEvent) -> Row[Any]:
    """Write a test event for this endpoint, start its delivery and return it. A repeat finds the same event."""
    async with services.engine.begin() as connection:
        row = await lock_own(connection, actor.merchant_id, endpoint_id)
        step = f"test:{test_id}"
        due = await events.due_for_step(connection, row.merchant_id, row.id, step) or await _record(
            connection, actor, row, step, asked
        )
    await sending.start(services, due)
    return await finding.find(services, actor.merchant_id, due[0].delivery_id)


async def _record(
    connection: AsyncConnection, actor: Actor, endpoint: Row[tuple[object, ...]], step: str, asked: TestEvent
) -> list[DueDelivery]:
    if endpoint.status != EndpointStatus.ENABLED.value:
        detail = f"Endpoint {endpoint.id} is disabled, so nothing was sent. Enable it first."
        raise ConflictError("webhook_endpoint_closed", detail)
    now = datetime.now(UTC)
    happening = Happening(
        type=asked.type,
        merchant_id=endpoint.merchant_id,
        data=_example(endpoint.id, asked.type, now) if asked.data is None else asked.data,
        step=step,
        subject_id=endpoint.id,
        actor=in_history(actor),
    )
    return await events.record_events(connection, [happening], now=now, only_endpoint=endpoint.id)


def _example(endpoint_id: str, event_type: EventType, now: datetime) -> dict[str, Any]:
    if event_type is EventType.ENDPOINT_TEST:
        return EndpointTestResource(endpoint_id=endpoint_id, message=TEST_MESSAGE).data()
    return data_to_edit(event_type, now)
