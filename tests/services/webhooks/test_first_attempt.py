"""The first attempt of a delivery: made within the workflow task, if nothing prevents it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType as HistoryEventType

from activities import slow_endpoints
from activities.slow_endpoints import REMEMBERED_MAX, REMEMBERED_S, SlowEndpoints
from clearway.db.deliveries import recording
from clearway.db.events import DueDelivery
from tests.services.webhooks.conftest import DurableShop
from tests.support.receiver import Receiver, Reply

NEVER_S = 3_600.0


@pytest.fixture(autouse=True)
def nobody_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no endpoint for slow, however slow the machine is, unless a test says so."""
    monkeypatch.setattr(slow_endpoints, "SLOW_AFTER_S", NEVER_S)


async def activities_of(shop: DurableShop, due: DueDelivery) -> int:
    """Count the attempts that were activities of their own."""
    events = [event.event_type async for event in shop.handle(due).fetch_history_events()]
    return events.count(HistoryEventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)


async def test_the_first_attempt_takes_no_activity(durable_shop: DurableShop, front: Receiver) -> None:
    """A successful first attempt costs one workflow task; after a failure, an activity makes the next attempt."""
    await durable_shop.endpoint(front.url)
    (quick,) = await durable_shop.announce()
    assert (await durable_shop.delivered(quick)).status == "delivered"

    front.replies = [Reply(500)]
    (failing,) = await durable_shop.announce()
    assert (await durable_shop.delivered(failing)).attempts == 2

    assert await activities_of(durable_shop, quick) == 0
    assert await activities_of(durable_shop, failing) == 1


async def test_a_slow_endpoint_is_served_apart(
    durable_shop: DurableShop, front: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a slow answer, an activity makes the endpoint's next first attempt, for a limited time."""
    remember, remembered = SlowEndpoints.remember, asyncio.Event()
    memories: list[SlowEndpoints] = []

    def remembering(memory: SlowEndpoints, endpoint_id: str) -> None:
        remember(memory, endpoint_id)
        memories.append(memory)
        remembered.set()

    async def dawdle() -> None:
        await remembered.wait()

    monkeypatch.setattr(SlowEndpoints, "remember", remembering)
    await durable_shop.endpoint(front.url)
    front.before_reply = dawdle
    monkeypatch.setattr(slow_endpoints, "SLOW_AFTER_S", 0.05)
    (first,) = await durable_shop.announce()
    await durable_shop.delivered(first)
    front.before_reply = None
    monkeypatch.setattr(slow_endpoints, "SLOW_AFTER_S", NEVER_S)
    (second,) = await durable_shop.announce()
    await durable_shop.delivered(second)
    monkeypatch.setattr(memories[0], "_clock", lambda: time.monotonic() + REMEMBERED_S)
    (third,) = await durable_shop.announce()
    await durable_shop.delivered(third)

    assert [await activities_of(durable_shop, due) for due in (first, second, third)] == [0, 1, 0]
    assert front.ids() == [first.event_id, second.event_id, third.event_id]


async def test_trouble_of_our_own_is_repeated_where_operators_see_it(
    durable_shop: DurableShop, front: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the attempt cannot be recorded, an activity makes it again, under its number and webhook id."""
    record, failures = recording.record_attempt, iter([OSError("the database is away")])

    async def failing_once(*arguments: Any, **named: Any) -> None:
        for failure in failures:
            raise failure
        await record(*arguments, **named)

    monkeypatch.setattr(recording, "record_attempt", failing_once)
    await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.announce()

    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("delivered", 1)
    assert await activities_of(durable_shop, due) == 1
    assert front.ids() == [due.event_id] * 2


async def test_only_the_slow_are_remembered_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait counts from the moment it is too long, even before it ends; the memory ends, and is bounded."""
    now = 0.0
    memory = SlowEndpoints(lambda: now)
    with memory.watch("quick"):
        pass
    assert "quick" not in memory
    assert None not in memory

    monkeypatch.setattr(slow_endpoints, "SLOW_AFTER_S", 0.05)
    with memory.watch("slow"):
        await asyncio.sleep(0.2)
        assert "slow" in memory
    now = REMEMBERED_S + 0.1
    assert "slow" not in memory

    for number in range(REMEMBERED_MAX + 1):
        memory.remember(str(number))
    assert "0" not in memory
    assert "1" in memory
