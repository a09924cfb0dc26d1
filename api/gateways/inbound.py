"""`POST /gateways/{gateway}/webhooks`: where gateways send their events. The signature is the only credential."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request, Response

from api.gateways.schemas import GatewayEventTaken
from api.http.problems import declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.domain.errors import AuthenticationError, NotFoundError
from clearway.domain.gateway_event import Disposition
from clearway.gateway_events.receiving import keep_unsigned, receive
from clearway.gateways.contract import InboundRequest, SignatureInvalidError

router = Router(prefix="/gateways", tags=["gateway webhooks"])


@router.post(
    "/{gateway}/webhooks",
    response_model=GatewayEventTaken,
    responses=declare(
        "signature_invalid", "gateway_not_found", "body_too_large", "rate_limited", "temporal_unavailable"
    ),
    summary="Receive a gateway's event",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}},
)
async def receive_gateway_webhook(
    gateway: str, request: Request, services: ServicesDep
) -> GatewayEventTaken | Response:
    """Verify the event over its raw bytes, store it, pass it on to the payment or refund, then answer.

    An event that was signed well and has no meaning here is answered with 200 too: sending it again would not help.
    """
    if gateway not in set(services.gateways):
        raise NotFoundError("gateway_not_found", f"There is no gateway {gateway!r}.")
    inbound = InboundRequest(
        method=request.method,
        url=str(request.url),
        headers=request.headers,
        body=await request.body(),
        received_at=datetime.now(UTC),
        query=dict(request.query_params),
    )
    try:
        taken = await receive(services, gateway, inbound)
    except SignatureInvalidError as error:
        await services.rate_limits.count_address(request)
        await keep_unsigned(services, gateway, error, inbound)
        detail = "The signature is missing, wrong or too old. Nothing was changed."
        raise AuthenticationError("signature_invalid", detail) from None
    if taken.answer is not None:
        return Response(taken.answer.body, taken.answer.status, media_type=taken.answer.content_type)
    return GatewayEventTaken(status=taken.dispositions[0] if taken.dispositions else Disposition.IGNORED)
