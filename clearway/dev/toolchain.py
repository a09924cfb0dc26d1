"""Where Temporal's servers come from: what is there already, else the SDK's download, else pinned package sources.

`python -m clearway.dev.toolchain` gets both and prints where they are; with `--server`, the Temporal server proper.
The result of each way that was tried is printed.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import temporalio.service

from clearway.dev import cli_build, server_build, test_server_build
from clearway.dev.builds import SourceUnavailableError, Step, once, run_tool
from clearway.dev.errors import StackError
from clearway.dev.places import cache_dir
from clearway.dev.reporting import Reporter, reporter_for_stdout
from clearway.dev.server_build import ServerBinaries

OLDEST_SERVER: Final = (1, 27)
"""Update-with-start and the flags of our dev server need this."""
DOWNLOAD_TIMEOUT_S: Final = 240.0
DOWNLOAD_STALL_S: Final = 20.0

Source = Callable[[Step], Awaitable[Path]]


async def find_temporal(reporter: Reporter) -> Path:
    """The Temporal CLI, whose `server start-dev` is the development server."""
    ways: Sequence[tuple[str, Source]] = (
        ("on PATH", _cli_on_path),
        ("in the cache", _cli_in_cache),
        ("downloaded by the SDK", _cli_from_sdk),
        ("built from the pinned sources", cli_build.build),
    )
    help_text = (
        "Install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH, or set "
        "TEMPORAL_ADDRESS to a server that runs."
    )
    return await _first_that_works(Step(reporter, "temporal CLI"), ways, help_text)


async def find_server(reporter: Reporter) -> ServerBinaries:
    """The Temporal server proper with its schema tool: built from the pinned sources, there is no other way."""

    async def built(step: Step) -> Path:
        return (await server_build.build(step)).folder

    ways: Sequence[tuple[str, Source]] = (("built from the pinned sources", built),)
    help_text = "Leave out `--temporal-server postgres` to use the development server."
    return ServerBinaries(await _first_that_works(Step(reporter, "temporal server"), ways, help_text))


async def find_test_server(reporter: Reporter) -> Path:
    """The time-skipping test server."""
    ways: Sequence[tuple[str, Source]] = (
        ("in the cache", _test_server_in_cache),
        ("downloaded by the SDK", _test_server_from_sdk),
        ("put together from pinned jars", test_server_build.build),
    )
    help_text = "Install Java 11 or newer and Maven, or make a package index reachable."
    return await _first_that_works(Step(reporter, "test server"), ways, help_text)


def present_cli() -> Path | None:
    """The CLI that a start would use without fetching anything."""
    on_path = shutil.which("temporal")
    if on_path is not None:
        try:
            _require_usable(Path(on_path))
        except SourceUnavailableError:
            pass
        else:
            return Path(on_path)
    return next((path for path in (_sdk_target("cli"), cli_build.cached()) if path.exists()), None)


def present_test_server() -> Path | None:
    """What a test run would use without fetching anything."""
    return next((path for path in (test_server_build.cached(), _sdk_target("test-server")) if path.exists()), None)


async def _first_that_works(step: Step, ways: Sequence[tuple[str, Source]], help_text: str) -> Path:
    step.reporter.begin(step.name, "looking for it")
    reasons = []
    for text, source in ways:
        try:
            found = await source(step)
        except SourceUnavailableError as error:
            step.result(f"not {text}: {error}")
            reasons.append(f"not {text} ({error})")
            continue
        step.reporter.finish(step.name, f"{text}: {found}")
        return found
    step.reporter.fail(step.name, "not found")
    raise StackError(f"No {step.name}: {'; '.join(reasons)}. {help_text}")


async def _cli_on_path(_step: Step) -> Path:
    found = shutil.which("temporal")
    if found is None:
        raise SourceUnavailableError("there is no `temporal`")
    _require_usable(Path(found))
    return Path(found)


async def _cli_in_cache(_step: Step) -> Path:
    return _existing(_sdk_target("cli"), cli_build.cached())


async def _test_server_in_cache(step: Step) -> Path:
    """A download of the SDK, or our jars, for which Java is looked for again: it may have moved."""
    if test_server_build.cached().exists():
        return await test_server_build.build(step)
    return _existing(_sdk_target("test-server"))


def _existing(*candidates: Path) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise SourceUnavailableError("nothing there yet")


async def _cli_from_sdk(step: Step) -> Path:
    return await _from_sdk("cli", step)


async def _test_server_from_sdk(step: Step) -> Path:
    return await _from_sdk("test-server", step)


def _sdk_target(kind: str) -> Path:
    """Each SDK version knows which server fits it."""
    return cache_dir() / f"temporal-{kind}-of-sdk-{temporalio.service.__version__}" / f"temporal-{kind}"


async def _from_sdk(kind: str, step: Step) -> Path:
    """A machine without the internet fails within a second; a network that swallows packets, after a stall."""
    if os.environ.get("CLEARWAY_SDK_DOWNLOAD", "").lower() in {"0", "false", "never"}:
        raise SourceUnavailableError("switched off by CLEARWAY_SDK_DOWNLOAD")
    target = _sdk_target(kind)

    async def make(folder: Path) -> None:
        await run_tool(
            [sys.executable, "-m", "clearway.dev.sdk_download", kind, str(folder)],
            step,
            "asking the SDK to download it",
            timeout_s=DOWNLOAD_TIMEOUT_S,
            stalled=_Stall(folder),
        )
        _rename_only_file(folder, target.name)

    return await once(target.parent, step, make) / target.name


def _rename_only_file(folder: Path, name: str) -> None:
    (executable,) = [path for path in folder.iterdir() if path.is_file()]
    executable.rename(folder / name)


class _Stall:
    """True when a folder has stopped growing for `DOWNLOAD_STALL_S`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size = -1
        self._changed_at = time.monotonic()

    def __call__(self) -> bool:
        size = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
        if size != self._size:
            self._size, self._changed_at = size, time.monotonic()
        return time.monotonic() - self._changed_at > DOWNLOAD_STALL_S


def _require_usable(binary: Path) -> None:
    """`temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`: the server's version counts."""
    try:
        result = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise SourceUnavailableError(f"{binary} does not run: {error}") from error
    found = re.search(r"Server (\d+)\.(\d+)", result.stdout)
    if found is None:
        raise SourceUnavailableError(f"{binary} does not say its version")
    if (int(found[1]), int(found[2])) < OLDEST_SERVER:
        needed = ".".join(map(str, OLDEST_SERVER))
        raise SourceUnavailableError(f"{binary} has server {found[1]}.{found[2]}, older than {needed}")


async def prepare(reporter: Reporter) -> None:
    """Get both servers, one after the other: together they would compete for the cores."""
    if address := os.environ.get("TEMPORAL_ADDRESS"):
        reporter.say(f"temporal CLI: not needed, TEMPORAL_ADDRESS is {address}")
    else:
        await find_temporal(reporter)
    await find_test_server(reporter)


def main() -> int:
    """`make test` and CI prepare with this, so that no test has to wait for a build."""
    reporter = reporter_for_stdout()
    wanted = find_server if "--server" in sys.argv[1:] else prepare
    try:
        asyncio.run(wanted(reporter))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was fetched so far is kept by its tool\n")
        return 130
    finally:
        reporter.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
