"""`/gateways/{gateway_id}/webhook`: where a configured gateway sends its events. Its signature is the only credential.

Gateways differ, so every method that may carry a message is accepted, with any query and body. The API stores each
request, verified or not, and then answers in the form that the gateway expects. HEAD carries no message: it is how link
checkers and a gateway's settings page ask whether the address exists. It is answered, and nothing is read or stored.
OPTIONS is refused as everywhere: no browser of another page has business here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from api.gateways.schemas import GatewayEventTaken
from api.http.addresses import address_of, is_within
from api.http.middleware import is_head
from api.http.problems import declare
from api.http.routing import Router
from api.http.services import ApiServices, ServicesDep
from clearway.domain.errors import AuthenticationError, ForbiddenError, UnavailableError
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_event import Disposition
from clearway.domain.ids import GATEWAY, is_id
from clearway.gateway_configs.finding import gateway_not_found
from clearway.gateway_events.receiving import Taken, keep_refused, receive
from clearway.gateways.connections import Connection, GatewayBrokenError, GatewayMissingError
from clearway.gateways.contract import InboundRequest, SignatureInvalidError

router = Router(prefix="/gateways", tags=["gateway webhooks"], any_query=True)

PATH: Final = "/{gateway_id}/webhook"
METHODS: Final = ("POST", "GET", "PUT", "PATCH", "DELETE")
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"""A body of another method is read too. RFC 9110 gives it no meaning, so the document does not offer it."""
BODY: Final[dict[str, Any]] = {
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "application/x-www-form-urlencoded": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}},
    }
}
PROBLEMS: Final = (
    *("signature_invalid", "address_not_allowed", "gateway_not_found", "body_too_large", "rate_limited"),
    *("temporal_unavailable", "gateway_unavailable"),
)


async def receive_gateway_webhook(
    gateway_id: str, request: Request, services: ServicesDep
) -> GatewayEventTaken | Response:
    """Verify the signature of the raw body, store the event, signal the payment or refund, then answer.

    An event changes only payments and refunds of this gateway. One with a valid signature that Clearway does not use is
    answered with 200 too.
    """
    connection = await _connection(services, request, gateway_id)
    if is_head(request):
        return Response()
    inbound = await _inbound(services, connection.config, request)
    taken = await _taken(services, connection, request, inbound)
    if taken.answer is not None:
        return Response(taken.answer.body, taken.answer.status, media_type=taken.answer.content_type)
    return GatewayEventTaken(status=taken.dispositions[0] if taken.dispositions else Disposition.IGNORED)


def _declare(method: str) -> None:
    """Add the route of one method. Each has a name of its own, by which clients are generated."""
    is_first = method == METHODS[0]
    router.add_api_route(
        PATH,
        receive_gateway_webhook,
        name=receive_gateway_webhook.__name__ + ("" if is_first else f"_by_{method.lower()}"),
        methods=[method],
        response_model=GatewayEventTaken,
        responses=declare(*PROBLEMS),
        summary="Receive a gateway's events" + ("" if is_first else f" by {method}"),
        openapi_extra={"requestBody": BODY} if method in WITH_BODY else None,
    )


for _method in METHODS:
    _declare(_method)


class _AddressError(SignatureInvalidError):
    """The request came from an address outside the gateway's list: refused like a wrong signature, even if signed."""


def _check_address(config: GatewayConfig, address: str) -> None:
    if config.allowed_networks and not is_within(address, config.allowed_networks):
        raise _AddressError(f"it came from {address}, which is not in the gateway's allowed_networks")


async def _connection(services: ApiServices, request: Request, gateway_id: str) -> Connection:
    try:
        if is_id(GATEWAY, gateway_id):
            return await services.gateways.get(gateway_id)
    except GatewayMissingError:
        pass  # the same answer as for a malformed id
    except GatewayBrokenError:
        detail = "The gateway's credentials cannot be read here, so nothing was stored. Send it again later."
        raise UnavailableError("gateway_unavailable", detail) from None
    await services.rate_limits.count_address(request)
    raise gateway_not_found(gateway_id)


async def _inbound(services: ApiServices, config: GatewayConfig, request: Request) -> InboundRequest:
    own = config.webhook_url(services.settings.api_public_url)
    query = request.scope["query_string"].decode("latin-1")
    return InboundRequest(
        method=request.scope["method"],
        url=f"{own}?{query}" if query else own,
        headers=request.headers,
        body=await request.body(),
        received_at=datetime.now(UTC),
        query=dict(request.query_params),
    )


async def _taken(services: ApiServices, connection: Connection, request: Request, inbound: InboundRequest) -> Taken:
    """Accept signed requests from the gateway's addresses; store the others, a few of each source."""
    config, address = connection.config, address_of(request.scope)
    try:
        _check_address(config, address)
        return await receive(services, connection, inbound)
    except SignatureInvalidError as error:
        await services.rate_limits.count_address(request)
        await keep_refused(services, config, error, inbound)
        if isinstance(error, _AddressError):
            detail = f"This gateway's webhooks are not accepted from {address}. Nothing was changed."
            raise ForbiddenError("address_not_allowed", detail) from None
        detail = "The signature is missing, wrong or too old. Nothing was changed."
        raise AuthenticationError("signature_invalid", detail) from None
