"""Counts the running work in Temporal, from its visibility and its task queues, never from Clearway's tables."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final, Literal

from temporalio.client import Client
from temporalio.service import RPCError

from api.testing.schemas import JobsStatus
from api.workers import QueueState, queue_states
from clearway.domain.errors import UnavailableError

OF_MERCHANTS: Final = "WorkflowType IN ('PaymentWorkflow', 'RefundWorkflow', 'WebhookDeliveryWorkflow')"
"""Maintenance workflows belong to no merchant and are not counted."""
COUNT_TIMEOUT: Final = timedelta(seconds=5)


async def jobs_status(client: Client) -> JobsStatus:
    """Return the counts. Raises UnavailableError when Temporal is away."""
    try:
        by_status = await _count_by_status(client)
        queues = await queue_states(client)
    except (RPCError, RuntimeError) as error:
        detail = "Temporal does not answer, so the workflows cannot be counted. Repeat the request."
        raise UnavailableError("temporal_unavailable", detail) from error
    processing, completed = by_status.pop("Running", 0), by_status.pop("Completed", 0)
    by_status.pop("ContinuedAsNew", 0)
    return JobsStatus(
        pending=sum(queue.waiting for queue in queues.values()),
        processing=processing,
        completed=completed,
        failed=sum(by_status.values()),
        worker_status=_worker_status(list(queues.values())),
    )


async def _count_by_status(client: Client) -> Counter[str]:
    counted = await client.count_workflows(f"{OF_MERCHANTS} GROUP BY ExecutionStatus", rpc_timeout=COUNT_TIMEOUT)
    return Counter({str(group.group_values[0]): group.count for group in counted.groups})


def _worker_status(queues: list[QueueState]) -> Literal["running", "partial", "stopped"]:
    polled = sum(queue.polled for queue in queues)
    if polled == len(queues):
        return "running"
    return "partial" if polled else "stopped"
