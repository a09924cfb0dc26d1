"""One child process: its own process group, its output in a log file, and an end that is certain.

It knows nothing of what the program does; readiness and restarts belong to the stack.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from clearway import lifeline

POLL_S: Final = 0.05
LOG_LIMIT_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """How to run a program. `death_signal` is what the kernel sends it when we are killed."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_timeout_s: float = 10.0


class Child:
    """A running program. Start it with `Child.start(spec)`, end it with `stop()` or `kill()`."""

    def __init__(self, spec: ChildSpec, process: subprocess.Popen[bytes]) -> None:
        self.spec = spec
        self.started_at = time.monotonic()
        self._process = process

    @classmethod
    def start(cls, spec: ChildSpec) -> Child:
        """Start the program. Call it from a thread that lives as long as the child: its death would end the child."""
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(spec.log)
        with spec.log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command lines
                _with_lifeline(spec),
                cwd=spec.cwd,
                env=dict(spec.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(spec, process)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    async def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its end: the exit code, or None when it still runs after `timeout_s`."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (code := self.exit_code) is None:
            if deadline is not None and time.monotonic() >= deadline:
                return None
            await asyncio.sleep(POLL_S)
        return code

    async def stop(self) -> int:
        """Ask it to end, and kill it when it takes longer than its time."""
        self._signal(self.spec.stop_signal)
        code = await self.wait(self.spec.stop_timeout_s)
        return await self.kill() if code is None else code

    async def kill(self) -> int:
        """SIGKILL to the whole group, then wait until the kernel has let go of it."""
        self._signal(signal.SIGKILL)
        code = await self.wait()
        assert code is not None
        return code

    def pause(self) -> None:
        """SIGSTOP to the group: it keeps its resources and does nothing, until `resume` or `kill`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it continues where it was."""
        self._signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The last line of its log that says something, for one-line error messages."""
        with contextlib.suppress(OSError):
            lines = self.spec.log.read_text(errors="replace")[-4_000:].splitlines()
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def _signal(self, number: signal.Signals) -> None:
        """Signal the group while its leader is unreaped, so that the id can't belong to a stranger."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


class ChildHandle:
    """A service with at most one process, by which the supervisor watches and ends it. No child: it is down."""

    def __init__(self) -> None:
        self._child: Child | None = None

    @property
    def child(self) -> Child | None:
        """The running process, for supervision."""
        return self._child

    async def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            await self._child.stop()
            self._child = None

    async def kill(self) -> None:
        """End it as a crash or a power cut would."""
        if self._child is not None:
            await self._child.kill()
            self._child = None


def _with_lifeline(spec: ChildSpec) -> list[str]:
    ask = ["--parent", str(os.getpid()), "--signal", str(int(spec.death_signal))]
    if spec.user:
        ask += ["--user", spec.user]
    return [sys.executable, "-I", "-S", lifeline.__file__, *ask, "--", *spec.argv]


def _rotate(log: Path) -> None:
    """Keep one older log, so that a log folder never grows without bound."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(log.suffix + ".1"))
