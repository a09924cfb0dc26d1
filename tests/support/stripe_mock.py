"""stripe-mock, Stripe's own check of requests: built from the Go module proxy once, and run on a free port."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

MODULE = "github.com/stripe/stripe-mock@v0.203.0"
GO = shutil.which("go") or ("/usr/local/go/bin/go" if Path("/usr/local/go/bin/go").exists() else None)
BUILD_S = 240.0
START_S = 30.0


class StripeMockMissingError(Exception):
    """It cannot be had here; the message says why."""


async def binary() -> Path:
    """Return the program, built if it is not there. Raises StripeMockMissingError."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "clearway" / MODULE.rpartition("@")[2]
    found = folder / "stripe-mock"
    if found.exists():
        return found
    if GO is None:
        raise StripeMockMissingError("Go is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    build = await asyncio.create_subprocess_exec(
        GO, "install", MODULE, env={**os.environ, "GOBIN": str(folder)}, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(build.communicate(), BUILD_S)
    if build.returncode != 0:
        raise StripeMockMissingError(f"go install {MODULE} failed: {said.decode(errors='replace')[-300:]}")
    return found


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    """Run it, and yield its URL. Raises StripeMockMissingError."""
    program = await binary()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        str(program),
        "-http-addr",
        f"127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _answers(url)
        yield url
    finally:
        process.kill()
        await process.wait()


async def _answers(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(START_S):
        while True:
            try:
                await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
