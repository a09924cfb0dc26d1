"""`POST /gateways/{gateway}/webhooks`: where gateways send their events. The signature is the only credential."""

from __future__ import annotations

from fastapi import Request

from api.gateways.schemas import GatewayEventTaken
from api.http.problems import declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.domain.errors import AuthenticationError, NotFoundError
from clearway.gateway_events.receiving import keep_unsigned, receive
from clearway.gateways.contract import SignatureInvalidError

router = Router(prefix="/gateways", tags=["gateway webhooks"])


@router.post(
    "/{gateway}/webhooks",
    responses=declare(
        "signature_invalid", "gateway_not_found", "body_too_large", "rate_limited", "temporal_unavailable"
    ),
    summary="Receive a gateway's event",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}},
)
async def receive_gateway_webhook(gateway: str, request: Request, services: ServicesDep) -> GatewayEventTaken:
    """Verify the event over its raw bytes, store it, pass it on to the payment or refund, then answer.

    An event that was signed well and has no meaning here is answered with 200 too: sending it again would not help.
    """
    if gateway not in set(services.gateways):
        raise NotFoundError("gateway_not_found", f"There is no gateway {gateway!r}.")
    body = await request.body()
    try:
        return GatewayEventTaken(status=await receive(services, gateway, request.headers, body))
    except SignatureInvalidError as error:
        await services.rate_limits.count_address(request)
        await keep_unsigned(services, gateway, error, request.headers, body)
        detail = "The signature is missing, wrong or too old. Nothing was changed."
        raise AuthenticationError("signature_invalid", detail) from None
