"""A Postgres that is shutting down: it accepts a client, and ends the session before the first statement.

asyncpg reports this with an error of its own ("cannot switch to state ..."), which is no PostgresError.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PARAMETERS: Final = {"server_version": "18.4", "client_encoding": "UTF8", "integer_datetimes": "on"}
TLS_REQUEST_BYTES: Final = 8


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">i", len(content) + 4) + content


WELCOME: Final = (
    _message(b"R", struct.pack(">i", 0))
    + b"".join(_message(b"S", f"{name}\0{value}\0".encode()) for name, value in PARAMETERS.items())
    + _message(b"K", struct.pack(">ii", 1, 1))
    + _message(b"Z", b"I")
)
GOODBYE: Final = _message(b"E", b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0")


@asynccontextmanager
async def closing_database() -> AsyncIterator[int]:
    """Listen on a port of loopback, which is returned."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await _startup(reader) == TLS_REQUEST_BYTES:
            writer.write(b"N")
            await _startup(reader)
        writer.write(WELCOME + GOODBYE)
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _startup(reader: asyncio.StreamReader) -> int:
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    await reader.readexactly(length - 4)
    return int(length)
