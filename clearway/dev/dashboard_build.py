"""Builds the pages of the dashboard at the first start and when their sources change. No start fails without them."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from clearway.dev.builds import SourceUnavailableError, Step, run_tool, wheel
from clearway.dev.reporting import Reporter, reporter_for_stdout
from clearway.local_stack import PROJECT_ROOT

SCRIPT: Final = PROJECT_ROOT / "web" / "dashboard" / "build.py"
NODE_WHEEL: Final = PROJECT_ROOT / "tools" / "web" / "node.txt"
BUILD_TIMEOUT_S: Final = 600.0


async def build_pages(reporter: Reporter) -> None:
    """Build what the dashboard serves, with Node from the path or from the package index."""
    step = Step(reporter, "pages")
    builder = load_builder()
    if builder.is_current():
        return
    reporter.begin(step.name, "building the dashboard")
    try:
        await _build(builder, step)
    except SourceUnavailableError as error:
        reporter.fail(step.name, f"not built: {error}. The API and the payments work; the dashboard says what to do.")
    else:
        reporter.finish(step.name, "the dashboard is built")


async def _build(builder: ModuleType, step: Step) -> None:
    await run_tool(await _command(builder, step), step, "building the dashboard", timeout_s=BUILD_TIMEOUT_S)


async def _command(builder: ModuleType, step: Step) -> list[str]:
    command = [sys.executable, str(SCRIPT)]
    if builder.find_node() is None:
        command += ["--node-wheel", str(await wheel(NODE_WHEEL, step))]
    return command


def load_builder(script: Path = SCRIPT) -> ModuleType:
    """Return the build script as a module: it lies with the sources of the pages, outside every package."""
    spec = importlib.util.spec_from_file_location("dashboard_build", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def _checking(reporter: Reporter) -> list[str]:
    return [*await _command(load_builder(), Step(reporter, "pages")), "--check"]


def main() -> int:
    """`make web`: lint, build, type-check and test the pages. Returns the exit code of these checks."""
    reporter = reporter_for_stdout()
    try:
        command = asyncio.run(_checking(reporter))
    except SourceUnavailableError as error:
        sys.stderr.write(f"The pages cannot be checked here: {error}\n")
        return 1
    finally:
        reporter.close()
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own words


if __name__ == "__main__":
    sys.exit(main())
