"""Keeps the services of a stack running: starts, watches, restarts within a limit, stops in reverse order.

It does not know what the services are. A service that was stopped or killed on purpose stays down.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from clearway.dev.errors import StackError
from clearway.dev.reporting import Reporter
from clearway.dev.services import Service

RESTARTS_MAX: Final = 5
RESTART_WINDOW_S: Final = 60.0
BACKOFF_S: Final = 0.5


class Supervisor:
    """Holds services in start order. `failure` is set when one of them can't be kept running."""

    def __init__(self, reporter: Reporter, changed: Callable[[], None]) -> None:
        self._reporter = reporter
        self._changed = changed
        self._services: dict[str, Service] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self.failure: asyncio.Future[StackError] = asyncio.get_running_loop().create_future()

    @property
    def services(self) -> Mapping[str, Service]:
        """Every service added so far, in start order."""
        return self._services

    async def add(self, name: str, service: Service, text: str) -> None:
        """Add a service, start it, report it, and keep it running."""
        self._services[name] = service
        self._reporter.begin(name, "starting")
        try:
            await self.start(name)
        except StackError as error:
            self._reporter.fail(name, "did not start")
            raise error from None
        self._reporter.finish(name, text)

    async def start(self, name: str) -> None:
        """Start a service that is down."""
        await self._services[name].start()
        self._watchers[name] = asyncio.create_task(self._watch(name), name=f"watch {name}")
        self._changed()

    async def stop(self, name: str) -> None:
        """End a service in order; it stays down."""
        await self._unwatch(name)
        await self._services[name].stop()
        self._changed()

    async def kill(self, name: str) -> None:
        """End a service with SIGKILL; it stays down."""
        await self._unwatch(name)
        await self._services[name].kill()
        self._changed()

    async def stop_all(self) -> None:
        """End everything that runs, last started first. A service that can't be ended in order is killed."""
        for name in reversed(list(self._services)):
            self._reporter.update("stop", f"stopping {name}")
            await self.stop(name)

    async def kill_all(self) -> None:
        """End everything at once."""
        await asyncio.gather(*(self.kill(name) for name in self._services))

    async def _unwatch(self, name: str) -> None:
        watcher = self._watchers.pop(name, None)
        if watcher is not None:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    async def _watch(self, name: str) -> None:
        deaths: deque[float] = deque(maxlen=RESTARTS_MAX + 1)
        while True:
            code = await self._death_of(name)
            deaths.append(time.monotonic())
            if len(deaths) > RESTARTS_MAX and deaths[-1] - deaths[0] < RESTART_WINDOW_S:
                self._give_up(name, code)
                return
            self._reporter.say(f"{name} stopped ({_describe(code)}); starting it again.")
            await asyncio.sleep(BACKOFF_S * len(deaths))
            await self._restart(name)

    async def _death_of(self, name: str) -> int | None:
        child = self._services[name].child
        return None if child is None else await child.wait()

    async def _restart(self, name: str) -> None:
        try:
            await self._services[name].start()
        except StackError as error:
            self._reporter.say(str(error))
            return
        self._reporter.say(f"{name} runs again.")
        self._changed()

    def _give_up(self, name: str, code: int | None) -> None:
        child = self._services[name].child
        words, log = (child.last_words(), child.spec.log) if child else ("", "its log")
        error = StackError(
            f"{name} stopped {RESTARTS_MAX + 1} times within {RESTART_WINDOW_S:.0f} s "
            f"({_describe(code)}): {words} See {log}."
        )
        if not self.failure.done():
            self.failure.set_result(error)


def _describe(code: int | None) -> str:
    if code is None:
        return "did not get ready"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
