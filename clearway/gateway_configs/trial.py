"""Test a gateway: build a connector from the entered values, call it once, and close it. No money moves."""

from __future__ import annotations

from dataclasses import replace

from clearway.db import across_merchants
from clearway.domain.gateway import GatewayConfig
from clearway.domain.merchant import Mode
from clearway.gateway_configs.finding import find
from clearway.gateway_configs.shape import Filled, fill
from clearway.gateways.checking import Report, check
from clearway.gateways.connections import GatewayBrokenError, GatewayConnections
from clearway.services import Services


async def try_out(connections: GatewayConnections, config: GatewayConfig, filled: Filled) -> Report:
    """Check these credentials and settings with the gateway, not those that config has so far."""
    try:
        gateway = connections.build(replace(config, settings=filled.settings.values()), filled.credentials.values())
    except GatewayBrokenError as error:
        return Report(ok=False, message=f"It cannot be used: {error}.")
    try:
        return await check(gateway, filled.kind.title)
    finally:
        await gateway.aclose()


async def test(services: Services, merchant_id: str, mode: Mode, gateway_id: str) -> tuple[Report, list[str]]:
    """Test a stored configuration; return the report and warnings about the configuration."""
    row = await find(services, merchant_id, gateway_id)
    config = across_merchants.gateway_config_of(row, mode)
    try:
        opened = services.gateways.open_credentials(config)
    except GatewayBrokenError:
        message = "Its credentials can't be read with the keys of this installation. Enter them again."
        return Report(ok=False, message=message), []
    filled = fill(services.settings, mode, row.kind, opened, row.settings)
    return await try_out(services.gateways, config, filled), filled.warnings(mode)
