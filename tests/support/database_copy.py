"""A cold copy of the embedded Postgres, and putting it back: what a restore from a base backup leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

from clearway.dev.stack import Stack


async def copy_database(stack: Stack, to: Path) -> None:
    """Copy the files of the stopped database. The caller starts it again."""
    await stack.stop("postgres")
    await _run("cp", "-a", str(stack.state_dir / "postgres"), str(to))


async def put_database_back(stack: Stack, copy: Path) -> None:
    """Put a copy in place of the database's files. The caller starts it again."""
    await stack.kill("postgres")
    await _run("rm", "-rf", str(stack.state_dir / "postgres"))
    await _run("cp", "-a", str(copy), str(stack.state_dir / "postgres"))


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command
