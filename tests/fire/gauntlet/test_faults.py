"""Faults of the gateway during a run: in force side by side, back after its death, and counted when they are met."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.fire.gauntlet import faults
from tests.fire.gauntlet.faults import GatewayFaults
from tests.services.gateways.running import running_simulator

LIMITED = {"operation": "token", "fault": "rate_limited"}
SLOW = {"operation": "refund", "fault": "slow"}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Run the simulator and return a client of it."""
    async with running_simulator(tmp_path / "simulator.sqlite3") as simulator:
        yield simulator.http


async def in_force(gateway: httpx.AsyncClient) -> list[str]:
    """Return the faults that the gateway has now."""
    return [rule["fault"] for rule in (await gateway.get("/faults")).json()]


async def test_strikes_do_not_end_each_others_faults(gateway: httpx.AsyncClient) -> None:
    """The gateway replaces all rules at once; each strike adds and removes its own."""
    site = GatewayFaults(gateway)
    first, second = await site.add(LIMITED), await site.add(SLOW)
    assert await in_force(gateway) == ["rate_limited", "slow"]
    await site.remove(first)
    assert await in_force(gateway) == ["slow"]
    await site.remove(second)
    assert await in_force(gateway) == []


async def test_what_was_met_is_counted(gateway: httpx.AsyncClient) -> None:
    """A planned fault that no request met counts for nothing."""
    site = GatewayFaults(gateway)
    await site.add(LIMITED, SLOW)
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031, "cvc": "123"}
    assert [(await gateway.post("/v1/tokens", json=card)).status_code for _ in range(3)] == [429, 429, 429]
    await site.clear()
    assert site.met["rate_limited"] == 3
    assert site.met["slow"] == 0


async def test_a_gateway_that_has_died_gets_its_faults_again(gateway: httpx.AsyncClient) -> None:
    """Rules belong to the running process."""
    site = GatewayFaults(gateway)
    await site.add(SLOW)
    await gateway.delete("/faults")
    await site.renew()
    assert await in_force(gateway) == ["slow"]


async def test_a_gateway_that_stays_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strike that could not be carried out is an error, so that it does not count as survived."""
    monkeypatch.setattr(faults, "TRIES", 1)
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1", trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await GatewayFaults(client).add(SLOW)
