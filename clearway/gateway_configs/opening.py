"""The connectors of a process, on its database: made once by the API, a worker or a command."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import across_merchants
from clearway.db.engine import each_for_itself
from clearway.domain.gateway import GatewayConfig
from clearway.gateways.connections import GatewayConnections, GatewayUnusableError
from clearway.gateways.contract import Gateway
from clearway.settings import Settings

log = structlog.get_logger(__name__)


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


async def every_connector(connections: GatewayConnections, engine: AsyncEngine) -> Mapping[str, Gateway]:
    """Return the connectors of all merchants, by the ids of configurations: for reading the gateways' own lists."""
    async with each_for_itself(engine).connect() as connection:
        configs = await across_merchants.every_gateway(connection)
    found = {}
    for config in configs:
        try:
            found[config.id] = (await connections.get(config.id)).gateway
        except GatewayUnusableError as error:
            log.warning("gateway_not_read", gateway_id=config.id, reason=str(error))
    return found
