"""A merchant's endpoint as a raw server: it takes a webhook, or does one of the things that endpoints do instead."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from standardwebhooks import WebhookVerificationError

from tests.services.gateways.running import Delivery
from tests.services.webhooks.receiving import verify
from tests.support.durable import ENDPOINT_SECRET
from tests.unit.egress.conftest import read_request

PATH: Final = "/webhooks"
BYTES: Final = {
    "taken": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "refused": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n",
    "redirected": b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\xff 200 is what you would like to read\r\n\r\n",
    "cut_off": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nno",
    "dropped": b"",
    "gone": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
}


@dataclass
class Endpoint:
    """The running server. received: every webhook that was read whole, as the witnesses of a stack tell it."""

    address: str = ""
    url: str = ""
    """Each story has its own, so that what an earlier one left behind is not taken for its own."""
    received: list[dict[str, Any]] = field(default_factory=list)
    _answers: deque[str] = field(default_factory=lambda: deque(["taken"]))

    def behave(self, story: str, answers: Iterable[str]) -> None:
        """Forget what was received, and give these answers from now on; the last for ever."""
        self.url = f"{self.address}/{story}"
        self.received.clear()
        self._answers = deque(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and do the next thing."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await read_request(reader)
            if request.startswith(f"POST {urlsplit(self.url).path}{PATH} ".encode()):
                self.received.append(_told(request))
            answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
            writer.write(BYTES[answer])
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def running_endpoint() -> AsyncIterator[Endpoint]:
    """Run an endpoint on a free port of loopback."""
    endpoint = Endpoint()
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield endpoint


def _told(request: bytes) -> dict[str, Any]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = (line.decode().partition(":") for line in head.split(b"\r\n")[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    try:
        verify(Delivery(headers, body), ENDPOINT_SECRET)
    except (WebhookVerificationError, AssertionError):
        signed = False
    else:
        signed = True
    event = json.loads(body)
    told = {"event_id": event["id"], "type": event["type"], "headers": headers}
    return {**told, "signature_ok": signed, "standard_ok": signed}
