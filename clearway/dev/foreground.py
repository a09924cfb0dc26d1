"""Runs a stack in the foreground: start, say where everything is, wait for Ctrl-C, stop in order.

A second Ctrl-C while stopping ends everything at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values

from clearway.dev import services, welcome
from clearway.dev.errors import StackError
from clearway.dev.ports import Ports
from clearway.dev.reporting import reporter_for_stdout
from clearway.dev.stack import Stack, StackOptions, TemporalKind
from clearway.local_stack import PROJECT_ROOT
from clearway.local_stack import state_dir as usual_state_dir

UNLESS_CHOSEN: Final = {"WEBHOOK_RETRY_INTERVALS_TEST": "true", "REGISTRATION": "open"}
"""Nobody who tries things out waits two hours for a webhook, or needs an invitation, unless the user chose so."""


def main(*, state_dir: Path | None = None, ports: Ports | None = None, temporal_server: TemporalKind = "dev") -> int:
    """`clearway dev`: run the stack until Ctrl-C. Returns the exit code; every failure is one line on stderr.

    The caller must end the process with `os._exit` after flushing: a Temporal client was used in it.
    """
    user = {**_dotenv(), **os.environ}
    try:
        options = StackOptions(
            state_dir=state_dir or usual_state_dir(),
            ports=ports or Ports.from_environment(user),
            database_url=user.get("DATABASE_URL") or None,
            owner_url=user.get("MIGRATIONS_DATABASE_URL") or None,
            temporal_address=user.get("TEMPORAL_ADDRESS") or None,
            temporal_server=temporal_server,
            env={name: value for name, value in UNLESS_CHOSEN.items() if name not in user},
            services=frozenset(services.NAMES),
            stand_ins=True,
            reporter=reporter_for_stdout(),
        )
        return asyncio.run(run(Stack(options)))
    except StackError as error:
        sys.stderr.write(f"clearway dev: {error}\n")
        return 1


async def run(stack: Stack) -> int:
    """The exit code: 0 after Ctrl-C or SIGTERM, StackError when the stack can't be started or kept running."""
    interrupts: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupts.put_nowait, None)
    try:
        await _run_until_interrupted(stack, interrupts)
    finally:
        await _stop(stack, interrupts)
        stack.reporter.close()
    return 0


async def _run_until_interrupted(stack: Stack, interrupts: asyncio.Queue[None]) -> None:
    interrupted: asyncio.Future[Any] = asyncio.ensure_future(interrupts.get())
    starting = asyncio.ensure_future(stack.start_all())
    try:
        await asyncio.wait({interrupted, starting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return
        starting.result()
        sys.stdout.write(welcome.text(stack))
        sys.stdout.flush()
        failure: asyncio.Future[Any] = stack.supervisor.failure
        await asyncio.wait((interrupted, failure), return_when=asyncio.FIRST_COMPLETED)
        if failure.done():
            raise failure.result()
    finally:
        interrupted.cancel()
        starting.cancel()
        await asyncio.gather(interrupted, starting, return_exceptions=True)


async def _stop(stack: Stack, interrupts: asyncio.Queue[None]) -> None:
    impatient = asyncio.ensure_future(interrupts.get())
    stopping = asyncio.ensure_future(stack.stop_all())
    await asyncio.wait({impatient, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        await stack.kill_all()
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    if stopping.done() and not stopping.cancelled():
        stopping.result()


def _dotenv() -> dict[str, str]:
    return {name: value for name, value in dotenv_values(PROJECT_ROOT / ".env").items() if value is not None}
