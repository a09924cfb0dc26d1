"""`POST /gateways/{gateway}/webhooks`: where gateways tell their news. The signature is the only credential."""

from __future__ import annotations

import structlog
from fastapi import Request

from api.gateways.inbound import take
from api.gateways.schemas import NewsTaken
from api.http.problems import declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.domain.errors import AuthenticationError, NotFoundError
from clearway.gateways.contract import NewsUnreadableError, SignatureInvalidError, read_news

router = Router(prefix="/gateways", tags=["gateways"])
log = structlog.get_logger(__name__)


@router.post(
    "/{gateway}/webhooks",
    responses=declare("signature_invalid", "gateway_not_found", "body_too_large", "temporal_unavailable"),
    summary="A gateway's news",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}},
)
async def receive_gateway_webhook(gateway: str, request: Request, services: ServicesDep) -> NewsTaken:
    """Take a gateway's webhook: verified over the raw bytes, stored, passed on to the payment, then answered."""
    if gateway not in set(services.gateways):
        raise NotFoundError("gateway_not_found", f"There is no gateway {gateway!r}.")
    body = await request.body()
    try:
        news = read_news(services.gateways[gateway], request.headers, body)
        return NewsTaken(status=(await take(services, gateway, news, body)).value)
    except SignatureInvalidError as error:
        log.warning("provider_webhook_refused", gateway=gateway, reason=str(error))
        detail = "The signature is missing, wrong or too old. Nothing was changed."
        raise AuthenticationError("signature_invalid", detail) from None
    except NewsUnreadableError as error:
        # Signed well: sending it again would not make it readable, and gateways switch off endpoints that refuse.
        log.warning("provider_webhook_ignored", gateway=gateway, reason=str(error))
        return NewsTaken(status="ignored")
