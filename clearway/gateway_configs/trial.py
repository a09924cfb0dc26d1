"""Test a gateway: build a connector from the entered values, call it once, and close it. No money moves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Final

from clearway.db import across_merchants
from clearway.domain.gateway import GatewayConfig
from clearway.domain.merchant import Mode
from clearway.gateway_configs.finding import find
from clearway.gateway_configs.shape import Filled, fill
from clearway.gateways.connections import GatewayBrokenError, GatewayConnections
from clearway.gateways.contract import Gateway, GatewayUnavailableError
from clearway.gateways.kinds import Checkable
from clearway.services import Services

TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a test. message: for people, with the next step. latency_ms: None if the gateway was not called."""

    ok: bool
    message: str
    latency_ms: int | None = None


async def try_out(connections: GatewayConnections, config: GatewayConfig, filled: Filled) -> Report:
    """Check these credentials and settings with the gateway, not those that config has so far."""
    try:
        gateway = connections.build(replace(config, settings=filled.settings.values()), filled.credentials.values())
    except GatewayBrokenError as error:
        return Report(ok=False, message=f"It cannot be used: {error}.")
    try:
        return await _ask(gateway, filled.kind.title)
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


async def _ask(gateway: Gateway, title: str) -> Report:
    if not isinstance(gateway, Checkable):
        message = f"{title} offers no way to test credentials. The first payment will show whether they are right."
        return Report(ok=True, message=message)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            problem = await gateway.check()
    except GatewayUnavailableError as error:
        return Report(ok=False, message=f"{title} could not be reached: {error}. Check its address and try again.")
    except TimeoutError:
        return Report(ok=False, message=f"{title} did not answer within {TIMEOUT_S:.0f} s. Try again later.")
    latency_ms = round((time.perf_counter() - started) * 1_000)
    if problem is not None:
        return Report(ok=False, message=problem, latency_ms=latency_ms)
    return Report(ok=True, message=f"{title} accepted the credentials.", latency_ms=latency_ms)
