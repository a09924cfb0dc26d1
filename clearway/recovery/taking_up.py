"""Take up one payment or refund: start a new run that continues from the row, if none is running.

The start itself is the proof that nothing runs: Temporal refuses a second running workflow under one id. The new run
asks the gateway before it does anything, so starting one too many moves no money.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from clearway.db import across_merchants
from clearway.db.engine import each_for_itself
from clearway.db.payments.rows import new_payment_of
from clearway.domain import payment, refund
from clearway.domain.ids import REFUND, is_id
from clearway.domain.money import Money
from clearway.domain.refund import NewRefund
from clearway.durable import search_attributes as attribute
from clearway.durable.messages import (
    PAYMENT_WORKFLOW,
    QUEUE_PAYMENTS,
    REFUND_WORKFLOW,
    PaymentInput,
    PaymentTimings,
    RefundInput,
    payment_workflow_id,
    refund_workflow_id,
)
from clearway.settings import Settings

log = structlog.get_logger(__name__)


class Taken(StrEnum):
    """The result of taking up a payment or refund."""

    STARTED = "started"
    RUNNING = "running"
    """Its workflow runs: it was left alone."""
    ENDED = "ended"
    """Its row says that it has ended: there is nothing to do."""
    NO_ROW = "no_row"


def timings_of(settings: Settings) -> PaymentTimings:
    """Return the waits of a payment. A gateway's own polling intervals come with its answers."""
    return PaymentTimings(
        poll_intervals_s=settings.payment_poll_intervals_s,
        deadline_s=settings.payment_deadline_s,
        authorisation_expiry_s=settings.authorisation_expiry_s,
    )


class Recovery:
    """Takes up payments and refunds that have no running workflow. taken_up: how many so far, by kind."""

    def __init__(self, engine: AsyncEngine, client: Client, settings: Settings) -> None:
        self.reader = each_for_itself(engine)
        self.client = client
        self.taken_up: Counter[str] = Counter({"payment": 0, "refund": 0})
        self._settings = settings

    async def take_up(self, subject_id: str) -> Taken:
        """Start a run for a payment or refund, unless one runs or its row has ended. Raises RPCError."""
        taken = await (self._refund(subject_id) if is_id(REFUND, subject_id) else self._payment(subject_id))
        if taken is Taken.STARTED:
            self.taken_up["refund" if is_id(REFUND, subject_id) else "payment"] += 1
            log.warning("taken_up", subject_id=subject_id)
        return taken

    async def _payment(self, payment_id: str) -> Taken:
        async with self.reader.connect() as connection:
            row = await across_merchants.payment_row(connection, payment_id)
        if row is None:
            return Taken.NO_ROW
        if row.status in payment.FINAL:
            return Taken.ENDED
        timings = timings_of(self._settings)
        return await self._start(
            PAYMENT_WORKFLOW,
            PaymentInput(new_payment_of(row), timings, taken_up=True),
            payment_workflow_id(payment_id),
            _attributes(row, payment_id),
            f"{row.method} payment of {Money(row.amount_minor, row.currency)}, taken up again",
        )

    async def _refund(self, refund_id: str) -> Taken:
        async with self.reader.connect() as connection:
            row = await across_merchants.refund_row(connection, refund_id)
        if row is None:
            return Taken.NO_ROW
        if row.status in refund.FINAL:
            return Taken.ENDED
        new = NewRefund(row.id, row.merchant_id, row.payment_id, row.amount_minor, row.reason)
        return await self._start(
            REFUND_WORKFLOW,
            RefundInput(new, deadline_s=self._settings.refund_deadline_s, taken_up=True),
            refund_workflow_id(refund_id),
            _attributes(row, row.payment_id),
            f"refund of {Money(row.amount_minor, row.currency)} of {row.payment_id}, taken up again",
        )

    async def _start(
        self, workflow: str, given: object, workflow_id: str, attributes: TypedSearchAttributes, summary: str
    ) -> Taken:
        try:
            await self.client.start_workflow(
                workflow,
                given,
                id=workflow_id,
                task_queue=QUEUE_PAYMENTS,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                search_attributes=attributes,
                static_summary=summary,
            )
        except WorkflowAlreadyStartedError:
            return Taken.RUNNING
        return Taken.STARTED


def _attributes(row: Row[Any], payment_id: str) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(attribute.MERCHANT_ID, row.merchant_id),
            SearchAttributePair(attribute.PAYMENT_ID, payment_id),
            SearchAttributePair(attribute.ORDER_ID, row.order_id),
            SearchAttributePair(attribute.PAYMENT_STATUS, row.status),
            SearchAttributePair(attribute.GATEWAY, row.gateway),
            SearchAttributePair(attribute.AMOUNT, row.amount_minor),
            SearchAttributePair(attribute.CURRENCY, row.currency),
        ]
    )
