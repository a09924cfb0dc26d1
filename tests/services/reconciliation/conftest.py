"""A gateway to reconcile: real payments, a simulator that settles at once, and runs at a later time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from clearway.gateway_configs.opening import open_connections
from clearway.settings import Settings
from tests.services.reconciliation.bench import Bench, Till
from tests.support.durable import Durable


@pytest.fixture(scope="module")
def simulator_settings() -> dict[str, Any]:
    """List rows at once, and settle EUR in USD."""
    return {
        "test_payment_success": True,
        "simulator_settlement_lag_s": 0,
        "simulator_settlement_currency": "USD",
        "simulator_exchange_rates": {"EUR": Decimal("1.08")},
    }


@pytest.fixture
async def bench(durable: Durable) -> AsyncIterator[Bench]:
    """Give a test runs of reconciliation."""
    at_simulator = Settings(
        _env_file=None, **(durable.settings.model_dump() | {"simulator_url": durable.simulator.url})
    )
    gateways = open_connections(at_simulator, durable.engine)
    yield Bench(durable, gateways)
    await gateways.aclose()


@pytest.fixture
async def till(bench: Bench) -> Till:
    """Open the till of a fresh merchant: its payments and its gateway."""
    return await bench.till()
