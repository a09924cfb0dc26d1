"""Heartbeats: an activity with a heartbeat timeout sends them while it runs, and others send none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.heartbeats import Heartbeats


class _Activity(ActivityInboundInterceptor):
    """Ends when it was heard of twice, or when nothing was heard of it for a while."""

    def __init__(self, heard: asyncio.Semaphore, patience_s: float) -> None:
        self._heard = heard
        self._patience_s = patience_s

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ARG002 - the SDK's name
        async with asyncio.timeout(self._patience_s):
            await self._heard.acquire()
            await self._heard.acquire()
        return "done"


async def run(limit: timedelta | None, *, patience_s: float) -> Any:
    """Run an activity with this heartbeat timeout through the interceptor."""
    heard = asyncio.Semaphore(0)
    environment = ActivityEnvironment()
    environment.info = replace(ActivityEnvironment.default_info(), heartbeat_timeout=limit)
    environment.on_heartbeat = lambda *_: heard.release()
    inbound = Heartbeats().intercept_activity(_Activity(heard, patience_s))

    @activity.defn
    async def slow() -> Any:
        return await inbound.execute_activity(cast("ExecuteActivityInput", None))

    return await environment.run(slow)


async def test_a_running_activity_sends_heartbeats() -> None:
    """Several heartbeats come within each timeout."""
    assert await run(timedelta(milliseconds=30), patience_s=30) == "done"


async def test_without_a_timeout_there_are_none() -> None:
    """Nobody waits for heartbeats of an activity without a heartbeat timeout."""
    with pytest.raises(TimeoutError):
        await run(None, patience_s=1)
