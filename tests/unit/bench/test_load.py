"""The open loop does not wait for answers; the lean client speaks HTTP with a real server."""

from __future__ import annotations

import asyncio
import os

import pytest

from scripts.bench.agents import Agent, AgentFailedError
from scripts.bench.http_client import HttpClient
from scripts.bench.load import closed_loop, open_loop

EVENT = {"id": "evt_1", "type": "payment.success", "data": {"id": "pay_1"}}


async def test_arrivals_do_not_wait_for_answers() -> None:
    """Twenty requests that take 0.2 s each, due within 0.1 s, are all under way at once."""
    at_once = most = 0

    async def send(number: int) -> str:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.2)
        at_once -= 1
        return str(number)

    sent = await open_loop([0.005 * number for number in range(20)], send)
    assert most == 20
    assert [one.made for one in sent] == [str(number) for number in range(20)]


async def test_a_latency_counts_from_when_the_request_was_due() -> None:
    """A sender that is held up does not make the system look quick."""

    async def send(_number: int) -> str:
        return "made"

    async def hold_up() -> None:
        await asyncio.sleep(0.02)
        end = asyncio.get_running_loop().time() + 0.15
        while asyncio.get_running_loop().time() < end:
            pass

    sent, _ = await asyncio.gather(open_loop([0.05, 0.06], send), hold_up())
    assert all(one.latency_s > 0.08 for one in sent)


async def test_a_closed_loop_sends_each_once() -> None:
    """So many at any moment, and every number once."""
    numbers: list[int] = []

    async def send(number: int) -> str:
        await asyncio.sleep(0)
        numbers.append(number)
        return "made"

    assert len(await closed_loop(50, 7, send)) == 50
    assert sorted(numbers) == list(range(50))


async def test_the_receiver_notes_every_webhook_and_can_be_away(tmp_path) -> None:
    """Bodies are noted with their times; while down it refuses connections, and then listens on the same port."""
    receiver = await Agent.start("scripts.bench.receiver", os.environ, tmp_path)
    client = HttpClient("127.0.0.1", receiver.ready, {})
    try:
        answers = await asyncio.gather(*(client.request("POST", "/", EVENT) for _ in range(20)))
        assert [answer.status for answer in answers] == [200] * 20
        assert (await client.request("POST", "/", EVENT)).status == 200, "on a kept connection"
        assert await receiver.ask("count") == 21
        taken = await receiver.ask("take")
        assert taken[0][:3] == ["evt_1", "payment.success", "pay_1"]
        await receiver.ask("down")
        assert (await client.request("POST", "/", EVENT)).status == 0
        await receiver.ask("up")
        assert (await client.request("POST", "/", EVENT)).status == 200
        assert await receiver.ask("count") == 1
    finally:
        client.close()
        await receiver.stop()


async def test_an_agent_that_ends_is_noticed(tmp_path) -> None:
    """A process that cannot start is an error with its name, not a wait without end."""
    with pytest.raises(AgentFailedError, match="no_such_module"):
        await Agent.start("scripts.bench.no_such_module", os.environ, tmp_path)
