"""The connectors of a process, on its database: made once by the API, a worker or a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import across_merchants
from clearway.db.engine import each_for_itself
from clearway.domain.gateway import GatewayConfig
from clearway.gateways.connections import GatewayConnections, GatewayUnusableError
from clearway.gateways.contract import Gateway
from clearway.settings import Settings


def open_connections(settings: Settings, engine: AsyncEngine) -> GatewayConnections:
    """Return the connectors. Opens and reads nothing yet."""
    reader = each_for_itself(engine)

    async def find(gateway_id: str) -> GatewayConfig | None:
        async with reader.connect() as connection:
            return await across_merchants.find_gateway(connection, gateway_id)

    async def find_all(merchant_id: str) -> tuple[GatewayConfig, ...]:
        async with reader.connect() as connection:
            return await across_merchants.gateways_of(connection, merchant_id)

    return GatewayConnections(settings, find, find_all)


@dataclass(frozen=True, slots=True)
class Connectors:
    """The connectors of all merchants, by the ids of configurations. unusable: those that cannot be built, and why."""

    gateways: Mapping[str, Gateway]
    unusable: Mapping[str, str] = field(default_factory=dict)


async def every_connector(connections: GatewayConnections, engine: AsyncEngine) -> Connectors:
    """Return the connectors of all merchants: for reading the gateways' own lists."""
    async with each_for_itself(engine).connect() as connection:
        configs = await across_merchants.every_gateway(connection)
    found, unusable = {}, {}
    for config in configs:
        try:
            found[config.id] = (await connections.get(config.id)).gateway
        except GatewayUnusableError as error:
            unusable[config.id] = str(error)
    return Connectors(found, unusable)
