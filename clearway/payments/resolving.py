"""Resolving a payment in needs_review: an operator's or merchant's decision, with an audit row.

The workflow checks the decision, and records it and the audit row in one statement. `decide` serves refunds too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError
from clearway.domain.ids import noun_of
from clearway.domain.payment import PaymentStatus
from clearway.domain.refusals import NOT_RESOLVABLE
from clearway.domain.resources import PaymentResource
from clearway.durable.calls import RefusedError, WorkflowEndedError
from clearway.durable.messages import RESOLVE, Resolution
from clearway.payments.finding import find
from clearway.recovery import reaching
from clearway.services import Services


async def resolve(
    services: Services, actor: Actor, payment_id: str, decision_id: str, decision: Resolution
) -> PaymentResource:
    """Record a decision and return the payment after it. Raises ConflictError with the reason of a refusal."""
    payment = await find(services, actor.merchant_id, payment_id)
    answer = await decide(services, actor, (payment_id, payment.status), decision_id, decision)
    return PaymentResource.model_validate(answer | payment.personal())


async def decide(
    services: Services, actor: Actor, subject: tuple[str, str], decision_id: str, decision: Resolution
) -> dict[str, Any]:
    """Send a decision to the workflow of a payment or refund. subject: its id and its status."""
    subject_id, status = subject
    noun = noun_of(subject_id)
    if status != PaymentStatus.NEEDS_REVIEW.value:
        detail = f"The {noun} is {status}. Only a {noun} in needs_review can be resolved. Nothing was changed."
        raise ConflictError(NOT_RESOLVABLE, detail)
    named = replace(decision, asked_by=actor)
    try:
        return await reaching.update(services.recovery, subject_id, RESOLVE, named, update_id=decision_id)
    except RefusedError as refusal:
        if refusal.type != NOT_RESOLVABLE:
            raise
        reason = str(refusal).removesuffix(".")
        raise ConflictError(NOT_RESOLVABLE, f"{reason}. The {noun} was not changed.") from refusal
    except WorkflowEndedError as error:
        detail = f"The {noun} ended before the decision was recorded. Read it: its outcome is known now."
        raise ConflictError(NOT_RESOLVABLE, detail) from error
