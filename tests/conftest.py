"""Fixtures that every part of the suite shares: a real Postgres, migrated databases, and a clean end of the process."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.engine import create_engine
from clearway.dev.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from clearway.domain import ids
from clearway.settings import Settings
from tests.support.database import Databases
from tests.support.network import close_network
from tests.support.side_by_side import ByUnit, place_in_line
from tests.support.warm_cli import WarmCli, warm_cli

# A busy machine is slow, which proves nothing about the code. On CI the examples are the same in every run.
hypothesis_settings.register_profile(
    "clearway",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
hypothesis_settings.load_profile("clearway")

pytest_plugins = ["tests.support.clock", "tests.support.durable"]

_status = pytest.StashKey[int]()
_folder = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that records histories of new stories."""
    parser.addoption("--record-histories", action="store_true", help="write histories that tests/replay lacks")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Close the network, and give each run a temporary folder of its own.

    Runs of one user share theirs, and each resets its permissions: the Postgres of another run would lose its files.
    """
    close_network()
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ:
        config.stash[_folder] = folder = tempfile.mkdtemp(prefix="clearway-tests-")
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - Postgres may run as a user of its own
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are processors: a third of the time, tests wait for servers and timers."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out tests by the servers they share."""
    return ByUnit(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the longest begin first, where workers share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place_in_line(item.nodeid))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the verdict for `pytest_unconfigure`."""
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without the interpreter's own exit, in which Temporal's runtime may crash (temporalio/sdk-python#300)."""
    if _folder in config.stash and config.stash.get(_status, 1) == 0:
        shutil.rmtree(config.stash[_folder], ignore_errors=True)
    if _status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_status])


@pytest.fixture(scope="session")
async def databases(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Databases]:
    """Run one Postgres for the whole session, with a migrated template to copy databases from."""
    folder = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(folder / "data", log=folder / "postgres.log", settings=THROWAWAY_SETTINGS)
    await server.start()
    try:
        yield await Databases.migrated(server)
    finally:
        await server.stop()


@pytest.fixture(scope="session")
async def database_url(databases: Databases) -> str:
    """Name a migrated database for the tests that keep apart by merchant."""
    return await databases.create("shared")


@pytest.fixture
async def fresh_database_url(databases: Databases) -> AsyncIterator[str]:
    """Name a migrated database for one test alone."""
    async with databases.temporary() as url:
        yield url


@pytest.fixture(scope="session")
async def warm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WarmCli]:
    """Run commands of `clearway` for the whole session, in processes that are spared the imports."""
    async with warm_cli(tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    """Read the settings of the suite: nothing of the environment or of a `.env` file.

    The time-outs are the usual ones. Shorter ones save no time, and on a slow machine they make failures.
    """
    return Settings(
        _env_file=None,
        clearway_env="test",
        database_url=database_url,
        webhook_allowed_networks=("127.0.0.0/8", "::1/128"),
    )


@pytest.fixture(scope="session")
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Connect to the shared database."""
    engine = create_engine(settings, application_name="tests")
    yield engine
    await engine.dispose()


@pytest.fixture(autouse=True)
def _ids_of_the_present(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ids have the time of the clock again: after a test that moved it on, they would go on from there."""
    monkeypatch.setattr(ids, "_last", 0)
