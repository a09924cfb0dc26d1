"""What the tests of the sender share: raw servers on loopback, each with an exact behaviour."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network

import httpx
import pytest

from clearway.egress import EgressPolicy, WebhookSender
from tests.support.receiver import read_request

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PUBLIC_AUTHORITIES = httpx.create_ssl_context(trust_env=False)
"""Loaded once: reading the authorities costs more than any test here."""
LOOPBACK = ip_network("127.0.0.0/8")


class Receiver:
    """A server made of one coroutine. Counts connections and keeps the requests it read."""

    def __init__(self, behaviour: Behaviour, *, reads: bool) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._behaviour = behaviour
        self._reads = reads
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """Return the address to send to."""
        return f"{scheme}://{host}:{self.port}/hooks?x=1"

    async def stop(self) -> None:
        """Stop listening and end what is still being answered."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def hung_up(self) -> None:
        """Wait until every connection has been ended, by whichever side."""
        async with asyncio.timeout(30):
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if self._reads:
                self.requests.append(await read_request(reader))
            await self._behaviour(reader, writer)
        writer.close()


def answering(answer: bytes) -> Behaviour:
    """Return the behaviour that sends these bytes and closes."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def receive() -> AsyncIterator[Callable[..., Awaitable[Receiver]]]:
    """Return a function that starts a receiver from a behaviour or from the bytes of an answer."""
    receivers: list[Receiver] = []

    async def start(
        behaviour: Behaviour | bytes = OK, tls: ssl.SSLContext | None = None, *, reads: bool = True
    ) -> Receiver:
        receiver = Receiver(answering(behaviour) if isinstance(behaviour, bytes) else behaviour, reads=reads)
        receivers.append(receiver)
        await receiver.start(tls)
        return receiver

    yield start
    for receiver in receivers:
        await receiver.stop()


@pytest.fixture
def policy() -> EgressPolicy:
    """Return a development policy: loopback and http are open, and even a busy machine keeps the deadline."""
    return EgressPolicy(timeout_s=10, allowed_networks=(LOOPBACK,), response_bytes_max=1_024, allow_http=True)


@pytest.fixture
def sender(policy: EgressPolicy) -> WebhookSender:
    """Return a sender under that policy."""
    return WebhookSender(policy, ssl_context=PUBLIC_AUTHORITIES)


@pytest.fixture
def hasty_sender(policy: EgressPolicy) -> WebhookSender:
    """Return a sender that gives up after half a second."""
    return WebhookSender(replace(policy, timeout_s=0.5), ssl_context=PUBLIC_AUTHORITIES)


@pytest.fixture
def cut_off_later(policy: EgressPolicy) -> WebhookSender:
    """Return a sender that gives up after an answer has surely begun."""
    return WebhookSender(replace(policy, timeout_s=3), ssl_context=PUBLIC_AUTHORITIES)
