"""The stories whose histories are kept: together they take every workflow through every kind of step it has."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from clearway.db.deliveries import recovering
from clearway.db.deliveries.recovering import NewRecovery
from clearway.domain import ids
from clearway.domain.actor import Actor
from clearway.domain.delivery import RecoveryScope
from clearway.domain.gateway import first_gateway_id
from clearway.durable.endpoints import start_closing, start_recovery
from clearway.durable.messages import (
    QUEUE_OPERATIONS,
    CancelInput,
    CaptureInput,
    ClosingInput,
    GatewayEvent,
    HealthInput,
    PaymentTimings,
    ReconciliationInput,
    RecoveryInput,
    Resolution,
    closing_workflow_id,
    delivery_workflow_id,
    mail_workflow_id,
    payment_workflow_id,
    reconciliation_workflow_id,
    recovery_workflow_id,
)
from clearway.durable.schedules import health_schedule_id
from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from clearway.mail import letters, outbox
from clearway.reconciliation import commands as reconciling
from clearway.reconciliation.commands import Period
from tests.support.durable import Durable
from workflows.gateway_health import GatewayHealthWorkflow
from workflows.maintenance import MaintenanceWorkflow
from workflows.payment import PaymentWorkflow
from workflows.reconciliation import DueReconciliationsWorkflow, ReconciliationWorkflow
from workflows.webhook_delivery import WebhookDeliveryWorkflow

HOUR = timedelta(hours=1)

Handle = WorkflowHandle[Any, Any]
Story = Callable[[Durable], Awaitable[Handle]]


async def payment_by_gateway_event(durable: Durable) -> Handle:
    """Pending at the gateway, decided by its webhook: the usual life of a payment."""
    payment = await durable.new_payment(instrument="pending@razorpay")
    _, handle = await durable.start(payment)
    key = f"{payment.id}:authorise:1"
    outcome = GatewayOutcome(
        OutcomeKind.APPROVED, references={"payment": "gw_ref"}, amount_minor=50_000, currency="INR", captured=True
    )
    approved = GatewayEvent("gw_1", key, outcome)
    await handle.signal(PaymentWorkflow.gateway_event, approved)
    await durable.ended(handle)
    return handle


async def payment_polled_and_expired(durable: Durable) -> Handle:
    """Never decided: polls, processing, cancelled at the deadline."""
    payment = await durable.new_payment(instrument="pending@razorpay")
    _, handle = await durable.start(payment, PaymentTimings(poll_intervals_s=(10, 30), deadline_s=120))
    await durable.ended(handle)
    return handle


async def payment_captured_in_parts(durable: Durable) -> Handle:
    """Authorised, captured in part, the rest released."""
    payment = await durable.new_payment(capture_method="manual")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    await handle.execute_update(PaymentWorkflow.capture, CaptureInput(ids.new_id(ids.CAPTURE), 20_000, final=False))
    await handle.execute_update(PaymentWorkflow.cancel, CancelInput())
    await durable.ended(handle)
    return handle


async def payment_in_doubt(durable: Durable) -> Handle:
    """Executed without an answer, asked about in vain, reviewed, resolved by an operator."""
    await durable.faults(
        {"operation": "authorise", "fault": "executed_then_dropped", "times": 1},
        {"operation": "look_up", "fault": "error_before"},
    )
    payment = await durable.new_payment()
    _, handle = await durable.start(payment, PaymentTimings(deadline_s=600))
    await durable.skip_until_status(payment.id, "needs_review")
    await handle.signal(PaymentWorkflow.resolve_review, Resolution("success", "ana", "seen at the bank"))
    await durable.ended(handle)
    return handle


async def payment_retried(durable: Durable) -> Handle:
    """Declined, closed at the gateway, retried by schedule, and failed at the end."""
    policy = {"scheduled": 1, "first_wait_s": 3_600, "within_s": 86_400}
    payment = await durable.new_payment(instrument="lowfunds@clearway", retries=policy)
    _, handle = await durable.start(payment)
    await durable.ended(handle)
    return handle


async def payment_refused(durable: Durable) -> Handle:
    """An order that is paid already: refused, nothing recorded."""
    first = await durable.paid()
    second = await durable.new_payment(first.merchant_id, order_id=first.order_id)
    with contextlib.suppress(WorkflowUpdateFailedError):
        await durable.start(second)
    refused = durable.client.get_workflow_handle(payment_workflow_id(second.id))
    await durable.ended(refused)
    return refused


async def refund_processed(durable: Durable) -> Handle:
    """Reserved, paid out."""
    payment = await durable.paid()
    _, handle = await durable.refund(payment, 1_000)
    await durable.ended(handle)
    return handle


async def refund_asked_about(durable: Durable) -> Handle:
    """Executed without an answer, found out."""
    payment = await durable.paid()
    await durable.faults({"operation": "refund", "fault": "executed_then_dropped", "times": 1})
    _, handle = await durable.refund(payment)
    await durable.ended(handle)
    return handle


async def delivery_after_failures(durable: Durable) -> Handle:
    """Refused twice, then taken."""
    durable.receiver.refuse(500, 503)
    payment = await durable.paid(merchant_id=await durable.merchant(endpoint=True))
    delivery = (await durable.deliveries(payment.id))[0]
    handle = durable.client.get_workflow_handle(delivery_workflow_id(delivery.event_id, delivery.endpoint_id))
    await durable.ended(handle)
    return handle


async def delivery_exhausted(durable: Durable) -> Handle:
    """Refused at every attempt of the schedule."""
    durable.receiver.refuse(*[500] * 10)
    payment = await durable.paid(merchant_id=await durable.merchant(endpoint=True))
    delivery = (await durable.deliveries(payment.id))[0]
    handle = durable.client.get_workflow_handle(delivery_workflow_id(delivery.event_id, delivery.endpoint_id))
    await durable.ended(handle)
    return handle


async def delivery_sent_again(durable: Durable) -> Handle:
    """Refused by schedule and by hand while it waits, then taken by the schedule."""
    durable.receiver.refuse(*[500] * 3)
    payment = await durable.paid(merchant_id=await durable.merchant(endpoint=True))
    delivery = (await durable.deliveries(payment.id))[0]
    handle = durable.client.get_workflow_handle(delivery_workflow_id(delivery.event_id, delivery.endpoint_id))
    await handle.execute_update(WebhookDeliveryWorkflow.retry, ids.new_id("rtry"))
    await durable.ended(handle)
    return handle


async def recovery_of_an_endpoint(durable: Durable) -> Handle:
    """Events from before the endpoint was registered, begun in a page."""
    payment = await durable.paid()
    endpoint_id = await durable.endpoint(payment.merchant_id, durable.receiver.url)
    now = datetime.now(UTC)
    new = NewRecovery(
        ids.new_id(ids.RECOVERY), payment.merchant_id, endpoint_id, RecoveryScope.ALL_MISSING, now - HOUR, now
    )
    async with durable.engine.begin() as connection:
        await recovering.add(connection, new)
    await start_recovery(durable.client, RecoveryInput(new.id, new.merchant_id))
    handle = durable.client.get_workflow_handle(recovery_workflow_id(new.id))
    await durable.ended(handle)
    return handle


async def closing_of_an_endpoint(durable: Durable) -> Handle:
    """What waits for a deleted endpoint is cancelled."""
    durable.receiver.refuse(*[500] * 10)
    merchant_id = await durable.merchant(endpoint=True)
    payment = await durable.paid(merchant_id=merchant_id)
    endpoint_id = (await durable.deliveries(payment.id))[0].endpoint_id
    await start_closing(durable.client, ClosingInput(endpoint_id, merchant_id))
    handle = durable.client.get_workflow_handle(closing_workflow_id(endpoint_id))
    await durable.ended(handle)
    return handle


async def maintenance(durable: Durable) -> Handle:
    """One round of housekeeping."""
    workflow_id = f"maintenance-{ids.new_id(ids.REQUEST)}"
    await durable.client.start_workflow(MaintenanceWorkflow.run, id=workflow_id, task_queue=QUEUE_OPERATIONS)
    handle = durable.client.get_workflow_handle(workflow_id)
    await durable.ended(handle)
    return handle


async def health_of_a_gateway(durable: Durable) -> Handle:
    """One check of a gateway."""
    gateway_id = first_gateway_id(await durable.merchant())
    workflow_id = f"{health_schedule_id(gateway_id)}-{ids.new_id(ids.REQUEST)}"
    await durable.client.start_workflow(
        GatewayHealthWorkflow.run, HealthInput(gateway_id), id=workflow_id, task_queue=QUEUE_OPERATIONS
    )
    handle = durable.client.get_workflow_handle(workflow_id)
    await durable.ended(handle)
    return handle


async def reconciliation_of_a_gateway(durable: Durable) -> Handle:
    """A payment is compared with what the gateway reports, page by page."""
    payment = await durable.paid()
    now, run_id = datetime.now(UTC), ids.new_id(ids.RECONCILIATION)
    actor, period = (
        Actor("operator:test", payment.merchant_id),
        Period(now - timedelta(days=2), now - timedelta(days=1)),
    )
    async with durable.engine.begin() as connection:
        await reconciling.start(connection, actor, payment.gateway_id, run_id, period, now=now)
    workflow_id = reconciliation_workflow_id(run_id)
    await durable.client.start_workflow(
        ReconciliationWorkflow.run,
        ReconciliationInput(run_id, payment.merchant_id),
        id=workflow_id,
        task_queue=QUEUE_OPERATIONS,
    )
    handle = durable.client.get_workflow_handle(workflow_id)
    await durable.ended(handle)
    return handle


async def reconciliations_that_are_due(durable: Durable) -> Handle:
    """One look for gateways whose last day is not compared yet."""
    workflow_id = f"reconciliation-{ids.new_id(ids.REQUEST)}"
    await durable.client.start_workflow(DueReconciliationsWorkflow.run, id=workflow_id, task_queue=QUEUE_OPERATIONS)
    handle = durable.client.get_workflow_handle(workflow_id)
    await durable.ended(handle)
    return handle


async def mail_that_fails(durable: Durable) -> Handle:
    """A mail without a mail server ends on record."""
    async with durable.engine.begin() as connection:
        mail_id = await outbox.record(connection, durable.cipher, letters.trial("ops@shop.example"))
    await outbox.start(durable.client, mail_id)
    handle = durable.client.get_workflow_handle(mail_workflow_id(mail_id))
    assert await durable.ended(handle) == "failed"
    return handle


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        payment_by_gateway_event,
        payment_polled_and_expired,
        payment_captured_in_parts,
        payment_in_doubt,
        payment_retried,
        payment_refused,
        refund_processed,
        refund_asked_about,
        delivery_after_failures,
        delivery_exhausted,
        delivery_sent_again,
        recovery_of_an_endpoint,
        closing_of_an_endpoint,
        health_of_a_gateway,
        maintenance,
        reconciliation_of_a_gateway,
        reconciliations_that_are_due,
        mail_that_fails,
    )
}
