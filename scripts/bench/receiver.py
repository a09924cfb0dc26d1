"""A merchant that accepts every webhook at the lowest cost, and notes when each came.

Not the sample merchant: that one verifies, prints and shows, and its CPU would be taken from what is measured.
Requests:

    take    all that came since the last take: [[webhook id, event type, resource id, Unix seconds], …]
    count   how many came since the last take
    down    stop listening and close every connection, as a merchant who is away
    up      listen again, on the same port
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, cast

import httptools
import orjson
import uvloop

from scripts.bench.agents import leave, serve

HOST: Final = "127.0.0.1"
TAKEN: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nok"


class Inbox:
    """What came, unread until it is asked for; and whether we listen."""

    def __init__(self) -> None:
        self.came: list[tuple[float, bytes]] = []
        self.transports: set[asyncio.Transport] = set()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def up(self) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Taking(self), HOST, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def down(self) -> None:
        """Refuse connections from now on."""
        assert self._server is not None
        self._server.close()
        for transport in list(self.transports):
            transport.abort()
        await self._server.wait_closed()

    def take(self) -> list[list[Any]]:
        """Return what came, and forget it."""
        came, self.came = self.came, []
        events = [(at, orjson.loads(body)) for at, body in came]
        return [[event["id"], event["type"], event["data"]["id"], at] for at, event in events]

    async def handle(self, asked: Mapping[str, Any]) -> Any:
        """Answer one request of the bench."""
        match asked["do"]:
            case "take":
                return self.take()
            case "count":
                return len(self.came)
            case "down":
                return await self.down()
            case _:
                return await self.up()


class Taking(asyncio.Protocol):
    """One connection: notes each body with the time of its last byte, and says yes."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without being a subclass
        self._inbox.transports.add(self._transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget it."""
        assert self._transport is not None
        self._inbox.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        """Called by the parser."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        assert self._transport is not None
        self._inbox.came.append((time.time(), b"".join(self._body)))
        self._body.clear()
        self._transport.write(TAKEN)


async def main() -> None:
    """Listen, and answer the bench until it ends."""
    inbox = Inbox()
    await serve(inbox.handle, ready=await inbox.up())


if __name__ == "__main__":
    uvloop.run(main())
    leave()
