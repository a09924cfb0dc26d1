"""`/gateways/{gateway_id}/breaker`: whether a gateway works, as far as is known, and closing its breakers by hand."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Literal

from pydantic import BaseModel

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.breakers import commands
from clearway.deliveries import sending
from clearway.domain.errors import UnavailableError
from clearway.domain.permissions import Permission
from clearway.domain.resources import BreakerResource
from clearway.gateway_configs.finding import find

router = Router(prefix="/gateways", tags=["gateways"])

Reader = Annotated[Principal, requires(Permission.GATEWAYS_READ)]
Editor = Annotated[Principal, requires(Permission.ROUTING_WRITE)]


class Breakers(BaseModel):
    """The circuit breakers of a gateway, one per operation."""

    object: Literal["list"] = "list"
    data: list[BreakerResource]


@router.get(
    "/{gateway_id}/breaker", responses=declare(*TO_MERCHANTS, "gateway_not_found"), summary="Read a gateway's breakers"
)
async def get_gateway_breaker(gateway_id: str, principal: Reader, services: ServicesDep) -> Breakers:
    """Read the circuit breakers of a gateway. Only technical failures open one, never declines."""
    await find(services, principal.merchant_id, gateway_id)
    async with services.reader.connect() as connection:
        return Breakers(data=await commands.of_gateway(connection, principal.merchant_id, gateway_id))


@router.post(
    "/{gateway_id}/breaker/reset",
    responses=declare(*TO_MERCHANTS, "gateway_not_found"),
    summary="Close a gateway's breakers",
)
async def reset_gateway_breaker(gateway_id: str, principal: Editor, services: ServicesDep) -> Breakers:
    """Close the circuit breakers of a gateway, so that new payments use it at once. Doing it again changes nothing."""
    await find(services, principal.merchant_id, gateway_id)
    async with services.engine.begin() as connection:
        due = await commands.close(connection, principal.actor, gateway_id)
    await services.breakers.read()
    if due:
        with suppress(UnavailableError):  # the event is recorded, and housekeeping delivers it
            await sending.start(services, due)
    async with services.reader.connect() as connection:
        return Breakers(data=await commands.of_gateway(connection, principal.merchant_id, gateway_id))
