"""Keeps N worker processes running: starts, restarts within a limit, stops them in order.

It knows no workflow. A worker that stops takes no new task and finishes those it has. Temporal gives what it cannot
finish in time to another worker.
"""

from __future__ import annotations

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from clearway.cli.problems import FAILED

GRACE_S: Final = 45.0
"""Longer than a worker's own grace, so that it is only killed when it hangs."""
RESTARTS_MAX: Final = 5
RESTART_WINDOW_S: Final = 60.0
BACKOFF_S: Final = 0.5

log = structlog.get_logger()


class WorkerPool:
    """Runs `command(0)`, `command(1)`, … until SIGTERM or SIGINT, or until one of them can't be kept running."""

    def __init__(self, command: Callable[[int], Sequence[str]], count: int, *, grace_s: float = GRACE_S) -> None:
        self._command = command
        self._count = count
        self._grace_s = grace_s
        self._running: dict[int, Process] = {}
        self._signals = 0
        self._stop = asyncio.Event()
        self._failed = False

    async def run(self) -> int:
        """Return the exit code: 0 after a signal, 1 when a process died too often."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        keepers = [asyncio.create_task(self._keep(index)) for index in range(self._count)]
        await self._stop.wait()
        log.info("stopping workers", processes=len(self._running), grace_s=self._grace_s)
        self._signal_all(signal.SIGTERM)
        _, hanging = await asyncio.wait(keepers, timeout=self._grace_s)
        if hanging:
            log.warning("killing workers that did not stop", processes=sorted(self._running))
            self._signal_all(signal.SIGKILL)
        await asyncio.gather(*keepers)
        return FAILED if self._failed else 0

    def _on_signal(self) -> None:
        """Stop in order at the first signal, at once at the second."""
        self._signals += 1
        self._stop.set()
        if self._signals > 1:
            self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(number)

    async def _keep(self, index: int) -> None:
        """Keep one process running until we stop, or until it has died too often."""
        deaths: deque[float] = deque(maxlen=RESTARTS_MAX + 1)
        while not self._stop.is_set():
            code = await self._run_once(index)
            if self._stop.is_set():
                return
            deaths.append(time.monotonic())
            if len(deaths) > RESTARTS_MAX and deaths[-1] - deaths[0] < RESTART_WINDOW_S:
                log.error("worker died too often, stopping all", process=index, exit_code=code, deaths=len(deaths))
                self._failed = True
                self._stop.set()
                return
            log.warning("worker died, starting it again", process=index, exit_code=code)
            await self._pause(BACKOFF_S * len(deaths))

    async def _run_once(self, index: int) -> int:
        process = await asyncio.create_subprocess_exec(*self._command(index))
        self._running[index] = process
        if self._stop.is_set():  # the signal came while it was being started
            process.send_signal(signal.SIGTERM)
        try:
            return await process.wait()
        finally:
            del self._running[index]

    async def _pause(self, wait_s: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), wait_s)
        except TimeoutError:
            return
