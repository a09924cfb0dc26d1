"""The embedded PostgreSQL keeps what was committed, and is never left behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from clearway.dev.child import Child, ChildSpec
from clearway.dev.postgres import EmbeddedPostgres
from tests.stack.dev.waiting import has_ended, written


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Run a server that syncs to the disk, as `make dev` does."""
    server = EmbeddedPostgres(tmp_path / "data", log=tmp_path / "postgres.log")
    await server.start()
    yield server
    await server.stop()


async def execute(server: EmbeddedPostgres, statement: str) -> object:
    """Run a statement on our database and return its first value."""
    connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_data_outlives_a_stop_and_a_kill(server: EmbeddedPostgres) -> None:
    """Committed rows are there after an orderly stop and after a kill -9."""
    await execute(server, "CREATE TABLE kept AS SELECT 42 AS value")
    for end in (server.stop, server.kill):
        await end()
        await server.start()
        assert await execute(server, "SELECT value FROM kept") == 42


async def test_a_stale_pid_file_does_not_stop_a_start(server: EmbeddedPostgres) -> None:
    """After a restart of the machine the pid file may name a process that is something else."""
    await server.kill()
    pid_file = server.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    await server.start()
    assert await execute(server, "SELECT 1") == 1


async def test_a_deep_folder_gets_a_short_socket(tmp_path: Path) -> None:
    """A Unix socket's path is limited to some hundred bytes; a checkout may lie deeper than that."""
    deep = tmp_path / ("deep" * 20) / ("er" * 20)
    server = EmbeddedPostgres(deep, log=tmp_path / "postgres.log")
    await server.start()
    try:
        assert await execute(server, "SELECT current_setting('timezone')") == "UTC"
    finally:
        await server.stop()


async def test_an_interrupted_creation_is_begun_again(tmp_path: Path) -> None:
    """After a Ctrl-C during the first start, the next start works."""
    half = tmp_path / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path / "data", log=tmp_path / "postgres.log")
    await server.start()
    try:
        assert await execute(server, "SELECT 1") == 1
    finally:
        await server.stop()


async def test_it_listens_on_no_network(server: EmbeddedPostgres) -> None:
    """A development database without passwords is not reachable from outside."""
    assert server.child is not None
    connections = psutil.Process(server.child.pid).net_connections("inet")
    assert [connection for connection in connections if connection.status == psutil.CONN_LISTEN] == []


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_kill_nine_of_the_stack_leaves_no_postgres(tmp_path: Path) -> None:
    """The next start finds the folder free and the data whole."""
    script = f"""
import asyncio
from pathlib import Path
from clearway.dev.postgres import EmbeddedPostgres
async def main():
    folder = Path({str(tmp_path)!r})
    server = EmbeddedPostgres(folder / "data", log=folder / "postgres.log")
    await server.start()
    (folder / "pid").write_text(str(server.child.pid))
    await asyncio.sleep(60)
asyncio.run(main())
"""
    parent = Child.start(ChildSpec(name="parent", argv=[sys.executable, "-c", script], log=tmp_path / "parent.log"))
    orphan = int(await written(tmp_path / "pid"))
    os.kill(parent.pid, signal.SIGKILL)
    server = EmbeddedPostgres(tmp_path / "data", log=tmp_path / "postgres.log")
    await server.start()
    try:
        assert has_ended(orphan)
        assert await execute(server, "SELECT 1") == 1
    finally:
        await server.stop()
        await parent.wait()
