"""What a gateway may send when it is broken or hostile: every field of a good body replaced by what it must not be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from typing import Any

from clearway.domain.text import UNSTORABLE

DEEP = b"[" * 2_000 + b"]" * 2_000
DEEP_IN_AN_OBJECT = b'{"object":"operation","data":' + b'{"a":' * 2_000 + b"1" + b"}" * 2_000 + b"}"
DEEP_BUT_READ: Any = json.loads("[" * 700 + "]" * 700)
NOT_JSON = (b"", b"\x00", b"\xff\xfe\x00{", b'"\\ud800"', b"NaN", b"1e999", b"9" * 5_000, DEEP, DEEP_IN_AN_OBJECT)
"""Whole bodies that no connector can read, some of which are JSON."""

VALUES: tuple[Any, ...] = (
    "a\x00b",
    "\ud800",
    "\x1b[2J",
    "x" * 100_000,
    "",
    "1000",
    5,
    -1,
    10**30,
    1.5,
    float("inf"),
    True,
    None,
    [],
    {"code": {"code": []}},
    DEEP_BUT_READ,
    "javascript:alert(1)",
)
"""In place of any one value of a good body."""


def variants(body: Any) -> Iterator[Any]:
    """Return the body once for every place in it and every hostile value."""
    for path in _places(body):
        for value in VALUES:
            yield _with(body, path, value)


def texts(thing: Any) -> Iterator[str]:
    """Return every text in a dataclass."""
    if isinstance(thing, str):
        yield thing
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from texts(getattr(thing, field.name))


def is_storable_throughout(thing: Any) -> bool:
    """Tell whether PostgreSQL, JSON and a bounded column can hold every text of it."""
    return all(UNSTORABLE.search(text) is None and len(text) <= 2_048 for text in texts(thing))


class Answers:
    """A server that gives every request the same answer, which a test may change."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"
        self.url = ""
        self.served = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                self.served += 1
                head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (self.status, len(self.body)) + self.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def answering() -> AsyncIterator[Answers]:
    """Run such a server."""
    answers = Answers()
    server = await asyncio.start_server(answers.handle, "127.0.0.1", 0)
    answers.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield answers
    finally:
        server.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(body, dict):
        for name, value in body.items():
            yield from _places(value, (*path, name))


def _with(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    return {**body, path[0]: _with(body[path[0]], path[1:], value)}
