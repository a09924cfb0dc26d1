"""Limits of a gateway, as a merchant meets them: requests wait, and none fails for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.breakers.board import BreakerBoard
from clearway.breakers.limiting import GatewayLimiter
from clearway.db import across_merchants
from clearway.db.tables import gateway_calls
from tests.services.api.conftest import Caller, Payer, eventually
from tests.services.gateways.running import Simulator

TOO_MANY: dict[str, Any] = {"operation": "authorise", "fault": "rate_limited", "times": 1, "retry_after_s": 3}


async def limited(caller: Caller, **limits: float) -> str:
    """Connect a gateway with limits."""
    asked = {"kind": "simulator", "name": "Limited", "priority": 50, "test": False, "limits": limits}
    made = await caller.http.post("/gateways", json=asked)
    assert made.status_code == 201, made.text
    shown = {"requests_per_s": limits.get("requests_per_s"), "concurrent": limits.get("concurrent")}
    assert made.json()["limits"] == shown
    return str(made.json()["id"])


async def failures(caller: Caller, gateway_id: str) -> int:
    """Return how many calls the breakers of a gateway count as failed."""
    breakers = (await caller.http.get(f"/gateways/{gateway_id}/breaker")).json()["data"]
    return sum(each["failures"] for each in breakers)


async def sent_at(engine: AsyncEngine, gateway_id: str, count: int) -> list[datetime]:
    """Return when this many calls were sent to a gateway; wait until they are written."""

    async def sent() -> dict[str, Any]:
        query = select(gateway_calls.c.started_at).where(gateway_calls.c.gateway_id == gateway_id)
        async with engine.connect() as connection:
            return {"times": sorted((await connection.execute(query)).scalars())}

    return list((await eventually(sent, lambda found: len(found["times"]) == count))["times"])


@pytest.mark.parametrize(("requests_per_s", "count"), [(0.5, 3), (2, 4)], ids=["long waits", "short waits"])
async def test_payments_above_the_rate_wait_and_all_succeed(
    payer: Payer, api_simulator: Simulator, api_engine: AsyncEngine, requests_per_s: float, count: int
) -> None:
    """None is sent before its turn: a long wait is a timer, a short one stays in the worker. Each charges once."""
    gateway_id = await limited(payer, requests_per_s=requests_per_s)
    begun = datetime.now(UTC)
    paid = await asyncio.gather(*(payer.payment() for _ in range(count)))
    assert [await api_simulator.charges(each["id"]) for each in paid] == [1] * count
    assert {each["gateway_id"] for each in paid} == {gateway_id}
    after_s = [(at - begun).total_seconds() for at in await sent_at(api_engine, gateway_id, count)]
    assert all(after >= turn / requests_per_s for turn, after in enumerate(after_s)), after_s
    assert await failures(payer, gateway_id) == 0


async def test_a_gateway_that_asks_to_wait_is_left_alone_by_all(
    payer: Payer, api_simulator: Simulator, api_engine: AsyncEngine
) -> None:
    """After 429 with Retry-After no payment is sent for so long; then all succeed, and no breaker has counted it."""
    gateway_id = await limited(payer)
    await api_simulator.switch(**TOO_MANY)
    first = (await payer.post_payment(gateway_id=gateway_id)).json()
    [refused] = await sent_at(api_engine, gateway_id, 1)
    second = (await payer.post_payment(gateway_id=gateway_id)).json()
    for each in (first, second):
        await payer.payment_in(each["id"], "success")
        assert await api_simulator.charges(each["id"]) == 1
        assert len((await payer.http.get(f"/payments/{each['id']}/attempts")).json()["data"]) == 1
    _, *later = await sent_at(api_engine, gateway_id, 3)
    assert min(later) - refused >= timedelta(seconds=TOO_MANY["retry_after_s"])
    assert await failures(payer, gateway_id) == 0


async def test_a_held_gateway_is_left_out_while_another_can_take_the_payment(
    payer: Payer, api_simulator: Simulator
) -> None:
    """Routing prefers a gateway that may be asked, and says why the other is left out."""
    gateway_id = await limited(payer)
    await api_simulator.switch(**TOO_MANY | {"retry_after_s": 120})
    await payer.post_payment(gateway_id=gateway_id)
    asked = {"method": "upi", "currency": "INR", "amount": 50_000}

    async def explained() -> dict[str, Any]:
        return dict((await payer.http.post("/routing/explain", json=asked)).json())

    decision = await eventually(explained, lambda found: gateway_id not in found["gateways"])
    assert [(each["gateway_id"], each["why"]) for each in decision["left_out"]] == [(gateway_id, "held")]
    assert (await payer.payment())["gateway_id"] != gateway_id


async def test_requests_at_the_same_time_are_counted_over_all_processes(
    caller: Caller, api_engine: AsyncEngine
) -> None:
    """With one at once, another process waits until the first has ended; a hold reaches every process."""
    gateway_id = await limited(caller, concurrent=1)
    async with api_engine.connect() as connection:
        config = await across_merchants.find_gateway(connection, gateway_id)
    assert config is not None
    boards = BreakerBoard(api_engine), BreakerBoard(api_engine)
    here, there = (GatewayLimiter(api_engine, board) for board in boards)
    async with here.turn(config) as first, there.turn(config) as second:
        assert (first, second is not None) == (None, True)
    async with there.turn(config) as third:
        assert third is None
    await here.hold(config, 30)
    await boards[1].read()
    unlimited = await limited(caller)
    async with api_engine.connect() as connection:
        other = await across_merchants.find_gateway(connection, unlimited)
    assert other is not None
    async with there.turn(config) as held, there.turn(other) as free:
        assert held is not None
        assert held > 25
        assert free is None
