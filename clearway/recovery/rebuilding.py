"""Restore a row: by its workflow if one runs, else by a new run from the row or from the last run's history."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any, Final

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from clearway.db import across_merchants
from clearway.domain.ids import REFUND, is_id
from clearway.durable.messages import (
    CHECK_RECORD,
    PAYMENT_WORKFLOW,
    QUEUE_PAYMENTS,
    REFUND_WORKFLOW,
    PaymentInput,
    RefundInput,
    payment_workflow_id,
    refund_workflow_id,
)
from clearway.recovery.taking_up import Recovery, Taken

log = structlog.get_logger(__name__)


class Rebuilt(StrEnum):
    """The result for a row that is missing or behind."""

    CHECKING = "its workflow is running and checks its row"
    TAKEN_UP = "a new workflow run continues from its row and asks the gateway"
    RECORDED_AGAIN = "a new workflow run records it again from the last run's history"
    LATER = "its payment must be recorded first: run the command again in a minute"
    IMPOSSIBLE = "neither its row nor its workflow is stored any more: settle it at the gateway"
    REFUSED = "its order is paid by another payment, or nothing is left to refund: settle it at the gateway"
    ENDED = "its row has ended with another result: settle it at the gateway"


HOPELESS: Final = frozenset({Rebuilt.IMPOSSIBLE, Rebuilt.REFUSED, Rebuilt.ENDED})
"""Nothing more comes of it by itself: a person settles it at the gateway."""


async def rebuild(recovery: Recovery, subject_id: str) -> Rebuilt:
    """Bring a payment's or refund's row to the state at the gateway. Raises RPCError when Temporal is away."""
    taken = await recovery.take_up(subject_id)
    if taken is Taken.STARTED:
        return Rebuilt.TAKEN_UP
    if taken is Taken.ENDED:
        return Rebuilt.ENDED
    workflow_id = (refund_workflow_id if is_id(REFUND, subject_id) else payment_workflow_id)(subject_id)
    try:
        await recovery.client.get_workflow_handle(workflow_id).signal(CHECK_RECORD)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    else:
        return Rebuilt.CHECKING
    if taken is Taken.RUNNING:
        return await rebuild(recovery, subject_id)  # it ended between the two questions
    return await _record_again(recovery, workflow_id)


async def _record_again(recovery: Recovery, workflow_id: str) -> Rebuilt:
    """Start a run with the input of the last run, which Temporal keeps for its retention."""
    client = recovery.client
    given = await _last_input(client, workflow_id)
    if given is None:
        return Rebuilt.IMPOSSIBLE
    if isinstance(given, PaymentInput):
        hindrance = await _hindrance_of_payment(recovery, given)
    else:
        hindrance = await _hindrance_of_refund(recovery, given)
    if hindrance is not None:
        return hindrance
    workflow = PAYMENT_WORKFLOW if isinstance(given, PaymentInput) else REFUND_WORKFLOW
    try:
        await client.start_workflow(
            workflow,
            dataclasses.replace(given, taken_up=True),
            id=workflow_id,
            task_queue=QUEUE_PAYMENTS,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary="recorded again from the history of the run before",
        )
    except WorkflowAlreadyStartedError:
        return Rebuilt.CHECKING
    log.warning("recorded_again", workflow_id=workflow_id)
    return Rebuilt.RECORDED_AGAIN


async def _hindrance_of_payment(recovery: Recovery, given: PaymentInput) -> Rebuilt | None:
    """Return why the payment cannot be recorded now, or None. A lost order is recorded again with it."""
    async with recovery.reader.connect() as connection:
        order = await across_merchants.find_payable(connection, given.payment.order_id)
    return Rebuilt.REFUSED if order and order.held_by not in {None, given.payment.id} else None


async def _hindrance_of_refund(recovery: Recovery, given: RefundInput) -> Rebuilt | None:
    """Return why the refund cannot be recorded now, or None: its payment must exist, with enough captured money."""
    payment_id = given.refund.payment_id
    async with recovery.reader.connect() as connection:
        row = await across_merchants.payment_row(connection, payment_id)
    left_minor = 0 if row is None else row.captured_minor - row.refunded_minor - row.refund_pending_minor
    if left_minor >= (given.refund.amount_minor or 1):  # without an amount, the refund is of what is left
        return None
    of_payment = await rebuild(recovery, payment_id)
    return Rebuilt.REFUSED if of_payment in HOPELESS else Rebuilt.LATER


async def _last_input(client: Client, workflow_id: str) -> PaymentInput | RefundInput | None:
    """Return the input of the last run, or None when Temporal has none."""
    message: Any = PaymentInput if workflow_id.startswith("payment/") else RefundInput
    try:
        async for event in client.get_workflow_handle(workflow_id).fetch_history_events(page_size=1):
            payloads = event.workflow_execution_started_event_attributes.input.payloads
            (given,) = await client.data_converter.decode(payloads, [message])
            return given if isinstance(given, (PaymentInput, RefundInput)) else None
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    return None
