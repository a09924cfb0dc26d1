"""Bare workflows of any shape: they take the given steps, and no step does anything.

What they cost is what Temporal and its SDK cost for that shape, on this machine, with these settings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from clearway.durable.messages import QUEUE_DELIVERIES, QUEUE_PAYMENTS
from clearway.durable.search_attributes import (
    AMOUNT,
    CURRENCY,
    GATEWAY,
    MERCHANT_ID,
    ORDER_ID,
    PAYMENT_ID,
    PAYMENT_STATUS,
)
from scripts.bench.shapes import Shape, Step

LIMIT: Final = timedelta(seconds=30)
PAYMENTS: Final = f"floor-{QUEUE_PAYMENTS}"
DELIVERIES: Final = f"floor-{QUEUE_DELIVERIES}"


@dataclass(frozen=True)
class FloorInput:
    """The shape of the workflow (`Shape.to_json`), and that of the deliveries it starts."""

    number: str
    shape: Mapping[str, Any]
    delivery: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StartInput:
    """Start so many deliveries of workflow `number`; 0: do nothing."""

    number: str
    count: int
    delivery: Mapping[str, Any] | None


class FloorActivities:
    """The steps. `delivered` holds what was, if it were ours, a webhook sent: the number and the Unix seconds."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.delivered: list[tuple[str, float]] = []

    @activity.defn
    async def floor_step(self, given: StartInput) -> str:
        """Do nothing but what the shape itself is: start the deliveries."""
        await asyncio.gather(*(self._start(given, index) for index in range(given.count)))
        return given.number

    @activity.defn
    async def floor_call(self, number: str) -> str:
        """Do nothing, where ours calls a gateway."""
        return number

    @activity.defn
    async def floor_attempt(self, number: str) -> str:
        """Do nothing, where ours sends a webhook; note the time."""
        self.delivered.append((number, time.time()))
        return number

    async def _start(self, given: StartInput, index: int) -> None:
        number = f"{given.number}/{index}"
        with suppress(WorkflowAlreadyStartedError):  # the task was repeated, as when a gateway event comes
            await self._client.start_workflow(
                FloorDelivery.run,
                FloorInput(number, given.delivery or {}),
                id=f"floor-delivery/{number}",
                task_queue=DELIVERIES,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                request_eager_start=True,
                search_attributes=delivery_attributes(number),
                static_summary=f"delivery {number}",
            )


def delivery_attributes(number: str) -> TypedSearchAttributes:
    """Return as many search attributes as a delivery of ours starts with."""
    return TypedSearchAttributes([SearchAttributePair(MERCHANT_ID, "floor"), SearchAttributePair(PAYMENT_ID, number)])


def payment_attributes(number: str) -> TypedSearchAttributes:
    """Return as many search attributes as a payment of ours starts with."""
    return TypedSearchAttributes(
        [
            *(SearchAttributePair(key, number) for key in (MERCHANT_ID, PAYMENT_ID, ORDER_ID, PAYMENT_STATUS, GATEWAY)),
            SearchAttributePair(AMOUNT, 50_000),
            SearchAttributePair(CURRENCY, "INR"),
        ]
    )


class _Walk:
    """Takes the steps of a shape, one at a time."""

    def __init__(self, given: FloorInput) -> None:
        self.shape = Shape.from_json(given.shape)
        self.done = 0
        self.signals = 0
        self.number = given.number
        self._given = given

    async def run(self) -> None:
        """Take all steps."""
        for step in self.shape.steps:
            await self._take(step)
            self.done += 1

    async def local(self, step: Step) -> None:
        """Take a step beside the workflow."""
        start = StartInput(self.number, step.starts, self._given.delivery if step.starts else None)
        await workflow.execute_local_activity_method(
            FloorActivities.floor_step, start, start_to_close_timeout=LIMIT, summary="step"
        )

    async def call(self) -> None:
        """Take a step through a task queue."""
        await workflow.execute_activity_method(
            FloorActivities.floor_call, self.number, start_to_close_timeout=LIMIT, summary="call"
        )

    async def _take(self, step: Step) -> None:
        match step.kind:
            case "local":
                await self.local(step)
            case "activity":
                await self.call()
            case "timer":
                await workflow.sleep(step.seconds, summary="wait")
            case "signal":
                before = self.signals
                await workflow.wait_condition(
                    lambda: self.signals > before, timeout=timedelta(seconds=step.seconds), timeout_summary="wait"
                )
            case "upsert":
                workflow.upsert_search_attributes([PAYMENT_STATUS.value_set("success"), GATEWAY.value_set("floor")])


class _DeliveryWalk(_Walk):
    """The same for a delivery: each of its steps is an attempt to send."""

    async def local(self, _step: Step) -> None:
        await workflow.execute_local_activity_method(
            FloorActivities.floor_attempt, self.number, start_to_close_timeout=LIMIT, summary="attempt"
        )

    async def call(self) -> None:
        await workflow.execute_activity_method(
            FloorActivities.floor_attempt, self.number, start_to_close_timeout=LIMIT, summary="attempt"
        )


@workflow.defn
class FloorPayment:
    """A workflow of the shape of a payment or refund."""

    @workflow.init
    def __init__(self, given: FloorInput) -> None:
        self._walk = _Walk(given)

    @workflow.run
    async def run(self, given: FloorInput) -> str:
        """Take the steps."""
        await self._walk.run()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return given.number

    @workflow.update
    async def record(self) -> str:
        """Answer after as many steps as ours."""
        after = self._walk.shape.answer_after or 0
        await workflow.wait_condition(lambda: self._walk.done >= after)
        return "recorded"

    @workflow.signal
    def gateway_event(self) -> None:
        """End a wait."""
        self._walk.signals += 1


@workflow.defn
class FloorDelivery:
    """A workflow of the shape of a delivery."""

    @workflow.init
    def __init__(self, given: FloorInput) -> None:
        self._walk = _DeliveryWalk(given)

    @workflow.run
    async def run(self, given: FloorInput) -> str:
        """Take the steps."""
        await self._walk.run()
        return given.number
