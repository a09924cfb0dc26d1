"""Postgres and Temporal are killed while payments are being made: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.stack.e2e.conftest import RECOVERY_S, Site
from tests.stack.e2e.merchant import eventually

pytestmark = pytest.mark.timeout(400)

PAYMENTS = 10
KILLS = 3
SPREAD_S = 3.0
"""The payments begin within this time, and the server dies in the middle of it, again and again."""


@pytest.mark.parametrize("server", ["postgres", "temporal"])
async def test_payments_survive_the_death_of_a_server(fragile: Site, server: str) -> None:
    """Every request that is repeated with its key until it is answered makes one payment, one charge, one success."""
    merchant = fragile.merchant
    bodies = [await merchant.body(2_000 + number) for number in range(PAYMENTS)]
    chance = random.Random(server)  # noqa: S311 - chance that repeats itself

    async def pay(number: int) -> dict[str, object]:
        await asyncio.sleep(chance.uniform(0, SPREAD_S))
        body = bodies[number]
        answer = await merchant.insist("/payments", body, key=f"{server}-{body['order_id']}")
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    paying = [asyncio.create_task(pay(number)) for number in range(PAYMENTS)]
    for _ in range(KILLS):
        await asyncio.sleep(SPREAD_S / KILLS / 2)
        await fragile.stack.kill(server)
        await eventually(lambda: merchant.http.get(f"{fragile.stack.api_url}/ready"), lambda answer: answer.is_error)
        await fragile.stack.start(server)
    made = await asyncio.gather(*paying)
    assert len({payment["id"] for payment in made}) == PAYMENTS
    for payment in made:
        await merchant.until(payment, "success", limit_s=RECOVERY_S)
        assert await merchant.charged(payment) == [payment["amount"]]
