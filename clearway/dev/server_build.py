"""The Temporal server proper and its schema tool, built from the pinned sources in `tools/temporal/`.

The same module graph as the CLI's, so the same server as the one inside the dev server; nobody offers it as a download
that fits every machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clearway.dev.builds import WITHOUT_SOURCES, Step, once, require_sources, run_tool
from clearway.dev.cli_build import BUILD_TIMEOUT_S, find_go, go_environment, pins
from clearway.dev.places import TOOL_SOURCES, cache_dir

MODULE: Final = "go.temporal.io/server"
PACKAGES: Final = (f"{MODULE}/cmd/server", f"{MODULE}/cmd/tools/sql")
"""Go names a binary after the last folder of its package."""
SCHEMAS: Final = "schema/postgresql/v12"
"""Where the module keeps the steps of its PostgreSQL schemas."""


@dataclass(frozen=True)
class ServerBinaries:
    """The folder of the two programs and the schemas that belong to them."""

    folder: Path

    @property
    def server(self) -> Path:
        """Frontend, history, matching and worker service in one program."""
        return self.folder / "server"

    @property
    def sql_tool(self) -> Path:
        """Creates databases and brings their schema up to date."""
        return self.folder / "sql"

    @property
    def schemas(self) -> Path:
        """One folder for each of the two databases: `temporal` and `visibility`."""
        return self.folder / "schemas"

    def exist(self) -> bool:
        """Whether they were built here before."""
        return self.folder.exists()


def pinned_version() -> str:
    """The server's version in go.mod, without the `v`."""
    if not TOOL_SOURCES.is_dir():
        return WITHOUT_SOURCES
    found = re.search(r"go\.temporal\.io/server v(\S+)", (TOOL_SOURCES / "go.mod").read_text())
    assert found is not None
    return found[1]


def cached() -> ServerBinaries:
    """Where the built programs are kept; another pin of anything in them is another build."""
    return ServerBinaries(cache_dir() / f"temporal-server-{pinned_version()}-{pins()}")


async def build(step: Step, *, timeout_s: float = BUILD_TIMEOUT_S) -> ServerBinaries:
    """Both programs. Seconds where the CLI was built from source before, as Go keeps what they share; else minutes."""
    require_sources()

    async def make(folder: Path) -> None:
        go = await find_go(step)
        command = [str(go), "build", "-ldflags", "-s -w", "-o", f"{folder}/", *PACKAGES]
        text = "building the Temporal server; only the first time: 20 seconds after the CLI was built, else 6 minutes"
        await run_tool(command, step, text, timeout_s=timeout_s, env=go_environment(), cwd=TOOL_SOURCES)
        ask = [str(go), "list", "-m", "-f", "{{.Dir}}", MODULE]
        sources = await run_tool(
            ask, step, "asking for the schemas", timeout_s=60, env=go_environment(), cwd=TOOL_SOURCES
        )
        _copy(Path(sources.strip()) / SCHEMAS, folder / "schemas")

    await once(cached().folder, step, make)
    return cached()


def _copy(source: Path, target: Path) -> None:
    """The files alone: Go's module cache is read-only, folders and all."""
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
