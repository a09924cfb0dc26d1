"""Start the workflow that carries a reconciliation on."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError

from clearway.durable.calls import classify
from clearway.durable.messages import (
    QUEUE_OPERATIONS,
    RECONCILIATION_WORKFLOW,
    ReconciliationInput,
    reconciliation_workflow_id,
)
from clearway.durable.search_attributes import MERCHANT_ID


async def start_reconciliation(client: Client, run: ReconciliationInput) -> None:
    """Carry a run on, or leave it alone if it is. Raises UnavailableError."""
    workflow_id = reconciliation_workflow_id(run.run_id)
    try:
        await client.start_workflow(
            RECONCILIATION_WORKFLOW,
            run,
            id=workflow_id,
            task_queue=QUEUE_OPERATIONS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=TypedSearchAttributes([SearchAttributePair(MERCHANT_ID, run.merchant_id)]),
            static_summary=f"reconciliation {run.run_id}",
        )
    except (RPCError, RuntimeError) as error:
        raise classify(error, workflow_id) from error
