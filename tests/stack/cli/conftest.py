"""Fixtures of the command line's tests: the command itself, and one whole stack for those that need everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clearway.dev import toolchain
from clearway.dev.ports import Ports
from clearway.dev.postgres import THROWAWAY_SETTINGS
from clearway.dev.reporting import SilentReporter
from clearway.dev.stack import Stack, StackOptions
from tests.stack.cli.command import Cli
from tests.support.warm_cli import WarmCli

PROCESSING_DELAY_MS = "200"


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of tests that need the stack."""
    config.addinivalue_line("markers", "stack: needs a whole running stack, which takes some twenty seconds to start")


@pytest.fixture
def cli(tmp_path: Path, warm: WarmCli) -> Cli:
    """Give the command line where no stack runs."""
    return Cli(tmp_path, warm=warm)


@pytest.fixture
def cold_cli(tmp_path: Path) -> Cli:
    """Give the command line where no stack runs, as `python -m clearway.cli` with all that belongs to a start."""
    return Cli(tmp_path)


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Run everything once, for all tests of the command line."""
    options = StackOptions(
        state_dir=tmp_path_factory.mktemp("stack"),
        ports=Ports.free(),
        env={"TEST_PROCESSING_DELAY": PROCESSING_DELAY_MS, "WEBHOOK_RETRY_INTERVALS_TEST": "true"},
        temporal_binary=await toolchain.find_temporal(SilentReporter()),
        postgres_settings=THROWAWAY_SETTINGS,
    )
    async with Stack(options) as running:
        yield running


@pytest.fixture
def at_stack(stack: Stack, tmp_path: Path, warm: WarmCli) -> Cli:
    """Give the command line on the stack's machine, which finds it by the state folder."""
    return Cli(tmp_path, stack.state_dir, warm=warm)
