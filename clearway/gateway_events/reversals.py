"""A processed refund whose money came back: the gateway confirms it, and a short run of its workflow records it.

A processed refund has no workflow. So a report of its failure is checked with the gateway first: it may be old or
false.
"""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from clearway.db.across_merchants import Subject
from clearway.domain.money import Money
from clearway.domain.refund import NewRefund, RefundStatus
from clearway.domain.review import SubjectType
from clearway.durable import calls
from clearway.durable import search_attributes as attribute
from clearway.durable.messages import REFUND_WORKFLOW, GatewayEvent, RefundInput, refund_workflow_id
from clearway.gateways.contract import UNANSWERED, Gateway, Operation, OperationKind, OutcomeKind, Trust, find_out
from clearway.services import Services


async def is_reversal(gateway: Gateway, event: GatewayEvent, subject: Subject) -> bool:
    """Return whether the gateway confirms the reversal that the event reports, or cannot answer now."""
    if subject.type is not SubjectType.REFUND or subject.status != RefundStatus.PROCESSED:
        return False
    if event.trust is Trust.PROVEN and event.outcome.kind is not OutcomeKind.DECLINED:
        return False
    confirmed = await find_out(gateway, _refund(event, subject), datetime.now(UTC))
    believed = event.trust is Trust.PROVEN and confirmed.kind in UNANSWERED
    return confirmed.kind is OutcomeKind.DECLINED or believed


async def record(services: Services, event: GatewayEvent, subject: Subject) -> None:
    """Start the run that asks the gateway until it answers, and records the reversal. Raises UnavailableError."""
    money = Money(subject.amount_minor, subject.currency)
    refund = NewRefund(subject.id, subject.merchant_id, subject.payment_id, subject.amount_minor)
    await calls.start_and_signal(
        services.temporal,
        REFUND_WORKFLOW,
        RefundInput(refund, deadline_s=services.settings.refund_deadline_s, taken_up=True),
        workflow_id=refund_workflow_id(subject.id),
        event=event,
        attributes=TypedSearchAttributes(
            [
                SearchAttributePair(attribute.MERCHANT_ID, subject.merchant_id),
                SearchAttributePair(attribute.PAYMENT_ID, subject.payment_id),
                SearchAttributePair(attribute.PAYMENT_STATUS, subject.status),
            ]
        ),
        summary=f"refund of {money} of {subject.payment_id}, reported as reversed",
    )


def _refund(event: GatewayEvent, subject: Subject) -> Operation:
    """Return the refund as an operation, for a look-up."""
    return Operation(
        kind=OperationKind.REFUND,
        key=event.key,
        payment_id=subject.payment_id,
        amount_minor=subject.amount_minor,
        currency=subject.currency,
        references=subject.references,
        first_sent_at=subject.created_at,
    )
