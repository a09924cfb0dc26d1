"""Whether workers run, according to the pollers of Temporal's task queues."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.client import Client

from clearway.durable.messages import TASK_QUEUES

POLL_SEEN_WITHIN: Final = timedelta(seconds=75)
"""A poll lasts up to a minute, so a worker that is there has been seen within this time."""
ASK_TIMEOUT: Final = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Poller:
    """A worker process that polls a task queue. identity: as `worker.py` names it."""

    identity: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class QueueState:
    """A task queue: its workers, how many tasks wait for one, and for how long the oldest does."""

    pollers: tuple[Poller, ...]
    waiting: int
    oldest_s: float

    @property
    def polled(self) -> bool:
        """Whether workers poll it."""
        return bool(self.pollers)


async def queue_states(client: Client) -> dict[str, QueueState]:
    """Return the state of each of Clearway's task queues. Raises RPCError or RuntimeError when Temporal is down."""
    states = await asyncio.gather(*(_state(client, name) for name in TASK_QUEUES))
    return dict(zip(TASK_QUEUES, states, strict=True))


async def _state(client: Client, name: str) -> QueueState:
    workflow_tasks, activity_tasks = await asyncio.gather(
        _describe(client, name, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        _describe(client, name, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    )
    since = datetime.now(UTC) - POLL_SEEN_WITHIN
    seen = {each.identity: each.last_access_time.ToDatetime(UTC) for each in workflow_tasks.pollers}
    stats = [answer.stats for answer in (workflow_tasks, activity_tasks)]
    return QueueState(
        pollers=tuple(Poller(*each) for each in sorted(seen.items()) if each[1] > since),
        waiting=sum(each.approximate_backlog_count for each in stats),
        oldest_s=max(each.approximate_backlog_age.ToTimedelta().total_seconds() for each in stats),
    )


async def _describe(client: Client, name: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind, report_stats=True
    )
    return await client.workflow_service.describe_task_queue(request, timeout=ASK_TIMEOUT)
