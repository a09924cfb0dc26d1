"""What an operator's "Reset" in the Temporal UI does to a payment: the steps are taken again, and change nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from tests.stack.e2e.conftest import Site


async def reset(client: Client, workflow_id: str, task: int) -> Any:
    """Reset a workflow to the end of its n-th workflow task; return the handle of the new run."""
    handle = client.get_workflow_handle(workflow_id)
    ends = [
        event.event_id
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            reason="a test",
            request_id=f"reset-{workflow_id}-{task}",
            workflow_task_finish_event_id=ends[task],
        )
    )
    return client.get_workflow_handle(workflow_id, run_id=answer.run_id)


@pytest.mark.parametrize("task", [0, 1])
async def test_a_payment_that_is_reset_stays_as_it_is(steady: Site, task: int) -> None:
    """A finished payment whose workflow is reset ends again in the same status, with one charge and no second event."""
    payment = await steady.merchant.paid(7_700)
    told = await steady.merchant.story(payment)

    handle = await reset(steady.stack.temporal, f"payment/{payment['id']}", task)
    result = await handle.result()

    assert result["status"] == "success"
    assert await steady.merchant.story(payment) == told
    assert await steady.merchant.charged(payment) == [7_700]


async def test_a_captured_payment_that_is_reset_is_not_captured_again(steady: Site) -> None:
    """A reset to before a capture takes no money a second time and ends where it was."""
    payment = await steady.merchant.authorized(9_000)
    captured = await steady.merchant.post(f"/payments/{payment['id']}/capture", {"amount": 4_000, "final": False})
    assert captured.status_code == 200
    assert (await steady.merchant.post(f"/payments/{payment['id']}/capture", {})).status_code == 200
    told = await steady.merchant.story(payment)

    handle = await reset(steady.stack.temporal, f"payment/{payment['id']}", 1)
    await handle.result()

    after = await steady.merchant.read(f"/payments/{payment['id']}")
    assert (after["status"], after["amount_captured"]) == ("success", 9_000)
    assert await steady.merchant.story(payment) == told
    assert await steady.merchant.charged(payment) == [4_000, 5_000]


async def refused_workflow(client: Client, query: str) -> str | None:
    """Return the id of the workflow that refused its request, once Temporal lists it."""
    for _ in range(50):
        found = [each async for each in client.list_workflows(f"{query} AND ExecutionStatus = 'Completed'")]
        for each in found:
            result = await client.get_workflow_handle(each.id).result()
            if result["status"] == "refused":
                return each.id
        await asyncio.sleep(0.2)
    return None


async def test_a_refused_refund_that_is_reset_stays_refused(steady: Site) -> None:
    """A refund that was answered with 409 pays nothing out, also when its workflow is reset while money is left."""
    merchant = steady.merchant
    payment = await merchant.paid(6_000, vpa="refundfails@clearway")
    path = f"/payments/{payment['id']}/refunds"
    answers = await asyncio.gather(*(merchant.http.post(path, json={}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    await merchant.until(made, "failed")
    query = f"WorkflowType = 'RefundWorkflow' AND PaymentId = '{payment['id']}'"
    refused = await refused_workflow(steady.stack.temporal, query)
    assert refused is not None

    handle = await reset(steady.stack.temporal, refused, 0)

    assert await handle.result() == {"status": "refused", "refused": "run_reset"}
    assert [refund["id"] for refund in (await merchant.read(path))["data"]] == [made["id"]]


async def test_a_refused_payment_that_is_reset_stays_refused(steady: Site) -> None:
    """A payment that was answered with 409 charges nothing, also when its workflow is reset after its order is free."""
    merchant, refused = steady.merchant, None
    while refused is None:
        order = await merchant.post("/orders", {"amount": 4_200, "currency": "INR"})
        body = {"order_id": order.json()["id"], "method": "upi", "vpa": "failure@razorpay"}
        answers = await asyncio.gather(*(merchant.http.post("/payments", json=body) for _ in range(3)))
        [made] = [answer.json() for answer in answers if answer.status_code == 201]
        await merchant.until(made, "failed")
        query = f"WorkflowType = 'PaymentWorkflow' AND OrderId = '{order.json()['id']}'"
        refused = await refused_workflow(steady.stack.temporal, query)

    handle = await reset(steady.stack.temporal, refused, 0)

    assert await handle.result() == {"status": "refused", "refused": "run_reset", "captured_minor": 0}
    listed = await merchant.read(f"/payments?order_id={order.json()['id']}")
    assert [payment["id"] for payment in listed["data"]] == [made["id"]]
