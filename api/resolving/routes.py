"""`POST /payments/{id}/resolve` and `POST /refunds/{id}/resolve`: decisions on a payment or refund in needs_review."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.idempotency import Answer, Once, OnceDep
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.resolving.schemas import PaymentDecision, RefundDecision
from clearway.domain.ids import DECISION
from clearway.domain.permissions import Permission
from clearway.domain.resources import PaymentResource, RefundResource, Resource
from clearway.payments import resolving as payments
from clearway.refunds import resolving as refunds
from clearway.services import Allocation

router = Router()

Resolver = Annotated[Principal, requires(Permission.REVIEWS_RESOLVE)]
_DECISION = (*TO_MERCHANTS, *WITH_BODY, *ONCE, "not_resolvable", "temporal_unavailable", "card_number_refused")


@router.post(
    "/payments/{payment_id}/resolve",
    response_model=PaymentResource,
    responses=declare(*_DECISION, "payment_not_found"),
    tags=["payments"],
    summary="Resolve a payment's review",
)
async def resolve_payment(
    payment_id: str, body: PaymentDecision, principal: Resolver, services: ServicesDep, once: OnceDep
) -> Response:
    """Record what happened at the gateway to a payment in `needs_review`. Look it up at the gateway first.

    The answer is the payment after the decision. A decision that its state does not allow is refused with 409.
    """
    decision = body.resolution(principal.actor.name)
    return await _answered(
        once, lambda decision_id: payments.resolve(services, principal.actor, payment_id, decision_id, decision)
    )


@router.post(
    "/refunds/{refund_id}/resolve",
    response_model=RefundResource,
    responses=declare(*_DECISION, "refund_not_found"),
    tags=["refunds"],
    summary="Resolve a refund's review",
)
async def resolve_refund(
    refund_id: str, body: RefundDecision, principal: Resolver, services: ServicesDep, once: OnceDep
) -> Response:
    """Record what happened at the gateway to a refund in `needs_review`. Look it up at the gateway first.

    The answer is the refund after the decision. A decision that its state does not allow is refused with 409.
    """
    decision = body.resolution(principal.actor.name)
    return await _answered(
        once, lambda decision_id: refunds.resolve(services, principal.actor, refund_id, decision_id, decision)
    )


async def _answered(once: Once, resolve: Callable[[str], Awaitable[Resource]]) -> Response:
    """Answer with the resource after the decision, which is made once for each Idempotency-Key."""

    async def operation(allocation: Allocation) -> Answer:
        return Answer(HTTPStatus.OK, await resolve(allocation.resource_id))

    return await once.answer(DECISION, operation)
