"""The supervisor of worker processes: it starts N, restarts what dies, gives up in the end, and stops in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clearway.cli.worker_pool import GRACE_S, RESTARTS_MAX
from tests.stack.cli.command import ROOT, ended
from tests.stack.dev.waiting import eventually, has_ended
from worker import GRACE

WORKER = """
import os, pathlib, signal, sys, time
index, folder, kind = sys.argv[1:]
folder = pathlib.Path(folder)
def stop(number, frame):
    if kind == "deaf":
        return
    if kind == "slow":
        time.sleep(1)
    (folder / f"stopped-{index}").write_text("in order")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, signal.SIG_IGN)
with (folder / f"started-{index}").open("a") as file:
    file.write(f"{os.getpid()}\\n")
if kind == "dying":
    sys.exit(3)
while True:
    time.sleep(0.05)
"""
POOL = """
import asyncio, sys
from clearway.cli import worker_pool
worker_pool.BACKOFF_S = 0.01
script, folder, kind, count, grace_s = sys.argv[1:]
def command(index):
    return [sys.executable, script, str(index), folder, kind]
pool = worker_pool.WorkerPool(command, int(count), grace_s=float(grace_s))
sys.exit(asyncio.run(pool.run()))
"""

StartPool = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start_pool(tmp_path: Path) -> AsyncIterator[StartPool]:
    """Start a pool of made-up workers of one kind: ready, slow, deaf or dying."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    started: list[Process] = []

    async def start(kind: str, *, count: int = 1, grace_s: float = 20.0) -> Process:
        arguments = ("-c", POOL, str(script), str(tmp_path), kind, str(count), str(grace_s))
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=PIPE, stderr=PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def both_started(start_pool: StartPool, folder: Path, kind: str) -> AsyncIterator[tuple[Process, list[int]]]:
    """Two workers that have written their process ids."""
    pool = await start_pool(kind, count=2)
    await eventually(lambda: all(pids(folder, index) for index in range(2)))
    yield pool, [pids(folder, index)[-1] for index in range(2)]


def pids(folder: Path, index: int) -> list[int]:
    """The processes that worker was, oldest first."""
    file = folder / f"started-{index}"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_every_worker_in_order(
    start_pool: StartPool, tmp_path: Path, number: signal.Signals
) -> None:
    """Each worker gets the signal and finishes its work before the pool ends."""
    async with both_started(start_pool, tmp_path, "slow") as (pool, workers):
        assert await ended(pool, number) == 0
    assert all((tmp_path / f"stopped-{index}").read_text() == "in order" for index in range(2))
    assert all(has_ended(pid) for pid in workers)


async def test_a_worker_that_dies_is_started_again_under_its_index(start_pool: StartPool, tmp_path: Path) -> None:
    """The index is what its metrics port depends on; the others go on undisturbed."""
    async with both_started(start_pool, tmp_path, "ready") as (pool, workers):
        os.kill(workers[1], signal.SIGKILL)
        await eventually(lambda: len(pids(tmp_path, 1)) == 2)
        assert pids(tmp_path, 0) == [workers[0]]
        assert not has_ended(pids(tmp_path, 1)[-1])
        assert await ended(pool) == 0


async def test_a_worker_that_keeps_dying_is_a_failure(start_pool: StartPool, tmp_path: Path) -> None:
    """A worker that can't run ends the pool with a failure, instead of restarts without end."""
    pool = await start_pool("dying")
    async with asyncio.timeout(90):
        assert await pool.wait() == 1
    assert len(pids(tmp_path, 0)) == RESTARTS_MAX + 1


async def test_a_worker_that_hangs_is_killed_after_its_grace(start_pool: StartPool, tmp_path: Path) -> None:
    """A stop always comes to an end."""
    pool = await start_pool("deaf", grace_s=0.5)
    await eventually(lambda: pids(tmp_path, 0))
    assert await ended(pool) == 0
    assert has_ended(pids(tmp_path, 0)[-1])


async def test_a_second_signal_is_impatience(start_pool: StartPool, tmp_path: Path) -> None:
    """A second signal kills the workers at once."""
    pool = await start_pool("deaf", grace_s=60.0)
    await eventually(lambda: pids(tmp_path, 0))
    pool.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    assert await ended(pool) == 0
    assert has_ended(pids(tmp_path, 0)[-1])


def test_the_grace_is_longer_than_the_workers_own() -> None:
    """The command line may not import the worker, and still knows how long a worker may take to stop."""
    assert GRACE.total_seconds() < GRACE_S
