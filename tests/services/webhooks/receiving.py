"""A merchant's server for the tests of webhooks: answers as it is told, in order, and keeps what it got."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from standardwebhooks import Webhook
from starlette.types import Receive, Scope, Send

from tests.services.gateways.running import Delivery, free_listener, serving

PATIENCE_S = 15.0


@dataclass(frozen=True)
class Reply:
    """One answer. hangs: none at all, until the other side gives up."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False


@dataclass
class Shopfront:
    """The running server. replies: what to answer first; `usual` answers the rest. before_reply: runs before each."""

    url: str
    replies: list[Reply] = field(default_factory=list)
    usual: Reply = field(default_factory=Reply)
    received: list[Delivery] = field(default_factory=list)
    hanging: int = 0
    before_reply: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep one request and answer it."""
        if scope["type"] != "http":
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.received.append(Delivery(headers, body))
        reply = self.replies.pop(0) if self.replies else self.usual
        if self.before_reply is not None:
            await self.before_reply()
        if reply.hangs:
            await self._hang(receive)
            return
        raw = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": reply.body})

    async def until(self, count: int) -> None:
        """Wait, in real time, until so many requests have arrived."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.received) < count:
                await asyncio.sleep(0.01)

    def ids(self) -> list[str]:
        """Return the webhook id of each request."""
        return [delivery.headers["webhook-id"] for delivery in self.received]

    def types(self) -> list[str]:
        """Return the type of each event, in alphabetical order: deliveries have no order among each other."""
        return sorted(delivery.event["type"] for delivery in self.received)

    async def _hang(self, receive: Receive) -> None:
        self.hanging += 1
        while (await receive())["type"] != "http.disconnect":
            pass
        self.hanging -= 1


@asynccontextmanager
async def running_shopfront(*replies: Reply, usual: Reply | None = None) -> AsyncIterator[Shopfront]:
    """Run a merchant's server that answers with these replies."""
    listener, url = free_listener()
    front = Shopfront(f"{url}/hooks", list(replies), usual or Reply())
    async with serving(front, listener):
        yield front


def verify(delivery: Delivery, secret: str) -> None:
    """Check both signatures as a merchant does: one by the public package, one by the standard library alone."""
    Webhook(secret).verify(delivery.body, delivery.headers)
    expected = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    assert expected in delivery.headers["x-webhook-signature"].split(",")
