"""Creating a refund: as a payment (`clearway/payments/creation.py`), with its own workflow.

The reservation on the payment's row decides whether enough is left, so racing refunds cannot exceed what was captured.
"""

from __future__ import annotations

from typing import Final

import orjson
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from clearway.db import events
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, ForbiddenError, UnavailableError
from clearway.domain.money import Money
from clearway.domain.refund import NewRefund, RefundStatus
from clearway.domain.refusals import AMOUNT_NOT_REFUNDABLE, PAYMENT_NOT_FOUND, RUN_RESET, STEP_UP_REQUIRED
from clearway.domain.resources import PaymentResource, RefundResource
from clearway.durable import calls
from clearway.durable import search_attributes as attribute
from clearway.durable.calls import RefusedError, WorkflowEndedError
from clearway.durable.messages import REFUND_WORKFLOW, RESERVE, RefundInput, refund_workflow_id
from clearway.payments import finding
from clearway.payments.capabilities import capabilities_at, refuse_made_up, refuse_refund
from clearway.payments.finding import payment_not_found
from clearway.recovery import reaching
from clearway.services import Allocation, Services

ROUNDS_MAX: Final = 3


async def create_refund(
    services: Services,
    actor: Actor,
    payment_id: str,
    allocation: Allocation,
    *,
    amount_minor: int | None,
    reason: str | None,
    total_max_minor: int | None = None,
) -> RefundResource:
    """Reserve a refund of a payment and return it as it was created.

    total_max_minor: what the payment's refunds may come to together without a step-up; the reservation checks it.
    """
    payment = await finding.find(services, actor.merchant_id, payment_id)
    refuse_made_up(actor.merchant_id, payment)
    able = await capabilities_at(services, actor.merchant_id, payment)
    refuse_refund(able, payment, amount_minor)
    of_one_capture = not able.refund_of_payment
    for _ in range(ROUNDS_MAX):
        new = NewRefund(
            id=allocation.resource_id,
            merchant_id=actor.merchant_id,
            payment_id=payment_id,
            amount_minor=amount_minor,
            reason=reason,
            asked_by=actor,
            of_one_capture=of_one_capture,
            total_max_minor=total_max_minor,
        )
        reserved = await _reserve(services, new, payment)
        if reserved is not None and allocation.again and await _as_created(services, new) is None:
            # A workflow answers from its history also when a restored database has lost the rows.
            await reaching.bring_back(services.recovery, new.id)
            reserved = None
        if reserved is not None:
            return reserved
        await allocation.renew()
    raise UnavailableError(
        "temporal_unavailable",
        "The refund could not be recorded. Nothing was refunded. Repeat the request with the same Idempotency-Key.",
    )


async def _reserve(services: Services, new: NewRefund, payment: PaymentResource) -> RefundResource | None:
    """Return the refund as created, or None if this id was refused before and can never be used."""
    try:
        answered = RefundResource.model_validate(await _start(services, new, payment))
    except RefusedError as refusal:
        raise _error_of(refusal, new.payment_id) from refusal
    except WorkflowEndedError:
        return await _as_created(services, new)
    return answered if answered.status is RefundStatus.PENDING else await _as_created(services, new)


async def _start(services: Services, new: NewRefund, payment: PaymentResource) -> dict[str, object]:
    amount = "what is left" if new.amount_minor is None else str(Money(new.amount_minor, payment.currency))
    return await calls.start_and_update(
        services.temporal,
        REFUND_WORKFLOW,
        RefundInput(new, deadline_s=services.settings.refund_deadline_s),
        workflow_id=refund_workflow_id(new.id),
        update=RESERVE,
        attributes=TypedSearchAttributes(
            [
                SearchAttributePair(attribute.MERCHANT_ID, new.merchant_id),
                SearchAttributePair(attribute.PAYMENT_ID, new.payment_id),
                SearchAttributePair(attribute.ORDER_ID, payment.order_id),
                SearchAttributePair(attribute.PAYMENT_STATUS, RefundStatus.PENDING.value),
                SearchAttributePair(attribute.GATEWAY, payment.gateway),
                SearchAttributePair(attribute.CURRENCY, payment.currency),
            ]
        ),
        summary=f"refund of {amount} of {new.payment_id}",
    )


async def _as_created(services: Services, new: NewRefund) -> RefundResource | None:
    async with services.reader.connect() as connection:
        body = await events.creation_body(connection, new.merchant_id, new.id)
    return None if body is None else RefundResource.model_validate(orjson.loads(body)["data"])


def _error_of(refusal: RefusedError, payment_id: str) -> Exception:
    if refusal.type == AMOUNT_NOT_REFUNDABLE:
        return ConflictError("amount_not_refundable", str(refusal))
    if refusal.type == STEP_UP_REQUIRED:
        return ForbiddenError("step_up_required", str(refusal))
    if refusal.type == PAYMENT_NOT_FOUND:
        return payment_not_found(payment_id)
    if refusal.type == RUN_RESET:
        return UnavailableError(
            "temporal_unavailable",
            "An operator reset this refund before it was recorded. Repeat the request with the same Idempotency-Key.",
        )
    return refusal
