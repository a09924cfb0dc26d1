"""Start the workflows of a webhook endpoint: recoveries, and cancelling its pending deliveries after a delete."""

from __future__ import annotations

from typing import Final

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy

from clearway.durable.messages import (
    CLOSING_WORKFLOW,
    QUEUE_OPERATIONS,
    RECOVERY_WORKFLOW,
    ClosingInput,
    RecoveryInput,
    closing_workflow_id,
    recovery_workflow_id,
)
from clearway.durable.search_attributes import MERCHANT_ID

EXISTING: Final = WorkflowIDConflictPolicy.USE_EXISTING


async def start_recovery(client: Client, recovery: RecoveryInput) -> None:
    """Start a recovery, or leave it alone if it runs. Started again after its end, it finds nothing to do."""
    await client.start_workflow(
        RECOVERY_WORKFLOW,
        recovery,
        id=recovery_workflow_id(recovery.recovery_id),
        task_queue=QUEUE_OPERATIONS,
        id_conflict_policy=EXISTING,
        search_attributes=_of_merchant(recovery.merchant_id),
        static_summary=f"recovery {recovery.recovery_id}",
    )


async def start_closing(client: Client, closing: ClosingInput) -> None:
    """Start to cancel the pending deliveries of a deleted endpoint."""
    await client.start_workflow(
        CLOSING_WORKFLOW,
        closing,
        id=closing_workflow_id(closing.endpoint_id),
        task_queue=QUEUE_OPERATIONS,
        id_conflict_policy=EXISTING,
        search_attributes=_of_merchant(closing.merchant_id),
        static_summary=f"cancel deliveries to {closing.endpoint_id}",
    )


def _of_merchant(merchant_id: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(MERCHANT_ID, merchant_id)])
