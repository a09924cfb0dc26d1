"""Starts and signals bare payments directly at Temporal."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from scripts.bench import floor_workflows as floor
from scripts.bench.shapes import Shape


class Starter:
    """Starts workflows of one shape."""

    def __init__(self, client: Client, shape: Mapping[str, Any], delivery: Mapping[str, Any] | None) -> None:
        self._client = client
        self._shape = shape
        self._delivery = delivery
        self._answers = Shape.from_json(shape).answer_after is not None

    async def start(self, name: str) -> bool:
        """Start the workflow and wait for the answer that a merchant would get; False: there was none."""
        given = floor.FloorInput(name, self._shape, self._delivery)
        options: dict[str, Any] = {
            "id": f"floor/{name}",
            "task_queue": floor.PAYMENTS,
            "id_reuse_policy": WorkflowIDReusePolicy.REJECT_DUPLICATE,
            "search_attributes": floor.payment_attributes(name),
            "static_summary": f"floor {name}",
        }
        try:
            await self._start(given, options)
        except RPCError:
            return False
        return True

    async def tell(self, name: str) -> None:
        """Send the signal that stands for a gateway event."""
        with suppress(RPCError):  # it has ended; Clearway ignores this, too
            await self._client.get_workflow_handle(f"floor/{name}").signal(floor.FloorPayment.gateway_event)

    async def _start(self, given: floor.FloorInput, options: dict[str, Any]) -> None:
        if not self._answers:
            await self._client.start_workflow(floor.FloorPayment.run, given, **options)
            return
        start = WithStartWorkflowOperation(
            floor.FloorPayment.run, given, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING, **options
        )
        await self._client.execute_update_with_start_workflow(
            floor.FloorPayment.record, start_workflow_operation=start, id=str(uuid.uuid4())
        )
