"""The two databases of a Temporal server on our embedded Postgres, brought up to date with Temporal's own tool.

The embedded Postgres comes without the extensions of `contrib`, of which Temporal's visibility schema uses one,
btree_gin, to put the namespace into its indexes of lists and texts. Here these indexes do without the namespace.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg

from clearway.dev.child import Child, ChildSpec
from clearway.dev.errors import StackError
from clearway.dev.ports import HOST
from clearway.dev.server_build import ServerBinaries
from clearway.dev.temporal_config import DRIVER, STORE, USER, VISIBILITY

SCHEMAS: Final = {STORE: "temporal", VISIBILITY: "visibility"}
WITHOUT_EXTENSION: Final = (
    ("CREATE EXTENSION IF NOT EXISTS btree_gin;", ""),
    ("USING GIN (namespace_id, ", "USING GIN ("),
)
TOOL_TIMEOUT_S: Final = 60.0


async def prepare(binaries: ServerBinaries, socket_dir: Path, log: Path) -> None:
    """Create what is missing and update what is old; StackError with the tool's last line when it fails."""
    with tempfile.TemporaryDirectory(prefix="temporal-schemas-") as schemas:
        _adapt(binaries.schemas, Path(schemas))
        for database, schema in SCHEMAS.items():
            await _Database(binaries, socket_dir, database, log).prepare(Path(schemas) / schema / "versioned")


@dataclass(frozen=True)
class _Database:
    """One of the two databases, as the tool needs it."""

    binaries: ServerBinaries
    socket_dir: Path
    name: str
    log: Path

    async def prepare(self, steps: Path) -> None:
        """Create it when it is missing, then take the steps that it has not taken."""
        if not await self._exists():
            await self._tool("create-database", "--defaultdb", "postgres")
        if not await self._has_schema():
            await self._tool("setup-schema", "--version", "0.0")
        await self._tool("update-schema", "--schema-dir", str(steps))

    async def _tool(self, *arguments: str) -> None:
        flags = {"endpoint": HOST, "port": "5432", "user": USER, "database": self.name, "plugin": DRIVER}
        flags["connect-attributes"] = f"host={quote(str(self.socket_dir))}"
        argv = [str(self.binaries.sql_tool), *(f"--{flag}={value}" for flag, value in flags.items()), *arguments]
        child = Child.start(ChildSpec(name="temporal schema", argv=argv, log=self.log))
        try:
            code = await child.wait(TOOL_TIMEOUT_S)
        finally:
            await child.kill()
        if code != 0:
            raise StackError(f"Temporal's database could not be prepared: {child.last_words()} (all of it: {self.log})")

    async def _exists(self) -> bool:
        async with _connection(self.socket_dir, "postgres") as connection:
            return bool(await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", self.name))

    async def _has_schema(self) -> bool:
        async with _connection(self.socket_dir, self.name) as connection:
            return bool(await connection.fetchval("SELECT to_regclass('schema_version') IS NOT NULL"))


async def forget_members(socket_dir: Path) -> None:
    """Delete the members that a killed server left: the next server would send work to them for a minute."""
    async with _connection(socket_dir, STORE) as connection:
        await connection.execute("DELETE FROM cluster_membership")


def _adapt(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            text = path.read_text()
            for old, new in WITHOUT_EXTENSION:
                text = text.replace(old, new)
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)


@contextlib.asynccontextmanager
async def _connection(socket_dir: Path, database: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(host=str(socket_dir), user=USER, database=database, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()
