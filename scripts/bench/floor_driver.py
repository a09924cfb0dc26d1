"""The driver of the floor: a process of its own that starts bare workflows in an open loop, where ours has its API.

Request `run`: arrivals_s, shape, delivery (see `shapes`), prefix (of the workflow ids), news_after_s (of the signal
that ends a wait for news). Answers [[due at, answered at, number or null], …] in Unix seconds.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from clearway.settings import Settings
from clearway.temporal import connect
from scripts.bench import floor_workflows as floor
from scripts.bench.agents import leave, serve
from scripts.bench.load import open_loop
from scripts.bench.shapes import Shape


class Driver:
    """Starts workflows of one shape."""

    def __init__(self, client: Client, asked: Mapping[str, Any]) -> None:
        self._client = client
        self._shape = Shape.from_json(asked["shape"])
        self._asked = asked
        self._told_times = self._shape.signals + sum(1 for step in self._shape.steps if step.kind == "news")
        self._news: set[asyncio.Task[None]] = set()

    async def start(self, number: int) -> str | None:
        """Start workflow `number` and wait for the answer that a merchant would get."""
        name = f"{self._asked['prefix']}-{number}"
        given = floor.FloorInput(name, self._asked["shape"], self._asked["delivery"])
        options: dict[str, Any] = {
            "id": f"floor/{name}",
            "task_queue": floor.QUEUE_PAYMENTS,
            "id_reuse_policy": WorkflowIDReusePolicy.REJECT_DUPLICATE,
            "search_attributes": floor.payment_attributes(name),
            "static_summary": f"floor {name}",
        }
        try:
            await self._start(given, options)
        except RPCError:
            return None
        for _ in range(self._told_times):
            self._news.add(task := asyncio.create_task(self._tell(f"floor/{name}")))
            task.add_done_callback(self._news.discard)
        return name

    async def told(self) -> None:
        """Wait until all news is told."""
        await asyncio.gather(*self._news)

    async def _start(self, given: floor.FloorInput, options: dict[str, Any]) -> None:
        if self._shape.answer_after is None:
            await self._client.start_workflow(floor.FloorPayment.run, given, **options)
            return
        start = WithStartWorkflowOperation(
            floor.FloorPayment.run, given, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING, **options
        )
        await self._client.execute_update_with_start_workflow(
            floor.FloorPayment.record, start_workflow_operation=start, id=str(uuid.uuid4())
        )

    async def _tell(self, workflow_id: str) -> None:
        await asyncio.sleep(self._asked["news_after_s"])
        with suppress(RPCError):  # it has ended: what ours meets too, and passes over
            await self._client.get_workflow_handle(workflow_id).signal(floor.FloorPayment.news)


async def main() -> None:
    """Answer the bench until it ends."""
    client = await connect(Settings())

    async def handle(asked: Mapping[str, Any]) -> Any:
        driver = Driver(client, asked)
        sent = await open_loop(asked["arrivals_s"], driver.start)
        await driver.told()
        return [[one.due_at, one.answered_at, one.made] for one in sent]

    await serve(handle)


if __name__ == "__main__":
    asyncio.run(main())
    leave()
