"""Processes that the bench talks to by lines of JSON: the receiver, and the floor's worker and driver.

A request is one line on the process's standard input, its answer one line on its standard output. When the input ends,
because the bench has ended in whatever way, the process ends too. What else it prints goes to a log file.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final, NoReturn, Self

import orjson

LINE_BYTES_MAX: Final = 256 * 1024 * 1024
ROOT: Final = Path(__file__).parents[2]

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]


class AgentFailedError(Exception):
    """The process ended or refused; the message holds what it said."""


class Agent:
    """The bench's end of one such process."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.ready: Any = None
        """What it said when it was ready."""
        self._process = process
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, module: str, env: Mapping[str, str], log_dir: Path) -> Self:
        """Run `python -m module`, and wait until it says that it is ready. log_dir: where it may write its log."""
        name = module.rpartition(".")[2]
        with (log_dir / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=dict(env),
                cwd=ROOT,
                limit=LINE_BYTES_MAX,
            )
        agent = cls(name, process)
        agent.ready = await agent._answer()
        return agent

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def ask(self, what: str, **arguments: Any) -> Any:
        """Send a request and return what it answers."""
        async with self._turn:
            assert self._process.stdin is not None
            self._process.stdin.write(orjson.dumps({"do": what, **arguments}) + b"\n")
            await self._process.stdin.drain()
            return await self._answer()

    async def stop(self, patience_s: float = 10.0) -> None:
        """End it: by closing its input, and by force when that does not help."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), patience_s)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise AgentFailedError(f"{self.name} ended ({await self._process.wait()})")
        answer = orjson.loads(line)
        if "error" in answer:
            raise AgentFailedError(f"{self.name}: {answer['error']}")
        return answer["ok"]


async def serve(handle: Handler, *, ready: Any = True) -> None:
    """Be such a process: say that we are ready, then answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the SDK writes its own log to the standard output
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(answers, {"ok": ready})
    while line := await reader.readline():
        try:
            answer = {"ok": await handle(orjson.loads(line))}
        except Exception as error:  # noqa: BLE001 - told to the bench, which ends
            answer = {"error": f"{type(error).__name__}: {error}"}
        _say(answers, answer)


def leave(code: int = 0) -> NoReturn:
    """End this process now: the SDK's runtime may crash an interpreter that ends by itself (see `worker.py`)."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _say(answers: IO[bytes], answer: Any) -> None:
    answers.write(orjson.dumps(answer) + b"\n")
    answers.flush()
