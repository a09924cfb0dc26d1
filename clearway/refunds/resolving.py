"""Resolving a refund in needs_review, as `clearway.payments.resolving` does for payments."""

from __future__ import annotations

from clearway.db.refunds import reading
from clearway.domain.actor import Actor
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import REFUND, is_id
from clearway.domain.resources import RefundResource
from clearway.durable.messages import Resolution
from clearway.payments.resolving import decide
from clearway.services import Services


async def resolve(
    services: Services, actor: Actor, refund_id: str, decision_id: str, decision: Resolution
) -> RefundResource:
    """Record a decision and return the refund after it. Raises ConflictError with the reason of a refusal."""
    refund = None
    if is_id(REFUND, refund_id):
        async with services.reader.connect() as connection:
            refund = await reading.find_refund(connection, actor.merchant_id, refund_id)
    if refund is None:
        raise NotFoundError("refund_not_found", f"You have no refund {refund_id!r}.")
    answer = await decide(services, actor, (refund_id, refund.status), decision_id, decision)
    return RefundResource.model_validate(answer)
