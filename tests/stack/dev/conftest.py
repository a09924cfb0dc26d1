"""Fixtures of the development stack's tests: real servers, folders of their own, and tools of a made-up machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clearway.dev import toolchain
from clearway.dev.builds import Step
from clearway.dev.reporting import SilentReporter


class Notes(SilentReporter):
    """Keeps what would be printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)


@pytest.fixture
def notes() -> Notes:
    """Collect the printed lines."""
    return Notes()


@pytest.fixture
def step(notes: Notes) -> Step:
    """One open step."""
    return Step(notes, "step")


@pytest.fixture(scope="session")
async def temporal_binary() -> Path:
    """Find Temporal's CLI as `make dev` does."""
    return await toolchain.find_temporal(SilentReporter())


FakeTool = Callable[[str, str], Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTool:
    """Make up a machine: an empty cache, no download, and only the tools that the test puts on PATH."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("CLEARWAY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CLEARWAY_SDK_DOWNLOAD", "never")
    monkeypatch.setenv("UV", str(tools / "uv"))

    def put(name: str, script: str) -> Path:
        tool = tools / name
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        return tool

    for name in ("uv", "go", "mvn", "java"):
        put(name, f"echo '{name} is not on this machine'; exit 1")
    return put
