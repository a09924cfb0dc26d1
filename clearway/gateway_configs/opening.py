"""The connectors of a process, on its database: made once by the API, a worker or a command."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import across_merchants
from clearway.db.engine import each_for_itself
from clearway.domain.gateway import GatewayConfig
from clearway.gateways.connections import GatewayConnections
from clearway.settings import Settings


def open_connections(settings: Settings, engine: AsyncEngine) -> GatewayConnections:
    """Return the connectors; nothing is opened or read yet."""
    reader = each_for_itself(engine)

    async def find(gateway_id: str) -> GatewayConfig | None:
        async with reader.connect() as connection:
            return await across_merchants.find_gateway(connection, gateway_id)

    async def find_all(merchant_id: str) -> tuple[GatewayConfig, ...]:
        async with reader.connect() as connection:
            return await across_merchants.gateways_of(connection, merchant_id)

    return GatewayConnections(settings, find, find_all)
