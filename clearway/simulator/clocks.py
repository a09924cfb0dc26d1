"""The two background tasks: deciding operations, and sending webhooks.

Both read what is due from the database, so a new process continues where the last one stopped.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import httpx
import structlog

from clearway.simulator.engine import Engine
from clearway.simulator.outbox import Outbox, Webhook
from clearway.simulator.records import Records

log = structlog.get_logger(__name__)

SENDING_MAX: Final = 16
SEND_TIMEOUT_S: Final = 10.0
IDLE_S: Final = 60.0


class Alarm:
    """A sleep that can be cut short, by the given clock."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the sleeper, or make its next sleep end at once."""
        self._rung.set()

    async def sleep_until(self, at: float | None) -> None:
        """Sleep until Unix time `at`, or until rung."""
        wait_s = IDLE_S if at is None else min(max(at - self._now(), 0.0), IDLE_S)
        # Not asyncio.wait_for: in Python 3.11 it loses a cancellation that meets the ring, and a shutdown never ends.
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._rung.wait()
        self._rung.clear()


class Delayed(Protocol):
    """What becomes due at a facade, such as a payment that is held for a week."""

    def next_due_at(self) -> float | None:
        """Return when the next one is due, in Unix seconds."""

    def decide_due(self, now: float) -> None:
        """Carry out what is due."""


class DecisionClock:
    """Decides operations when their processing time is over. delayed: what a facade decides by itself in time."""

    def __init__(self, engine: Engine, records: Records, delayed: Delayed) -> None:
        self._engine = engine
        self._records = records
        self._delayed = delayed
        self.alarm = Alarm()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            now = time.time()
            if (self._records.next_due_at() or math.inf) <= now:
                self._engine.decide_due()
            if (self._delayed.next_due_at() or math.inf) <= now:
                self._delayed.decide_due(now)
            moments = (self._records.next_due_at(), self._delayed.next_due_at())
            await self.alarm.sleep_until(min((at for at in moments if at is not None), default=None))


class Courier:
    """Sends webhooks, several at a time. Each is retried with back-off until a 2xx."""

    def __init__(self, outbox: Outbox, now: Callable[[], float] = time.time) -> None:
        self._outbox = outbox
        self._now = now
        self._sending: dict[int, asyncio.Task[None]] = {}
        self.alarm = Alarm(now)

    async def run(self) -> None:
        """Run until cancelled. The next process sends interrupted webhooks again."""
        limits = httpx.Limits(max_connections=SENDING_MAX)
        async with httpx.AsyncClient(timeout=SEND_TIMEOUT_S, limits=limits, trust_env=False) as client:
            try:
                await self._send_for_ever(client)
            finally:
                await self._stop()

    async def _send_for_ever(self, client: httpx.AsyncClient) -> None:
        while True:
            free = SENDING_MAX - len(self._sending)
            for webhook in self._outbox.due(self._now(), set(self._sending), free):
                self._sending[webhook.number] = asyncio.create_task(self._send(client, webhook))
            full = len(self._sending) >= SENDING_MAX
            await self.alarm.sleep_until(None if full else self._outbox.next_due_at(set(self._sending)))

    async def _stop(self) -> None:
        tasks = list(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, client: httpx.AsyncClient, webhook: Webhook) -> None:
        try:
            refusal = await self._attempt(client, webhook)
            if refusal is None:
                self._outbox.delivered(webhook, self._now())
            else:
                wait_s = self._outbox.failed(webhook, self._now())
                level = logging.WARNING if webhook.attempts == 0 or wait_s is None else logging.DEBUG
                log.log(level, "webhook not accepted", event_id=webhook.event_id, reason=refusal, next_in_s=wait_s)
        finally:
            del self._sending[webhook.number]
            self.alarm.ring()

    async def _attempt(self, client: httpx.AsyncClient, webhook: Webhook) -> str | None:
        """Send once; return why it did not succeed, or None."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                channel = self._outbox.channels[webhook.channel]
                headers = channel.headers(webhook, self._now())
                method = channel.method(webhook)
                content = None if method == "GET" else webhook.body
                response = await client.request(method, channel.address(webhook), content=content, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__
        return channel.refusal(response.status_code, response.text)
