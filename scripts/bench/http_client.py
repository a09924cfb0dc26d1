"""A lean HTTP/1.1 client for load: kept connections, no redirects, no proxies, one request at a time on each.

The usual clients cost more CPU for a request than the API they would measure. It repeats a request once when a kept
connection turns out to be closed, which is why every request it is given must be safe to repeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import httptools
import orjson

ANSWER_TIMEOUT_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. status 0: nothing did."""

    status: int
    body: bytes = b""

    def json(self) -> Any:
        """Read the body."""
        return orjson.loads(self.body)


class HttpClient:
    """Requests to one server, each on a free connection or a new one."""

    def __init__(self, host: str, port: int, headers: Mapping[str, str]) -> None:
        self._host, self._port = host, port
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in {"host": host, **headers}.items())
        self._free: list[_Connection] = []

    async def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; Answer(0) when no answer came in time or the server could not be reached."""
        content = b"" if body is None else orjson.dumps(body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        kind = f"content-type: application/json\r\ncontent-length: {len(content)}\r\n" if body is not None else ""
        message = f"{method} {path} HTTP/1.1\r\n{self._headers}{lines}{kind}\r\n".encode() + content
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._exchange(message)
        except (OSError, TimeoutError):
            return Answer(0)

    async def _exchange(self, message: bytes) -> Answer:
        while self._free:
            connection = self._free.pop()
            if connection.open:
                try:
                    return await self._on(connection, message)
                except ConnectionError:
                    break  # closed as we sent: once more, on a fresh one
        loop = asyncio.get_running_loop()
        _, fresh = await loop.create_connection(_Connection, self._host, self._port)
        return await self._on(fresh, message)

    async def _on(self, connection: _Connection, message: bytes) -> Answer:
        try:
            answer = await connection.exchange(message)
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return answer

    def close(self) -> None:
        """Close the kept connections."""
        for connection in self._free:
            connection.close()
        self._free.clear()


class _Connection(asyncio.Protocol):
    """One connection, with at most one request under way."""

    def __init__(self) -> None:
        self.open = False
        self._body: list[bytes] = []
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without being a subclass
        self.open = True

    def exchange(self, message: bytes) -> asyncio.Future[Answer]:
        """Send a request; the future holds its answer."""
        self._parser = httptools.HttpResponseParser(self)
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._body))
        self._body.clear()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, _error: Exception | None) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError("closed before the answer"))

    def close(self) -> None:
        self.open = False
        self._transport.abort()
