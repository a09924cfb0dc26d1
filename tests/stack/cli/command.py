"""Running `clearway` as people do: in a process and a folder of its own, with only the environment it is given.

The process is one of `tests.support.warm_cli`, without the imports, where its start is not what a test is about.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.warm_cli import WarmCli

ROOT = Path(__file__).parents[3]
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        assert self.out, self
        return json.loads(self.out)

    @property
    def problem(self) -> str:
        """The one line of a failure; asserts that there is nothing else to read."""
        assert self.code == 1, self
        assert "Traceback" not in self.err
        (line,) = self.err.strip().splitlines()
        assert line.startswith("clearway: ")
        return line


class Cli:
    """The command line with a state folder and an environment. warm: who runs its commands, or each starts cold."""

    def __init__(
        self, folder: Path, state_dir: Path | None = None, *, warm: WarmCli | None = None, **environment: str
    ) -> None:
        self.folder = folder
        self._warm = warm
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "CLEARWAY_STATE_DIR": str(state_dir or folder / "state"),
            **environment,
        }

    async def __call__(self, *arguments: str, typed: str = "", **environment: str) -> Outcome:
        """Run a command to its end. typed: what comes from its standard input, which is no terminal."""
        async with asyncio.timeout(PATIENCE_S):
            if self._warm:
                code, out, err = await self._warm.run(
                    arguments, folder=self.folder, environment={**self.environment, **environment}, typed=typed.encode()
                )
                return Outcome(code, out.decode(), err.decode())
            process = await self._start(arguments, environment, stdin=PIPE)
            out, err = await process.communicate(typed.encode())
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def running(self, *arguments: str, **environment: str) -> AsyncIterator[Process]:
        """Run a command beside the test, from its cold start, and make sure that it ends."""
        process = await self._start(arguments, environment)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def _start(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], *, stdin: int = DEVNULL
    ) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clearway.cli", *arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=stdin,
            stdout=PIPE,
            stderr=PIPE,
        )


async def ended(process: Process, number: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal and wait for the end; return the exit code."""
    process.send_signal(number)
    async with asyncio.timeout(PATIENCE_S):
        return await process.wait()
