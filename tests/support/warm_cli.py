"""Commands of `clearway` that begin with everything imported: a server that forks a process for each.

A command spends a second of CPU on imports, and some hundred tests run several commands each. Here it is a process of
its own as ever (arguments, environment, folder, streams, exit code), but without the imports. Tests whose subject is
the start or the end of the process run `python -m clearway.cli` instead.

`python -m tests.support.warm_cli SOCKET` is the server. Our own modules below `clearway.cli` are not imported
beforehand, so that a command that forgets an import still fails.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PRELOADED: Final = (
    "clearway.cli.app",
    "alembic.command",
    "asyncpg",
    "httpx",
    "rich.console",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "temporalio.client",
)
START_S: Final = 60.0
PROGRAM: Final = """\
#!{python} -IS
import array, json, os, socket, struct, sys
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    streams = array.array("i", (0, 1, 2))
    server.sendmsg([struct.pack("!I", len(request))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    server.sendall(request)
    code = int(server.makefile().read() or -1)
sys.exit(code if code >= 0 else 128 - code)
"""
"""`clearway` for shells: hands its streams to the server, and ends as the command did."""


class WarmCli:
    """A running server."""

    def __init__(self, address: Path) -> None:
        self._address = address

    async def run(
        self, arguments: tuple[str, ...], *, folder: Path, environment: Mapping[str, str], typed: bytes = b""
    ) -> tuple[int, bytes, bytes]:
        """Run a command to its end; return its exit code (below 0: by a signal), and what it printed."""
        ends = [os.pipe() for _ in range(3)]
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = ends
        request = json.dumps([arguments, str(folder), dict(environment)]).encode()
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._address))
            streams = array.array("i", (stdin, stdout, stderr))
            server.sendmsg([struct.pack("!I", len(request))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
            server.sendall(request)
            for handed in streams:
                os.close(handed)
            _, out, err, code = await asyncio.gather(
                *(asyncio.to_thread(_write, to_stdin, typed), asyncio.to_thread(_read, from_stdout)),
                *(asyncio.to_thread(_read, from_stderr), asyncio.to_thread(_code, server)),
            )
        assert code is not None, "the server of commands has died"
        return code, out, err

    def program(self, folder: Path) -> Path:
        """Write `clearway` into a folder, for a shell's PATH."""
        path = folder / "clearway"
        path.write_text(PROGRAM.format(python=sys.executable, address=str(self._address)), "utf-8")
        path.chmod(0o755)
        return path


def _write(pipe: int, text: bytes) -> None:
    # A command need not read what was typed.
    with os.fdopen(pipe, "wb", buffering=0) as stream, contextlib.suppress(BrokenPipeError):
        stream.write(text)


def _read(pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as stream:
        return stream.read()


def _code(server: socket.socket) -> int | None:
    """Read the exit code; None when the server died without it."""
    with server.makefile() as answer, contextlib.suppress(ConnectionResetError):
        if text := answer.read():
            return int(text)
    return None


@asynccontextmanager
async def warm_cli(folder: Path) -> AsyncIterator[WarmCli]:
    """Run a server, and end it with all its commands."""
    address = folder / "cli.sock"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.warm_cli", str(address)),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            assert await process.stdout.readline(), "it has ended"
        yield WarmCli(address)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def serve(address: str) -> None:
    """Fork a process for each command. Never returns but in the process of a command."""
    for name in PRELOADED:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who attend to a command are nobody's to wait for
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    os.write(1, b"ready\n")
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _attend(client)
        client.close()


def _attend(client: socket.socket) -> None:
    """Read the request and fork its command; answer with its exit code when it has ended."""
    length, streams, _, _ = socket.recv_fds(client, 4, 3)
    request = client.makefile("rb").read(struct.unpack("!I", length)[0])
    if (pid := os.fork()) == 0:
        client.close()
        return _become(json.loads(request), streams)
    for stream in streams:
        os.close(stream)
    _, status = os.waitpid(pid, 0)
    client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(request: list[Any], streams: list[int]) -> None:
    """Take streams, folder, environment and arguments of the command, and run it."""
    from clearway.cli import main  # noqa: PLC0415 - the side of the tests does not need it

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    arguments, folder, environment = request
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["clearway", *arguments]
    main()


if __name__ == "__main__":
    serve(sys.argv[1])
