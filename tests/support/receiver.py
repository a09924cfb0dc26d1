"""A server that receives webhooks, for every test: it gives the set answers in order, and keeps what it got.

It speaks HTTP by hand, so that it can also answer with what is no HTTP, or not at all. One request a connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from standardwebhooks import Webhook

HOST: Final = "127.0.0.1"
PATIENCE_S: Final = 30.0


@dataclass(frozen=True)
class Reply:
    """One answer. hangs: none at all, until the other side gives up. raw: exactly these bytes."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False
    raw: bytes | None = None

    def encoded(self) -> bytes:
        """Return what is written to the connection."""
        if self.raw is not None:
            return self.raw
        phrase = HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else "Whatever"
        fields = {"connection": "close", "content-length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Delivery:
    """One webhook request as it arrived; the names of its headers are in lower case."""

    headers: dict[str, str]
    body: bytes
    path: str = ""

    @property
    def event(self) -> dict[str, Any]:
        """The parsed body."""
        return dict(json.loads(self.body))


@dataclass
class Receiver:
    """The running server. replies: what to answer first; `usual` answers the rest. before_reply: runs before each."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    usual: Reply = field(default_factory=Reply)
    received: list[Delivery] = field(default_factory=list)
    hanging: int = 0
    before_reply: Callable[[], Awaitable[object]] | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def refuse(self, *statuses: int) -> None:
        """Answer with these statuses first, in place of what was to be answered."""
        self.replies = [Reply(status) for status in statuses]

    def forget(self) -> None:
        """Behave, and have received nothing."""
        self.replies, self.usual, self.before_reply = [], Reply(), None
        self.received.clear()

    async def until(self, count: int) -> None:
        """Wait, in real time, until so many requests have arrived."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.received) < count:
                await self._next()

    async def wait_for(self, count: int, about: str) -> list[Delivery]:
        """Return the requests about a payment id or key once there are at least `count`."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.about(about)) < count:
                await self._next()
        return found

    def about(self, text: str) -> list[Delivery]:
        """Return the requests so far whose body has this text in it."""
        return [delivery for delivery in self.received if text.encode() in delivery.body]

    def ids(self) -> list[str]:
        """Return the webhook id of each request."""
        return [delivery.headers["webhook-id"] for delivery in self.received]

    def types(self) -> list[str]:
        """Return the type of each event, in alphabetical order: deliveries have no order among each other."""
        return sorted(delivery.event["type"] for delivery in self.received)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep one request and answer it."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.received.append(parsed(await read_request(reader)))
            self._arrived.set()
            reply = self.replies.pop(0) if self.replies else self.usual
            if self.before_reply is not None:
                await self.before_reply()
            if reply.hangs:
                await self._hang(reader)
            else:
                writer.write(reply.encoded())
                await writer.drain()
        writer.close()

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        self.hanging += 1
        try:
            await reader.read()
        finally:
            self.hanging -= 1

    async def _next(self) -> None:
        self._arrived.clear()
        await self._arrived.wait()


@asynccontextmanager
async def running_receiver(*replies: Reply, usual: Reply | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver that answers with these replies."""
    receiver = Receiver(replies=list(replies), usual=usual or Reply())
    async with listening(receiver) as address:
        receiver.url = f"{address}/hooks"
        yield receiver


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[str]:
    """Serve a receiver on a free port of loopback; yield its address. At the end every connection is broken."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with suppress(asyncio.CancelledError):
            await receiver.serve(reader, writer)

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request whole: head and as much body as it announces."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


def parsed(request: bytes) -> Delivery:
    """Return what a request says."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Delivery({name.strip().lower(): value.strip() for name, _, value in pairs}, body, first.split()[1])


def verify(delivery: Delivery, secret: str) -> None:
    """Check both signatures as a merchant does: one by the public package, one by the standard library alone."""
    Webhook(secret).verify(delivery.body, delivery.headers)
    expected = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    assert expected in delivery.headers["x-webhook-signature"].split(",")
