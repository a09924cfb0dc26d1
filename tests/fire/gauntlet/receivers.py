"""Merchants' receivers, honest and hostile: bare HTTP servers on loopback that write down everything they get.

What each got is a witness of its own. A request is written down whole before it is answered, so a receiver that never
answers, or that streams without end, still knows what came. A new kind is one class with an `answer`, and one line in
`KINDS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from standardwebhooks import Webhook, WebhookVerificationError

from clearway.dev.ports import HOST
from tests.fire.gauntlet.plan import Endpoint, Terms

PATH: Final = "/webhooks"
READ_S: Final = 30.0
REOPEN_TRIES: Final = 20
HANG_S: Final = 60.0
DRIP_S: Final = 0.3
FLOOD_BYTES: Final = 4_000_000_000
FLOOD_PART: Final = b"x" * 65_536

Answer = bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """One webhook as it arrived. at: Unix seconds. answered: the status of an answer that was sent whole, or None.

    digest: of the body's bytes. verified: whether the Standard Webhooks signature holds, by one of the two last
    secrets.
    """

    endpoint_id: str
    at: float
    webhook_id: str
    digest: str
    verified: bool
    path: str
    answered: int | None


class Receiver(ABC):
    """One server on a port of its own. Once `open`, it listens until `close`; `away` closes it for a while."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.endpoint_id = ""
        self.arrivals: list[Arrival] = []
        self.port = 0
        self.failure: BaseException | None = None
        """What broke this receiver; then what it has written down is not the whole of it."""
        self.rotating = asyncio.Lock()
        """Held while a new secret is asked for: only one more than we know may be in force."""
        self._secrets: list[Webhook] = []
        self._server: asyncio.Server | None = None
        self._seen: Counter[str] = Counter()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where webhooks are sent."""
        return f"http://{HOST}:{self.port}{PATH}"

    def register(self, endpoint_id: str, secret: str) -> None:
        """Remember under which id and secret the API knows this receiver."""
        self.endpoint_id = endpoint_id
        self.learn(secret)

    def learn(self, secret: str) -> None:
        """Accept this secret, and the one before it: no others sign."""
        self._secrets = [*self._secrets[-1:], Webhook(secret)]

    async def open(self) -> None:
        """Listen; the second time on the port of the first."""
        self._server = await asyncio.start_server(self._connected, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and break every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def away(self, seconds: float) -> None:
        """Disappear for a while."""
        await self.close()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._open_again()

    async def _open_again(self) -> None:
        """Listen where it was; a connection of another process may hold the port for a moment."""
        for attempt in range(REOPEN_TRIES):
            try:
                await self.open()
            except OSError:
                if attempt == REOPEN_TRIES - 1:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    @abstractmethod
    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:
        """Answer the request. times: how often this webhook came, this one included. Returns the status, if whole."""

    def is_sulking(self, times: int) -> bool:
        """Whether a webhook that came for the n-th time meets the bad side."""
        bad = self.endpoint.terms["bad"]
        return bad is None or times <= bad

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_S):
                path, headers, body = await _request(reader)
            webhook_id = headers.get("webhook-id", "")
            number = self._write_down(webhook_id, headers, body, path)
            answered = await self.answer(writer, self._seen[webhook_id])
            self.arrivals[number] = replace(self.arrivals[number], answered=answered)
        except (OSError, EOFError, TimeoutError, ValueError):
            return  # the sender went away, which is its right
        except Exception as error:  # noqa: BLE001 - kept for the verdict
            self.failure = error
        finally:
            writer.close()

    def _write_down(self, webhook_id: str, headers: Mapping[str, str], body: bytes, path: str) -> int:
        self._seen[webhook_id] += 1
        digest, verified = hashlib.sha256(body).hexdigest(), self._verifies(headers, body)
        self.arrivals.append(Arrival(self.endpoint_id, time.time(), webhook_id, digest, verified, path, None))
        return len(self.arrivals) - 1

    def _verifies(self, headers: Mapping[str, str], body: bytes) -> bool:
        return any(_holds(secret, headers, body) for secret in self._secrets)


def _holds(secret: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        secret.verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):
        return False
    return True


class Honest(Receiver):
    """Takes what comes."""

    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:  # noqa: ARG002 - the base's
        """Say 200."""
        return await _say(writer, 200)


class Failing(Receiver):
    """Answers 500, for the first times or always."""

    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:
        """Say 500, or 200 when it has sulked enough."""
        return await _say(writer, 500 if self.is_sulking(times) else 200)


class Hanging(Receiver):
    """Takes the request and says nothing."""

    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:
        """Wait until the sender has gone, or longer than any sender waits."""
        if not self.is_sulking(times):
            return await _say(writer, 200)
        await asyncio.sleep(HANG_S)
        return None


class Dripping(Receiver):
    """Answers a byte at a time, so that no single read ever times out."""

    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:
        """Drip a header that never ends."""
        if not self.is_sulking(times):
            return await _say(writer, 200)
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(DRIP_S)


class Redirecting(Receiver):
    """Sends the sender elsewhere: to a path of its own that nobody may ask for."""

    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:
        """Say 302."""
        if not self.is_sulking(times):
            return await _say(writer, 200)
        return await _say(writer, 302, f"Location: http://{HOST}:{self.port}/trap\r\n")


class Flooding(Receiver):
    """Answers 200 and then gigabytes: taken, for the status came; the sender must read no more than it wants."""

    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:  # noqa: ARG002 - the base's
        """Stream until the sender hangs up."""
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {FLOOD_BYTES}\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            for _ in range(FLOOD_BYTES // len(FLOOD_PART)):
                writer.write(FLOOD_PART)
                await writer.drain()
        return 200


class Gone(Receiver):
    """Answers 410 after it has taken a few: the endpoint is to be disabled."""

    takes: ClassVar[int] = 3

    async def answer(self, writer: asyncio.StreamWriter, times: int) -> int | None:  # noqa: ARG002 - the base's
        """Say 200 to the first, 410 to the others."""
        return await _say(writer, 200 if len(self.arrivals) <= self.takes else 410)


@dataclass(frozen=True)
class ReceiverKind:
    """A kind of receiver. count: how many a plan has. wanted: the events it asks for, or those it chooses from."""

    name: str
    make: type[Receiver]
    count: int
    wanted: tuple[str, ...]
    draw: Callable[[random.Random], Terms]
    takes_all: bool = False

    def event_types(self, chance: random.Random) -> tuple[str, ...]:
        """Draw the events this receiver asks for."""
        return self.wanted if self.takes_all else (chance.choice(self.wanted),)

    def waits(self, chance: random.Random) -> list[int]:
        """Draw a retry schedule, short enough to end within a run."""
        return [1, 2, 4, 6] if self.takes_all else chance.choice(([1, 2], [1, 1, 2], [2, 3]))


def _sulks(chance: random.Random) -> dict[str, Any]:
    return {"bad": chance.choice((1, 2, None))}


def _nothing(_: random.Random) -> dict[str, Any]:
    return {}


SELDOM: Final = ("payment.failed", "payment.cancelled", "refund.created", "refund.processed", "payment.authorized")
KINDS: Final[tuple[ReceiverKind, ...]] = (
    ReceiverKind("honest", Honest, 3, ("*",), _nothing, takes_all=True),
    ReceiverKind("failing", Failing, 2, SELDOM, _sulks),
    ReceiverKind("hanging", Hanging, 2, SELDOM, _sulks),
    ReceiverKind("dripping", Dripping, 1, SELDOM, _sulks),
    ReceiverKind("redirecting", Redirecting, 1, SELDOM, _sulks),
    ReceiverKind("flooding", Flooding, 1, SELDOM, _nothing),
    ReceiverKind("gone", Gone, 1, SELDOM, _nothing),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}


def receiver_of(endpoint: Endpoint) -> Receiver:
    """Return the receiver that an endpoint of the plan describes."""
    return BY_NAME[endpoint.kind].make(endpoint)


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Read one request with a Content-Length: its path, headers by lower-case name, and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    path = head[0].split(" ")[1]
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return path, headers, await reader.readexactly(int(headers.get("content-length", "0")))


async def _say(writer: asyncio.StreamWriter, status: int, more: str = "") -> int:
    writer.write(f"HTTP/1.1 {status} Said\r\n{more}Content-Length: 2\r\nConnection: close\r\n\r\nok".encode())
    await writer.drain()
    return status
